"""The law about all related names at once, which runs first."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, related


@law("all-pairs-stay-apart", level=Level.CORE, cells=related.PAIR_CELLS)
def test_all_pairs_stay_apart(check: Check, cell: Cell) -> None:
    """Of all pairs of related names that are present at once, nobody gets what is another's.

    1. The owner filter matches by prefix or pattern, not by equality.
    2. Names are folded, trimmed, shortened or normalised before they become a key or a path.
    3. The later checks of each relation show which relation it is.
    """
    check.run()
