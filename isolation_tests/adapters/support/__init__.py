"""Code that several adapters of one system share."""
