"""Laws of derived data and side channels."""

from __future__ import annotations

from isolation_tests.checks import Check
from isolation_tests.laws import law
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
