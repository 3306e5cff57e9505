"""Laws about sequences of operations."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, drawn


@law("sequences-stay-apart", level=Level.CORE, cells=[drawn.SEARCHED])
def test_sequences_stay_apart(check: Check, cell: Cell) -> None:
    """No sequence of operations by related users lets one touch another's facts.

    1. Another law is broken too: read its finding first.
    2. State from an earlier call (a cache, a cursor, a default) affects a later one.
    3. If it shows only sometimes, look for work that continues after a call returns.
    """
    check.hunt(drawn.sequences)


@law("by-id-sequences-stay-apart", level=Level.HARDENED, cells=drawn.SEARCHED_BY_ID)
def test_by_id_sequences_stay_apart(check: Check, cell: Cell) -> None:
    """No sequence that also reads, updates or deletes by id lets one user touch another's facts.

    1. A by-id call does not check the owner: read the finding of ids-need-their-owner first.
    2. An update or a delete leaves the old text or the old owner in one of several indexes.
    3. If it shows only sometimes, look for work that continues after a call returns.
    """
    check.hunt(drawn.sequences)
