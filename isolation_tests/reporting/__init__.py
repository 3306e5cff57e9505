"""A run's results: evidence, and the reports made from it."""
