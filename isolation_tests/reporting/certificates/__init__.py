"""Certificates: what one run's evidence shows, signed, and verified elsewhere."""
