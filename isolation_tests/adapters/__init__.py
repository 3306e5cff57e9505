"""Adapters for real memory systems: one file a system, each importing its vendor's library lazily."""
