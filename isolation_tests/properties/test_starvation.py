"""Laws about searches among many users."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, starvation


@law("own-facts-stay-found", level=Level.CORE, cells=starvation.STARVATION_CELLS)
def test_own_facts_stay_found(check: Check, cell: Cell) -> None:
    """What a user's search found before others stored nearer facts it still finds afterwards.

    1. The nearest memories of all users are fetched first and filtered by owner afterwards.
    2. The system fetches some more than requested, but a crowd uses them up.
    3. An approximate index stops after a number of candidates, whoever owns them.
    """
    check.run()


@law("old-facts-stay", level=Level.HARDENED, cells=starvation.CROWD_CELLS)
def test_old_facts_stay(check: Check, cell: Cell) -> None:
    """What a user stored first is still there when hundreds of others have stored theirs.

    1. One limit counts everybody's memories, and the oldest make room.
    2. An index that is full, or is built anew, leaves out what it held before.
    """
    check.run()
