"""What keeps a run from harming its target: limits, rehearsals, cleaning up, and the probe of production."""
