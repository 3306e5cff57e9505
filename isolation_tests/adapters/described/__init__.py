"""Adapters that a target's file describes: what its options mean, and the clients that act on them."""
