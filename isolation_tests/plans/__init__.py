"""The checks' plans: the full matrix as cells, and Hypothesis strategies that draw plans.

A cell is one named check. Its plan is built when it runs, from the run's seed and the target's capabilities.
So every run has the same list of cells, and a missing one is noticed.
"""

from isolation_tests.plans.cells import HANDLES, OVERLAP, OWNER_KEYS, REOPEN, TWIN, Cell, Material, Offer

__all__ = ["HANDLES", "OVERLAP", "OWNER_KEYS", "REOPEN", "TWIN", "Cell", "Material", "Offer"]
