"""Memories of agent frameworks, one file per framework; each imports its vendor's library lazily."""
