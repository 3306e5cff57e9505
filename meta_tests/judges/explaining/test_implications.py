"""What explains what: the table leads in no circle, and reading it drops nothing that nothing explains."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.judges.explaining.implications import (
    BESIDE_A_COMPARISON,
    EXPLAINS,
    WITHIN_A_HISTORY,
    Edge,
    Scope,
    Witness,
)
from isolation_tests.judges.explaining.precedence import Told, fits, kind, unexplained
from isolation_tests.model import Finding, Law, Operation, Plan, Step, UserSpec

every_edge = pytest.mark.parametrize("edge", EXPLAINS, ids=lambda edge: edge.examples[0])
TABLES: dict[tuple[Edge, ...], tuple[Witness, ...]] = {
    WITHIN_A_HISTORY: (Witness.PLAN, Witness.BEFORE, Witness.LIST),
    BESIDE_A_COMPARISON: (Witness.PLAN, Witness.ALONE),
}
Said = dict[Witness, list[Finding]]
Table = tuple[Edge, ...]


def finding(anomaly: str, law: Law, operation: Operation, step: int, story: str) -> Finding:
    """One finding; its story tells it from an equal one."""
    return Finding(
        anomaly=anomaly,
        law=law,
        operation=operation,
        relation=None,
        viewer=step % 2,
        owner=None,
        step=step,
        where="text",
        story=story,
    )


def plan(controls: Iterable[bool]) -> Plan:
    """Steps of two users in turn, some of them controls."""
    steps = (Step(op=Operation.GET_ALL, user=n % 2, control=control) for n, control in enumerate(controls))
    return Plan(name="drawn", anomaly="A1", users=(UserSpec(), UserSpec()), facts=(), steps=tuple(steps))


# Those that the table names, and one that it does not; few operations and steps, so that much is shared.
_NAMES = sorted({"A1", *(name for edge in EXPLAINS for name in (*edge.cause.named, *edge.effect.named))})
_STEPS = 4
_FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(_NAMES),
        st.sampled_from(Law),
        st.sampled_from((Operation.GET, Operation.GET_ALL)),
        st.integers(0, _STEPS - 1),
        st.uuids().map(str),
    ),
    max_size=4,
)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Plan, Said, Table]:
    """A plan, what was said of it, and the table for that."""
    table = draw(st.sampled_from(list(TABLES)))
    said = {by: draw(_FINDINGS) for by in TABLES[table]}
    return plan(draw(st.lists(st.booleans(), min_size=_STEPS, max_size=_STEPS))), said, table


def plainly(plan: Plan, said: Said, table: Table) -> tuple[list[Finding], dict[Finding, Finding]]:
    """What is left when each row is held to each pair of findings; and for the others, what explains them."""
    left = [(one, by) for by, findings in said.items() for one in findings]
    because: dict[Finding, Finding] = {}
    for edge in table:
        control = {(kind(one), one.anomaly) for one, _ in left if plan.steps[one.step].control}
        there = [Told(one, by, (kind(one), one.anomaly) in control) for one, by in left]
        if edge.beside is None or any(fits(edge.beside, one) for one in there):
            pairs = [(one, other) for one in there for other in there if explains(edge, one, other)]
            because |= {other.finding: one.finding for one, other in pairs}
        left = [(one, by) for one, by in left if one not in because]
    return [one for one, _ in left], because


def explains(edge: Edge, one: Told, other: Told) -> bool:
    a, b = one.finding, other.finding
    alike = {
        Scope.HISTORY: True,
        Scope.KIND: kind(a) == kind(b),
        Scope.OPERATION: a.operation == b.operation,
        Scope.VIEWER: a.viewer == b.viewer,
        Scope.ANSWER: (a.viewer, a.step) == (b.viewer, b.step),
    }
    return a != b and fits(edge.cause, one) and fits(edge.effect, other) and alike[edge.scope]


@given(drawn())
def test_the_table_is_read_pair_by_pair(case: tuple[Plan, Said, Table]) -> None:
    assert unexplained(*case) == plainly(*case)[0]


@given(drawn())
def test_what_is_dropped_is_explained_in_the_end_by_what_is_left(case: tuple[Plan, Said, Table]) -> None:
    left, because = plainly(*case)
    for dropped in because:
        last = dropped
        for _ in case[2]:
            last = because.get(last, last)
        assert last in left


@given(drawn())
def test_something_is_always_left(case: tuple[Plan, Said, Table]) -> None:
    assert bool(unexplained(*case)) == any(case[1].values())


@given(drawn())
def test_what_is_left_explains_nothing_more(case: tuple[Plan, Said, Table]) -> None:
    plan, said, table = case
    left = unexplained(*case)
    kept = {by: [one for one in findings if one in left] for by, findings in said.items()}
    assert unexplained(plan, kept, table) == left


@given(drawn(), st.randoms(use_true_random=False))
def test_the_order_of_findings_decides_nothing(case: tuple[Plan, Said, Table], chance: random.Random) -> None:
    plan, said, table = case
    mixed = {by: chance.sample(said[by], len(said[by])) for by in chance.sample(sorted(said), len(said))}
    assert set(unexplained(plan, mixed, table)) == set(unexplained(*case))


CLASSES = [
    Told(finding(anomaly, law, Operation.GET, 0, ""), by, control)
    for anomaly, law, by, control in product(CATALOGUE, Law, Witness, (True, False))
]
"""Every finding there can be, but for where it stands."""


@every_edge
def test_no_row_explains_a_cause_of_its_own(edge: Edge) -> None:
    """A row drops no cause that it reads, and rows are read once, in order: so nothing leads in a circle."""
    causes = [fits(edge.cause, one) for one in CLASSES]
    effects = [fits(edge.effect, one) for one in CLASSES]

    assert any(causes)
    assert any(effects)
    assert not any(map(operator.and_, causes, effects))


@every_edge
def test_a_row_speaks_of_anomalies_that_there_are(edge: Edge) -> None:
    spoken = [which for which in (edge.cause, edge.effect, edge.beside) if which is not None]

    assert {name for which in spoken for name in (*which.named, *which.but)} <= set(CATALOGUE)
    assert re.fullmatch(r"[A-Z][^.]+\.", edge.reason)


def test_no_two_rows_say_the_same() -> None:
    assert len({(edge.cause, edge.effect) for edge in EXPLAINS}) == len(EXPLAINS)
    assert len({edge.reason for edge in EXPLAINS}) == len(EXPLAINS)
