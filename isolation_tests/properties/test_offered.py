"""Laws about all that an adapter offers."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, probes
from isolation_tests.plans.offers import every_pair, offered, two_calls, values


@law("whole-contract-stays-apart", level=Level.HARDENED, cells=offered.OFFERED_CELLS, budget=3)
def test_whole_contract_stays_apart(check: Check, cell: Cell) -> None:
    """No calls of any kind, with any values and in any order, show or change another user's memories.

    1. Another law is broken too: read its finding first.
    2. Something that a user left behind (a number, a slot, a file, a waiting write) serves the next one.
    3. A value that means nothing (blank, null, an unknown id) is taken for everything, or for the last one.
    """
    check.hunt(offered.offered)


@law("offers-keep-own-facts", level=Level.HARDENED, cells=probes.PROBE_CELLS)
def test_offers_keep_own_facts(check: Check, cell: Cell) -> None:
    """Each optional call, tried alone by a user with two memories, keeps them and shows nothing else.

    1. The call serves what another user left behind.
    2. The call writes the memory anew without its owner, so that the user loses it.
    """
    check.run()


@law(
    "two-calls-stay-apart",
    level=Level.HARDENED,
    cells=[*two_calls.UNREAD_CELLS, *two_calls.TOGETHER_CELLS],
)
def test_two_calls_stay_apart(check: Check, cell: Cell) -> None:
    """Whatever two calls two users make, one right after the other or both at once, neither touches the other's.

    1. Writes wait in one queue, under a key that lacks the user.
    2. Two calls share a file, a buffer or a batch.
    3. Something that one call frees is taken by the next, with what is in it.
    """
    check.run()


@law("every-value-stays-apart", level=Level.HARDENED, cells=values.VALUE_CELLS)
def test_every_value_stays_apart(check: Check, cell: Cell) -> None:
    """Each odd value of each call is tried: whatever it does to its caller, it touches nobody else.

    1. A value that means nothing (blank, null, an unknown key) is taken for everything, or for the last one.
    2. An id or a name within a value (a link, a filter, a text of metadata) is followed without asking whose.
    """
    check.run()


@law("every-pair-stays-apart", level=Level.HARDENED, cells=every_pair.EVERY_PAIR_CELLS)
def test_every_pair_stays_apart(check: Check, cell: Cell) -> None:
    """Each call, value, state of a user and kind of overlap meets each other one, and touches nobody else.

    1. What a user leaves behind, or a user who is new, is a case that one of the calls does not know.
    2. A value that one call refuses goes through in another one, or beside one, or after reopening.
    """
    check.run()
