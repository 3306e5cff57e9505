"""A run in words: header, verdict, findings with their reproduction, and controls."""
