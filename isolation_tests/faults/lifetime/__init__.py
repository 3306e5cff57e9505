"""Faults that take time: deletes, leftovers, caches, derived data and calls that overlap."""
