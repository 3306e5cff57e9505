"""What adapters of one system share."""
