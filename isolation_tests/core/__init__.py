"""The ground: errors, masking, harmless text, intervals, packaged data; it knows nothing of isolation."""
