"""Laws about deleting."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level, Operation
from isolation_tests.plans import Cell, deletes, related


@law("delete-all-stays-own", level=Level.CORE, cells=related.name_cells(Operation.DELETE_ALL))
def test_delete_all_stays_own(check: Check, cell: Cell) -> None:
    """Deleting all of one user's memories leaves every other user's in place, however alike the names are.

    1. The delete matches by prefix or pattern, while reads match by equality.
    2. The delete removes a folder, collection or key that two names share.
    3. The sync and the async path build their filters differently.
    """
    check.run()


@law("delete-all-spares-others", level=Level.CORE, cells=deletes.COLLATERAL_CELLS)
def test_delete_all_spares_others(check: Check, cell: Cell) -> None:
    """Deleting all of one user's memories leaves unrelated users' in place, also when done twice.

    1. The delete ignores the user and empties the store.
    2. A delete that finds nothing falls back to deleting everything.
    """
    check.run()


@law("delete-all-is-whole", level=Level.CORE, cells=deletes.PARTIAL_CELLS)
def test_delete_all_is_whole(check: Check, cell: Cell) -> None:
    """Deleting all deletes all, however many there are.

    1. The delete fetches one page of ids and stops.
    2. The delete uses a list, and a default limit applies to that list.
    3. Deletes are batched, and a failing batch is ignored.
    """
    check.run()


@law("deleted-stays-gone", level=Level.HARDENED, cells=deletes.GHOST_CELLS)
def test_deleted_stays_gone(check: Check, cell: Cell) -> None:
    """What was deleted is gone from every surface, and no later write brings it back.

    1. An index, a graph, a history table or a cache keeps its own copy.
    2. Deleting only marks a row, and some reads ignore the mark.
    3. Adding an equal text finds the deleted row by its hash and restores other rows with it.
    """
    check.run()


@law("maintenance-stays-own", level=Level.HARDENED, cells=deletes.MAINTAIN_CELLS)
def test_maintenance_stays_own(check: Check, cell: Cell) -> None:
    """Maintenance run for one user keeps everybody else's memories.

    1. Reset, rebuild or prune works on the whole store.
    2. The rebuilt index contains only the user that it was rebuilt for.
    """
    check.run()
