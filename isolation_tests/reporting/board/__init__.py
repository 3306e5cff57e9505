"""Published verdicts: what lies below a folder, as a table and as a site."""
