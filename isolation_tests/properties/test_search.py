"""Laws about search."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level, Operation
from isolation_tests.plans import Cell, related, scope


@law("search-stays-own", level=Level.CORE, cells=related.name_cells(Operation.SEARCH))
def test_search_stays_own(check: Check, cell: Cell) -> None:
    """No search returns another user's fact, however alike the two names are.

    1. The owner filter matches by prefix or pattern (LIKE, startswith, glob), not by equality.
    2. Names are folded, trimmed or normalised on only one of the write and read paths.
    3. The owner is part of a joined key, with a separator that names can contain.
    4. The leg of the search that found it (vectors, keywords, graph) has no filter: see S1 and S2.
    """
    check.run()


@law("legs-stay-own", level=Level.CORE, cells=scope.LEG_CELLS)
def test_legs_stay_own(check: Check, cell: Cell) -> None:
    """Every leg and every field of a search stays with its user, even where two users mention one person.

    1. A keyword, graph or rerank leg has no owner filter, and its rows are merged into the result.
    2. Entities, sources or relations in the answer are looked up only by name.
    3. The adapter copies a global field of the answer into the raw of every row.
    """
    check.run()
