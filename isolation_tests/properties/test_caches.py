"""Laws of caches."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, caches


@law("kept-answers-are-own", level=Level.CORE, cells=caches.KEY_CELLS)
def test_kept_answers_are_own(check: Check, cell: Cell) -> None:
    """An answer kept for one user is served to no other, and to nobody once it is old.

    1. The key of the cache lacks the user: query and limit, or the id, are all of it.
    2. The key holds something that two users share, such as a version or a session that is reused.
    3. A write drops other entries than the writer's own.
    """
    check.run()


@law("kept-memories-are-own", level=Level.HARDENED, cells=caches.GET_CELLS)
def test_kept_memories_are_own(check: Check, cell: Cell) -> None:
    """A memory that its owner has read by its id is opened by that id to nobody else.

    1. The key of the cache is the id, and the owner is checked only where the store is asked.
    """
    check.run()


@law("nearness-opens-nothing", level=Level.CORE, cells=caches.NEARNESS_CELLS)
def test_nearness_opens_nothing(check: Check, cell: Cell) -> None:
    """A question in other words is answered from the asking user's own memories only.

    1. A semantic cache looks for a near question among everybody's.
    2. A threshold of distance stands where the owner filter should.
    """
    check.run()
