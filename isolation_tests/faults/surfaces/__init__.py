"""Faults of one surface: by-id calls, side doors, side channels, and views that disagree."""
