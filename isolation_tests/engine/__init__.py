"""Asks a target: one check, one open target, one run, one finding again, many targets in turn."""
