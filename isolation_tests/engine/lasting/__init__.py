"""What outlasts a single check: users who look until the end, and memories by the thousand."""
