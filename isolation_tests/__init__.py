"""Certifies that an agent-memory system keeps its users apart; begin with `isolation_tests.adapter`."""
