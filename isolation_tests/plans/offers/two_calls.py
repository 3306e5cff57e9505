"""Every two moves of two users: one right after the other with nothing read between, or both at once.

Whatever waits, is shared or is used again between two calls shows here, whichever the two calls are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from random import Random

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    OVERLAP,
    Cell,
    Material,
    Offer,
    add,
    list_all,
    ordinary,
    settle,
)
from isolation_tests.plans.offers.moves import CHOICES, MAY_SHOW, NEWCOMER, WRITERS, Choice, Draft, look

_UNREAD, _TOGETHER = 4, 2
"""In how many plans the pairs are asked; judging one long plan takes longer than judging several."""
_ONE, _OTHER = 0, 1


def _plan(group: int, material: Material, *, together: bool) -> Plan:
    """One of the parts of all pairs."""
    offer = Offer(
        material.capabilities, material.owner_keys, destructive=False, shared=not material.disposable
    )
    choose = Random(material.seed).choice  # noqa: S311 - values, not secrets
    draft = Draft(choose, offer, material.people)
    for user in range(WRITERS):
        draft.steps += [add(user, draft.fact(user)), settle(user, draft.own(user), limit=1)]
    pairs = list(_pairs(offer, together=together))[group :: _TOGETHER if together else _UNREAD]
    for first, second in pairs:
        draft.steps += (_both_at_once if together else _in_turn)(draft, first, second)
    for user in (*draft.written, NEWCOMER):
        look(draft, user)
    return Plan(
        name=f"two-calls-{'together' if together else 'unread'}",
        anomaly="C1" if together else "O6",
        users=tuple(ordinary(number) for number in range(NEWCOMER + 1)),
        facts=tuple(draft.facts),
        steps=tuple(draft.steps),
        needs=(OVERLAP,) if together else (),
    )


def _pairs(offer: Offer, *, together: bool) -> Iterator[tuple[Choice, Choice]]:
    """All pairs of moves that the target offers.

    At once, order does not matter, and each is one ordinary call; unread, none of them reads.
    """
    choices = [
        choice
        for choice in CHOICES
        if offer.capabilities.issuperset(choice.needs)
        and not (choice.wide or choice.many)
        and (choice.plain if together else not choice.reads)
    ]
    for number, first in enumerate(choices):
        for second in choices[number if together else 0 :]:
            yield first, second


def _in_turn(draft: Draft, first: Choice, second: Choice) -> Sequence[Step]:
    """One user's move, another's right after it; then both look for their latest facts."""
    moves = [*first.move(draft, _ONE), *second.move(draft, _OTHER)]
    latest = ((user, draft.written[user][-1]) for user in (_ONE, _OTHER))
    return [*moves, *(settle(user, fact, limit=5, odd=fact in draft.odd) for user, fact in latest)]


def _both_at_once(draft: Draft, first: Choice, second: Choice) -> Sequence[Step]:
    """Both moves in lanes, twice each; a step without a lane ends the block."""
    moves = (
        (user, [*choice.move(draft, user), *choice.move(draft, user)])
        for user, choice in ((_ONE, first), (_OTHER, second))
    )
    lanes = [
        step.model_copy(update={"lane": user})
        for user, move in moves
        for step in move
        if step.op is not Operation.SETTLE
    ]
    return [*lanes, list_all(WRITERS - 1)]


UNREAD_CELLS = [
    Cell(f"unread-{group + 1}", "O6", partial(_plan, group, together=False), quick=not group, also=MAY_SHOW)
    for group in range(_UNREAD)
]
TOGETHER_CELLS = [
    Cell(
        f"together-{group + 1}",
        "C1",
        partial(_plan, group, together=True),
        quick=not group,
        needs=(OVERLAP,),
        also=MAY_SHOW,
    )
    for group in range(_TOGETHER)
]
