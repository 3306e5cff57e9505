"""Coverage: which calls with which values, by users in which states, alone or together, a run has asked."""
