"""Certificates: signed statements of what one run's evidence shows, which others can verify."""
