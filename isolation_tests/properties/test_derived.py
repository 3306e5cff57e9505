"""Laws about derived data and side channels."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, derived


@law("equal-texts-stay-two", level=Level.HARDENED, cells=derived.TWIN_CELLS)
def test_equal_texts_stay_two(check: Check, cell: Cell) -> None:
    """One text stored by two users is two memories, and deleting one leaves the other.

    1. Texts are deduplicated by a hash that does not include the user.
    2. The second writer gets the first writer's id.
    3. The delete removes a shared row for both users.
    """
    check.run()


@law("one-name-stays-two", level=Level.HARDENED, cells=derived.ENTITY_CELLS)
def test_one_name_stays_two(check: Check, cell: Cell) -> None:
    """What two users keep about persons of one name stays in rows of their own, and outlives the other's.

    1. Entities are looked up only by name, and new facts are added to any user's entity.
    2. The summary of an entity includes all users' mentions.
    3. Deleting one user's entity removes the node that both users share.
    """
    check.run()


@law("consolidation-stays-own", level=Level.HARDENED, cells=derived.CONSOLIDATION_CELLS)
def test_consolidation_stays_own(check: Check, cell: Cell) -> None:
    """Consolidating one user's memories takes in nothing of another's and gives nothing to another.

    1. The job reads the whole store, or all users' newest rows.
    2. The job writes for the user of the last request, not for the user that it was started for.
    """
    check.run()


@law("statements-stay-own", level=Level.HARDENED, cells=derived.STATEMENT_CELLS)
def test_statements_stay_own(check: Check, cell: Cell) -> None:
    """What one user states neither rewrites nor removes what another user states of the same thing.

    1. The system looks for the memory to update among all users' memories.
    2. The system deletes a contradicted memory, whoever owns it.
    """
    check.run()


@law("counts-are-own", level=Level.HARDENED, cells=derived.COUNT_CELLS)
def test_counts_are_own(check: Check, cell: Cell) -> None:
    """A user's total counts that user's memories only.

    1. The total is counted before the filter is applied.
    2. The system returns statistics of the whole collection.
    """
    check.run()


@law("errors-tell-nothing", level=Level.HARDENED, cells=derived.ERROR_CELLS)
def test_errors_tell_nothing(check: Check, cell: Cell) -> None:
    """No error message carries another user's data or name.

    1. The message quotes the row that was found before access was denied.
    2. The message names the owner of a foreign id.
    3. The message repeats a failed query with its parameters.
    """
    check.run()
