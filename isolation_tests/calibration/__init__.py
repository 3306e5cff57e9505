"""Strength: plants faults in front of a target, and says which of them its runs would catch."""
