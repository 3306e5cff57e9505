"""What is asked: the exhaustive matrix as cells, and Hypothesis strategies over plans.

A cell is one named question. Its plan is built when it runs, from the run's seed and from what the target
offers, so that the list of cells is the same for every run and a missing one is noticed.
"""

from isolation_tests.plans.cells import HANDLES, OVERLAP, OWNER_KEYS, TWIN, Cell, Material

__all__ = ["HANDLES", "OVERLAP", "OWNER_KEYS", "TWIN", "Cell", "Material"]
