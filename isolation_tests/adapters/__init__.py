"""Adapters for real memory systems, one file per system; each imports its vendor's library lazily."""
