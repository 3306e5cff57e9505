"""Base utilities: errors, masking, safe text, intervals and data files. Nothing here is about isolation."""
