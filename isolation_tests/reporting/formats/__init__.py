"""A run in every format that it can be exported to, and in a terminal."""
