"""Performs a plan: binds it to fresh names, makes the calls, and records what came as a history."""
