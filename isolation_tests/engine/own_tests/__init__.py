"""For tests that people write themselves: an open target, two users in it, and findings that stay fixed."""
