"""Laws about get_all."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level, Operation
from isolation_tests.plans import Cell, derived, related


@law("get-all-stays-own", level=Level.CORE, cells=related.name_cells(Operation.GET_ALL))
def test_get_all_stays_own(check: Check, cell: Cell) -> None:
    """No list of memories holds another user's fact, however alike the two names are.

    1. The owner filter matches by prefix or pattern, not by equality.
    2. Names are folded, trimmed, shortened or normalised before they become a key or a path.
    3. The list comes from another index than a search, with another filter.
    """
    check.run()


@law("own-facts-are-complete", level=Level.CORE, cells=derived.OWN_CELLS)
def test_own_facts_are_complete(check: Check, cell: Cell) -> None:
    """A user who stored many facts gets all of them.

    1. get_all returns only one page; the adapter has to read them all.
    2. A default limit (10, 20, 100) applies if none is given.
    3. An over-careful filter hides some of the user's own rows.
    """
    check.run()


@law("crowd-stays-apart", level=Level.CORE, cells=derived.CROWD_CELLS)
def test_crowd_stays_apart(check: Check, cell: Cell) -> None:
    """Among several hundred users present at once, each still sees their own fact and no other.

    1. The owner filter is applied after a global top-k, so a user's own rows disappear in a crowd.
    2. The key of a cache or an index repeats when there are many users.
    3. Some users share a shard, partition or collection that has no further filter.
    """
    check.run()
