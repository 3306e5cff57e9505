"""Causes: what findings of a run come from, explained from check to check and learned from names."""
