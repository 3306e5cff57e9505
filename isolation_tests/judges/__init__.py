"""Pure judges: a history goes in, findings and doubts come out."""
