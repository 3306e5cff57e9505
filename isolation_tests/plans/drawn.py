"""Sequences of operations by related users, drawn by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from hypothesis import strategies as st

from isolation_tests.model import FactSpec, Operation, Plan, Step, UserSpec
from isolation_tests.plans.cells import Cell, Offer, add, list_all, ordinary, search, settle, undrawn
from isolation_tests.testdata.classification import classify
from isolation_tests.testdata.relations import RELATIONS, bind, reaches_only_itself

_TAIL = st.text(
    alphabet=st.one_of(
        st.sampled_from("abzABZ019-_.:/|&=%*?#@+ ~"),
        st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs", "Cf"), max_codepoint=0x2FFF),
    ),
    min_size=1,
    max_size=12,
)
_MUTATIONS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.title,
    str.casefold,
    lambda tail: tail + " ",
    lambda tail: tail + "x",
    lambda tail: tail + "\u200b",
    lambda tail: tail[:-1],
    lambda tail: tail[::-1],
    lambda tail: tail.replace("_", "-").replace(":", "/").replace(".", "_"),
    lambda tail: "".join("x" if not char.isalnum() else char for char in tail),
    lambda tail: tail + "/../" + tail,
)


@st.composite
def related_pairs(draw: st.DrawFn, group: int) -> tuple[UserSpec, UserSpec]:
    """Two users with related names: a catalogued relation, or a new one."""
    if draw(st.booleans()):
        return draw(st.sampled_from(RELATIONS)).pair(group)
    tail = draw(_TAIL)
    other = draw(st.one_of(st.sampled_from(_MUTATIONS).map(lambda change: change(tail)), _TAIL))
    if other == tail:
        other += "~"
    first, second = (UserSpec(template="{base}-" + text, group=group) for text in (tail, other))
    return first, second


_TEXT = st.text(
    alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="{}"),
    max_size=60,
)
_PLAIN = (Operation.ADD, Operation.SEARCH, Operation.GET_ALL, Operation.DELETE_ALL)
_OPTIONAL = (Operation.GET, Operation.UPDATE, Operation.DELETE)


_NAMED = tuple(sorted({relation.anomaly for relation in RELATIONS}))
SEARCHED = Cell("searched", "S1", undrawn, also=("completeness", "D1", "D3", *_NAMED))
"""The cell of a searched law over the four operations that every adapter has."""
SEARCHED_BY_ID = tuple(
    Cell(f"{anomaly}-searched", anomaly, undrawn, needs=(operation.value,))
    for operation, anomaly in ((Operation.GET, "O1"), (Operation.UPDATE, "O2"), (Operation.DELETE, "O3"))
)
"""The same with one more by-id operation, and with hostile names if the target is disposable."""


def alias_anomalies(aliases: Collection[str]) -> frozenset[str]:
    """The anomalies of the relations that a target declares as aliases."""
    return frozenset(relation.anomaly for relation in RELATIONS if relation.name in aliases)


def _may_be_drawn(
    pair: tuple[UserSpec, UserSpec], aliased: frozenset[str], *, destructive: bool, shared: bool
) -> bool:
    """Whether to draw this pair; names related like a declared alias are left to the matrix."""
    a, b = (bind(user, "iso-run-000001", 1_000_001) for user in pair)
    harmless = all(map(reaches_only_itself, pair)) if shared else not pair[0].hostile
    return (destructive or harmless) and classify(a, b) not in aliased


@st.composite
def plans(
    draw: st.DrawFn,
    offer: Offer,
) -> Plan:
    """Sequences of operations by three or four users, two of them related; at the end, every user reads."""
    drawable = partial(
        _may_be_drawn, aliased=offer.aliased, destructive=offer.destructive, shared=offer.shared
    )
    users = [
        *draw(related_pairs(0).filter(drawable)),
        ordinary(1),
        *([ordinary(2)] if draw(st.booleans()) else []),
    ]
    offered = [*_PLAIN, *(op for op in _OPTIONAL if op.value in offer.capabilities)]
    facts: list[FactSpec] = []
    steps: list[Step] = []
    for user in range(len(users)):
        _draw_add(draw, user, facts, steps)
    steps.extend(settle(user) for user in range(len(users)))
    for _ in range(draw(st.integers(0, 8))):
        op = draw(st.sampled_from(offered))
        # Only the related users delete everything, so that they alone can explain another user's loss.
        user = draw(st.integers(0, 1 if op is Operation.DELETE_ALL else len(users) - 1))
        _draw_step(draw, op, user, facts, steps)
    for user in range(len(users)):
        steps += [settle(user), list_all(user), search(user, draw(st.integers(0, len(facts) - 1)))]
    return Plan(name="sequence", anomaly="S1", users=tuple(users), facts=tuple(facts), steps=tuple(steps))


def _draw_add(draw: st.DrawFn, user: int, facts: list[FactSpec], steps: list[Step]) -> None:
    facts.append(FactSpec(text=draw(_TEXT) + " {canary} " + draw(_TEXT), owners=(user,)))
    steps.append(add(user, len(facts) - 1))


def _draw_step(draw: st.DrawFn, op: Operation, user: int, facts: list[FactSpec], steps: list[Step]) -> None:
    if op is Operation.ADD:
        _draw_add(draw, user, facts, steps)
        return
    addressed = draw(st.sampled_from(_addressable(op, user, facts)))
    if op is Operation.UPDATE:
        facts.append(FactSpec(text=draw(_TEXT) + " {canary}", owners=(user,)))
        steps.append(Step(op=op, user=user, fact=len(facts) - 1, replaces=addressed))
    elif op in (Operation.SEARCH, Operation.GET, Operation.DELETE):
        steps.append(Step(op=op, user=user, fact=addressed))
    else:
        steps.append(Step(op=op, user=user))


def _addressable(op: Operation, user: int, facts: list[FactSpec]) -> list[int]:
    """Facts that a step may address; never the related user's by id, as the names could explain that too."""
    related = 1 - user if user in (0, 1) and op is not Operation.SEARCH else None
    return [number for number, fact in enumerate(facts) if related not in fact.owners]


def sequences(cell: Cell, offer: Offer) -> st.SearchStrategy[Plan]:
    """The plans of `SEARCHED` and `SEARCHED_BY_ID`, which draw no more capabilities than the cell needs."""
    return plans(replace(offer, capabilities=frozenset(cell.needs)))
