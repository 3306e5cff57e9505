"""What a run leaves behind: evidence, and the reports that are made from it."""
