"""Which finding explains which, and what the law that it breaks is called."""
