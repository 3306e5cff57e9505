"""Laws about caches."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, caches


@law("kept-answers-are-own", level=Level.CORE, cells=caches.KEY_CELLS)
def test_kept_answers_are_own(check: Check, cell: Cell) -> None:
    """An answer kept for one user is served to no other, and to nobody once it is old.

    1. The cache key lacks the user: it has only the query and the limit, or the id.
    2. The cache key has something that two users share, such as a version or a reused session.
    3. A write invalidates entries other than the writer's own.
    """
    check.run()


@law("kept-memories-are-own", level=Level.HARDENED, cells=caches.GET_CELLS)
def test_kept_memories_are_own(check: Check, cell: Cell) -> None:
    """A memory that its owner has read by its id is opened by that id to nobody else.

    1. The cache key is the id, and the owner is checked only in the store.
    """
    check.run()


@law("nearness-opens-nothing", level=Level.CORE, cells=caches.NEARNESS_CELLS)
def test_nearness_opens_nothing(check: Check, cell: Cell) -> None:
    """A question in other words is answered from the asking user's own memories only.

    1. A semantic cache looks for a similar query among all users' queries.
    2. A distance threshold takes the place of the owner filter.
    """
    check.run()
