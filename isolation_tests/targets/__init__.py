"""Targets: reading a target's file, resolving its name, opening it, and the settings of a run."""
