"""A run's report page."""
