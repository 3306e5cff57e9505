"""Laws of derived data and side channels."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, derived


@law("equal-texts-stay-two", level=Level.HARDENED, cells=derived.TWIN_CELLS)
def test_equal_texts_stay_two(check: Check, cell: Cell) -> None:
    """One text stored by two users is two memories, and deleting one leaves the other.

    1. Texts are deduplicated by a hash without the user.
    2. The second writer is answered with the first one's id.
    3. The delete removes the shared row for both.
    """
    check.run()


@law("one-name-stays-two", level=Level.HARDENED, cells=derived.ENTITY_CELLS)
def test_one_name_stays_two(check: Check, cell: Cell) -> None:
    """What two users keep about persons of one name stays in rows of their own, and outlives the other's.

    1. Entities are looked up by name alone, and new facts are joined to whoever's is found.
    2. A summary of an entity is made of everybody's mentions.
    3. Deleting one user's entity removes the node that both hang from.
    """
    check.run()


@law("consolidation-stays-own", level=Level.HARDENED, cells=derived.CONSOLIDATION_CELLS)
def test_consolidation_stays_own(check: Check, cell: Cell) -> None:
    """Consolidating one user's memories takes in nothing of another's and gives nothing to another.

    1. The job reads the whole store, or the newest rows of everybody.
    2. The job writes as the user of the last request instead of the one it was started for.
    """
    check.run()


@law("statements-stay-own", level=Level.HARDENED, cells=derived.STATEMENT_CELLS)
def test_statements_stay_own(check: Check, cell: Cell) -> None:
    """What one user states neither rewrites nor removes what another user states of the same thing.

    1. The memory to update is looked for among everybody's.
    2. A contradicted memory is deleted, whoever said it.
    """
    check.run()


@law("counts-are-own", level=Level.HARDENED, cells=derived.COUNT_CELLS)
def test_counts_are_own(check: Check, cell: Cell) -> None:
    """A user's total counts that user's memories only.

    1. The total is taken before the filter.
    2. Statistics of the whole collection are passed on.
    """
    check.run()


@law("errors-tell-nothing", level=Level.HARDENED, cells=derived.ERROR_CELLS)
def test_errors_tell_nothing(check: Check, cell: Cell) -> None:
    """No error message carries another user's data or name.

    1. The message quotes the row that was found before access was denied.
    2. The message names the owner of a foreign id.
    3. A query that failed is echoed with its parameters.
    """
    check.run()
