"""Plans drawn over all that an adapter offers: every call, keyword and value, by users in every state.

Each plan draws its moves from a few kinds only, because a test in which everything may happen seldom does one
thing twice (Groce et al., "Swarm Testing", ISSTA 2012). Every plan ends with everybody, and one newcomer,
looking on every surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from isolation_tests.coverage.calls import ALONE, OVERLAPPING, Call
from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import OVERLAP, REOPEN, Cell, Offer, add, list_all, ordinary, settle, undrawn
from isolation_tests.plans.offers.every_pair import Scenes, askable
from isolation_tests.plans.offers.moves import (
    CHOICES,
    MAY_SHOW,
    NEWCOMER,
    WRITERS,
    Choice,
    Draft,
    leave_to_successor,
    look,
    store_linked,
    with_steady_ids,
)
from isolation_tests.testdata.facts import People

_VIEWER = 0
"""Whose view is compared with and without the others."""
_FEW = (2, 3, 5, 8)
"""From how many kinds a plan draws its moves."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the moves of a plan are drawn.

    least, most: how many moves. reads: whether reads may stand between writes; a read may flush what waits.
    together: whether groups of moves overlap. reopens: whether the target is opened again before all look.
    compared: whether one user's view is compared with and without the others.
    """

    name: str
    anomaly: str = "S1"
    least: int = 6
    most: int = 16
    reads: bool = True
    together: bool = False
    reopens: bool = False
    compared: bool = False

    @property
    def staged(self) -> bool:
        """Whether a call may be made by a user of its own, who was brought into some state before.

        Such a user reads before, and may pass ids that a comparison can't.
        """
        return self.reads and not self.compared


@st.composite
def offered_plans(draw: st.DrawFn, offer: Offer, style: Style) -> Plan:
    """Moves by three users and a newcomer, in one style; at the end, everybody looks on every surface.

    In between, other users make single calls, in every state.
    """
    draft = Draft(lambda values: draw(st.sampled_from(values)), offer, People(draw(st.integers(0, 2**16))))
    for user in range(WRITERS):
        _begin(draft, user, style)
    kinds = st.sampled_from([choice for choice in CHOICES if _fits(choice, offer, style)])
    few = draw(st.sampled_from(_FEW))
    choices = draw(st.lists(kinds, min_size=few, max_size=few, unique_by=id))
    scenes, calls = Scenes(draft, NEWCOMER), _calls(offer, style)
    for _ in range(draw(st.integers(style.least, style.most))):
        if calls and style.staged and draft.choose((False, False, True)):
            scenes.play([draft.choose(calls)])
        else:
            draft.steps += _together(draft, choices) if style.together else _one(draft, choices)
    if style.reopens:
        draft.steps += [*(settle(user) for user in range(WRITERS)), Step(op=Operation.REOPEN, user=0)]
    if style.compared:
        draft.steps = with_steady_ids(draft, _VIEWER)
    for user in sorted({step.user for step in draft.steps} | {NEWCOMER}):
        look(draft, user, foreign_ids=not (style.compared and user == _VIEWER))
    return Plan(
        name=f"offered-{style.name}",
        anomaly=style.anomaly,
        users=tuple(ordinary(group) for group in range(scenes.last + 1)),
        facts=tuple(draft.facts),
        steps=tuple(draft.steps),
        viewer=_VIEWER if style.compared else None,
    )


_STYLES = {
    style.name: style
    for style in (
        Style("in-turn"),
        Style("unread", reads=False),
        Style("together", together=True, anomaly="C1", least=3, most=8),
        Style("reopened", reopens=True, anomaly="D4"),
        Style("compared", compared=True, anomaly="X1"),
    )
}
_NEEDS = {"together": (OVERLAP,), "reopened": (REOPEN,)}
OFFERED_CELLS = [
    Cell(name, style.anomaly, undrawn, needs=_NEEDS.get(name, ()), also=MAY_SHOW)
    for name, style in _STYLES.items()
]


def offered(cell: Cell, offer: Offer) -> st.SearchStrategy[Plan]:
    """The plans of one of `OFFERED_CELLS`."""
    return offered_plans(offer, _STYLES[cell.id])


def _begin(draft: Draft, user: int, style: Style) -> None:
    """Every writer has a memory, and has found it unless nothing may be read yet."""
    fact = draft.fact(user)
    draft.steps.append(add(user, fact))
    if style.reads:
        draft.steps.append(settle(user, fact, limit=1))


def _fits(choice: Choice, offer: Offer, style: Style) -> bool:
    """Whether a move can be drawn. Its ids would be others without the others, so a comparison has none."""
    by_ids = choice.move in (store_linked, leave_to_successor)
    return (
        offer.capabilities.issuperset(choice.needs)
        and (style.reads or not choice.reads)
        and (offer.destructive or not choice.wide)
        and not (style.compared and by_ids)
    )


def _calls(offer: Offer, style: Style) -> Sequence[Call]:
    """The single calls that can be made between the moves."""
    overlap = OVERLAPPING if style.together else ALONE
    possible = askable(frozenset(offer.capabilities), disposable=offer.destructive)
    return [call for call in possible if call.overlap == overlap]


def _one(draft: Draft, choices: Sequence[Choice]) -> Sequence[Step]:
    choice = draft.choose(choices)
    return choice.move(draft, int(draft.choose(range(WRITERS))))  # type: ignore[no-any-return]


def _together(draft: Draft, choices: Sequence[Choice]) -> list[Step]:
    """Moves in lanes of their own: any, or every user's of one kind; a step without a lane ends the block."""
    if draft.choose((False, True)):
        moves = [_one(draft, choices) for _ in range(draft.choose((2, 3, 4)))]
    else:
        choice = draft.choose(choices)
        moves = [[*choice.move(draft, user), *choice.move(draft, user)] for user in range(WRITERS)]
    lanes = [
        step.model_copy(update={"lane": lane})
        for lane, move in enumerate(moves)
        for step in move
        if step.op is not Operation.SETTLE
    ]
    return [*lanes, list_all(0)]
