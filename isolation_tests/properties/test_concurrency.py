"""Laws of overlapping calls."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, concurrent


@law("overlapping-calls-stay-apart", level=Level.CONCURRENT, cells=concurrent.overlap_cells())
def test_overlapping_calls_stay_apart(check: Check, cell: Cell) -> None:
    """A call keeps its own user, and its answer reaches its own caller, however calls overlap, fail or are cancelled.

    1. The user of a call is kept on the shared client object, where the next call overwrites it.
    2. The user is kept in a thread-local or context variable that another call inherits or loses.
    3. A cancelled or timed-out call leaves its reply on the connection for the next caller.
    4. A session setting made for one call survives on a pooled connection when that call fails.
    """
    check.run()


@law("own-calls-may-overlap", level=Level.CONCURRENT, cells=concurrent.OWN_CELLS)
def test_own_calls_may_overlap(check: Check, cell: Cell) -> None:
    """Where calls of one user overlap, no write of theirs is lost and none comes back.

    1. A write reads the user's whole list, changes it and puts it back, over what was written meanwhile.
    2. A list that is read while it is written is kept in a cache.
    """
    check.run()
