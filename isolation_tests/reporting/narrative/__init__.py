"""A run in words: header, verdict, findings and how they are reproduced, controls."""
