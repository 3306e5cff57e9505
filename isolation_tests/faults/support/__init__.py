"""Shared by seeded faults: the wrapper, and the ways in which users are merged."""
