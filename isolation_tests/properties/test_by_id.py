"""Laws about ids, keys and cursors."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, objects


@law("ids-need-their-owner", level=Level.HARDENED, cells=objects.BY_ID_CELLS)
def test_ids_need_their_owner(check: Check, cell: Cell) -> None:
    """Another user's id reads, changes, deletes and reveals nothing: it is answered like an absent id.

    1. The by-id call takes no user, or it takes one and does not check it.
    2. The check happens after the effect, or on only one of several paths.
    3. A foreign id and an absent id get different answers, which reveals that the foreign one exists.
    """
    check.run()


@law("owner-stays", level=Level.HARDENED, cells=objects.REBIND_CELLS)
def test_owner_stays(check: Check, cell: Cell) -> None:
    """Metadata never makes somebody else the owner of a memory.

    1. Metadata is merged over the fields that hold the owner.
    2. An update replaces the whole payload, including the owner.
    """
    check.run()


@law("keys-are-own", level=Level.HARDENED, cells=objects.KEY_CELLS)
def test_keys_are_own(check: Check, cell: Cell) -> None:
    """One key used by two users stays two memories.

    1. The key alone, without the user, is the row's primary key.
    2. An insert with an existing key is silently dropped.
    """
    check.run()


@law("handles-are-own", level=Level.HARDENED, cells=objects.HANDLE_CELLS)
def test_handles_are_own(check: Check, cell: Cell) -> None:
    """A cursor replayed by another user opens nothing of its first user's.

    1. The cursor contains the query, and the caller's scope is not applied again.
    2. Cursors are stored in one table without their user.
    """
    check.run()
