"""Plans of more axes than the user: scopes that differ in one, omit one, or are equal once joined."""
