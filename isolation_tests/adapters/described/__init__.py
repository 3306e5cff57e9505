"""Adapters that a target's file describes: the meaning of its options, and the clients that use them."""
