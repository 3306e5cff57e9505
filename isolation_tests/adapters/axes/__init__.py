"""Adapters of systems that separate by more than the user, one file per system."""
