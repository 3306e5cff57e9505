"""The law about thousands of memories at once; it comes last, because all of them are there until its end."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell
from isolation_tests.plans.crowds import volume


@law("volume-takes-nothing", level=Level.HARDENED, cells=volume.VOLUME_CELLS)
def test_volume_takes_nothing(check: Check, cell: Cell) -> None:
    """Users keep what they stored, and see nothing of others, while thousands of others' memories stand.

    1. One limit counts everybody's memories, and the oldest make room.
    2. A scan or a page reads so many rows of everybody, and picks the user's own afterwards.
    3. An index changes its kind at a size, or is built anew, and leaves out what it held before.
    """
    check.run()
