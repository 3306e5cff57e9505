"""Faults of the scope: no user is applied, or two names are taken for one."""
