"""Published verdicts of a folder, as a table and as a static site."""
