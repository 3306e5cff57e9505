"""Targets: a target's file, its name, its factory, its environment, and a run's settings."""
