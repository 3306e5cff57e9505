"""Histories of a store that shows each write late: without a fault nothing is found, with one it is."""

from __future__ import annotations

from contextlib import closing
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from isolation_tests.adapter import Memory
from isolation_tests.engine.comparing import compare
from isolation_tests.engine.laws import all_laws
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.runner import Runner
from isolation_tests.judges.judging import judge_all
from isolation_tests.model import Finding, History, Judgement, Operation, Plan
from isolation_tests.plans import Material, Offer
from isolation_tests.plans.compared import patient
from isolation_tests.plans.drawn import SEARCHED_BY_ID, sequences
from isolation_tests.plans.offers.offered import OFFERED_CELLS, offered
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.facts import People
from meta_tests.execution.small import SECRET, add, plan, session_of, settle
from meta_tests.lagging import Clock, Lagging, timed_by

CAPABILITIES = frozenset(
    {"get", "update", "delete", "history", "count", "export", "page", "filters", "metadata", "key"}
    | {"overlap", "handles", "reopen"}
)
FIXED = [
    cell
    for law in all_laws().values()
    for cell in law.cells
    if CAPABILITIES.issuperset(cell.needs) and cell not in (*OFFERED_CELLS, *SEARCHED_BY_ID)
]
LONGEST = 400
"""The steps of a plan that is performed here; what takes more says nothing else."""

fixed = st.builds(lambda cell, seed: cell.build(material(seed)), st.sampled_from(FIXED), st.integers(0, 99))
drawn = st.sampled_from(OFFERED_CELLS).flatmap(lambda cell: offered(cell, Offer(CAPABILITIES)))
by_id = st.sampled_from(SEARCHED_BY_ID).flatmap(lambda cell: sequences(cell, Offer(CAPABILITIES)))
plans = (drawn | drawn | by_id | fixed).filter(lambda plan: len(plan.steps) <= LONGEST)
few = settings(
    max_examples=8,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
many = settings(few, max_examples=300, phases=[Phase.generate, Phase.shrink])


def material(seed: int) -> Material:
    return Material(
        people=People(seed), capabilities=CAPABILITIES, crowd=10, rounds=3, seed=seed, disposable=True
    )


def asked(plan: Plan, clock: Clock, store: Lagging) -> list[tuple[History, Judgement]]:
    """A plan on that store, judged as a run judges it."""
    with timed_by(clock, store.chance), closing(session_of(lambda: store)) as session:
        runner = Runner(
            session,
            Lease("k3f9", 3, Mint(SECRET)),
            consistency=store.consistency,
            disposable=True,
            error_texts=True,
            began=clock.now,
            open_more=lambda: session_of(lambda: store),
        )
        try:
            if plan.viewer is None:
                return judge_all([runner.run(plan)])
            return compare(plan, 1, lambda each: [*map(runner.run, each)], lambda _finding, _history: False)
        finally:
            runner.close()


def found(plan: Plan, clock: Clock, store: Lagging) -> list[Finding]:
    return [finding for _, judged in asked(plan, clock, store) for finding in judged.findings]


def holds(plan: Plan, chance: Random) -> None:
    clock = Clock()
    store = Lagging.drawn(clock, chance, chance.choice((0.5, 2.0, 5.0)))
    assert [finding.story for finding in found(plan, clock, store)] == []


@few
@given(plans, st.randoms(use_true_random=True))
def test_what_shows_late_is_no_violation(plan: Plan, chance: Random) -> None:
    holds(plan, chance)


@pytest.mark.long
@many
@given(plans, st.integers(0, 2**32))
def test_whatever_shows_late_is_no_violation(plan: Plan, seed: int) -> None:
    holds(plan, Random(seed))  # noqa: S311 - a choice of moments


def test_the_last_look_of_a_wait_begins_when_its_time_is_up() -> None:
    asked_for = plan(add(0), settle(0))
    for seed in range(20):
        clock = Clock()
        store = Lagging(clock, Random(seed), 2.0, prompt=0.0, slow=3.0)  # noqa: S311 - a choice of moments
        [(history, judged)] = asked(asked_for, clock, store)
        stored, *_, last = [event for event in history.events if event.op is not Operation.SEARCH]
        shown = bool(last.rows)
        assert not last.poll
        assert shown or last.started >= stored.ended + 2.0
        assert not judged.doubts


class CountsAll(Lagging):
    """A total over all users."""

    def count(self, user: Any) -> int:
        return sum(super(CountsAll, self).count(other) for other in [*self.rows])


class ListsAll(Lagging):
    """A list of everybody's memories."""

    def get_all(self, user: Any, *, filters: Any = None) -> list[Memory]:
        every = [super(ListsAll, self).get_all(other, filters=filters) for other in [*self.rows]]
        return [row for rows in every for row in rows]


class DeletesAll(Lagging):
    """A delete of everybody's memories."""

    def delete_all(self, user: Any) -> None:
        for other in [*self.rows]:
            super().delete_all(other)


class ForgetsNothing(Lagging):
    """A search that still finds what was deleted."""

    def search(self, user: Any, query: str, *, limit: int, filters: Any = None) -> list[Memory]:
        rows = [row for row in self.rows.get(user, ()) if not row.exists]
        ghosts = [Memory(row.id, row.versions[-2].text or "") for row in rows if len(row.versions) > 1]
        return [*ghosts, *super().search(user, query, limit=limit, filters=filters)]


class ExportsLess(Lagging):
    """An export without the latest of the user's memories."""

    def export(self, user: Any) -> list[Memory]:
        return super().export(user)[:-1]


FAULTS = [
    (CountsAll, "counts-are-own[X1-unequal]", "X1"),
    (ListsAll, "get-all-stays-own[A1-prefix-dash-get_all-a-acts]", "S1"),
    (DeletesAll, "delete-all-spares-others[D1-unrelated]", "D1"),
    (ForgetsNothing, "deleted-stays-gone[D4-delete-all]", "D4"),
    (ExportsLess, "surfaces-agree[completeness-export]", "completeness"),
]


@pytest.mark.parametrize(("kind", "check", "anomaly"), FAULTS)
def test_what_crosses_where_writes_show_late_is_found(kind: type[Lagging], check: str, anomaly: str) -> None:
    cells = {law.check_id(cell): cell for law in all_laws().values() for cell in law.cells}
    clock, chance = Clock(), Random(check)  # noqa: S311 - a choice of moments
    plan = patient(cells[check].build(material(1)))
    shown = {finding.anomaly for finding in found(plan, clock, kind(clock, chance, consistency=2.0))}
    assert anomaly in shown
