"""Tests targets: single checks, an open target, whole runs, replays of a finding, many targets in turn."""
