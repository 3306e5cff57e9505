"""Laws about overlapping calls."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, concurrent


@law("overlapping-calls-stay-apart", level=Level.CONCURRENT, cells=concurrent.overlap_cells())
def test_overlapping_calls_stay_apart(check: Check, cell: Cell) -> None:
    """A call keeps its own user, and its answer reaches its own caller, however calls overlap, fail or are cancelled.

    1. The shared client object holds the user of a call, and the next call overwrites it.
    2. A thread-local or context variable holds the user, and another call inherits or loses it.
    3. A cancelled or timed-out call leaves its reply on the connection for the next caller.
    4. A session setting for one call stays on a pooled connection when that call fails.
    """
    check.run()


@law("own-calls-may-overlap", level=Level.CONCURRENT, cells=concurrent.OWN_CELLS)
def test_own_calls_may_overlap(check: Check, cell: Cell) -> None:
    """Where calls of one user overlap, no write of theirs is lost and none comes back.

    1. A write reads the user's whole list, changes it and stores it again, over any write in between.
    2. A cache keeps a list that was read during a write.
    """
    check.run()
