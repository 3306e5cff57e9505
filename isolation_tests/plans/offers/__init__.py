"""Plans over all that an adapter offers: moves, drawn in any order, in pairs, and with every value."""
