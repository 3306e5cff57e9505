"""A run's evidence: written as it comes, read by one set of rules, summarised, merged."""
