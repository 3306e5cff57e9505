"""A run in every export format and in the terminal."""
