"""The properties: each test states a law over every cell that the catalogue has for it."""
