"""What seeded faults share: the wrapper, and ways in which two users become one."""
