"""A run's evidence: written during the run, then validated, summarised and merged."""
