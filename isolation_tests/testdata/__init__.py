"""Test data: related names, people and their facts, and canaries that identify a fact's owner."""
