"""Readings of names are learned by elimination, and contradict nothing that was kept apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.causes.learning import Pair, apart, collision, learned
from isolation_tests.model import FactSpec, History, Law, Operation, Outcome, Plan, Step, UserSpec, Verdict
from isolation_tests.testdata.readings import READINGS
from isolation_tests.testdata.relations import RELATIONS
from meta_tests.builders import make_case, make_plan, make_result
from meta_tests.causes.pairs import BASE, both_ways, splitting

FITTING = {reading.phrase: reading for reading in READINGS}


@pytest.mark.parametrize("phrase", FITTING)
def test_every_reading_takes_some_related_names_for_one_and_not_all(phrase: str) -> None:
    taken = [pair for pair in both_ways() if FITTING[phrase].takes(pair.actor, pair.victim)]

    assert 0 < len(taken) < len(list(both_ways()))


@pytest.mark.parametrize("phrase", FITTING)
def test_a_system_that_reads_names_so_is_told_as_it_is(phrase: str) -> None:
    """All pairs of the matrix, split as such a system splits them, lead back to what it does."""
    together, kept = splitting(FITTING[phrase])

    [(found, places)] = learned(together, kept)

    assert len(places) == len(together)
    assert {pair for pair in both_ways() if found.takes(pair.actor, pair.victim)} == {
        pair for pair in both_ways() if FITTING[phrase].takes(pair.actor, pair.victim)
    }


@given(
    st.sets(st.sampled_from(range(2 * len(RELATIONS)))), st.sets(st.sampled_from(range(2 * len(RELATIONS))))
)
def test_what_is_learned_contradicts_nothing(one: set[int], other: set[int]) -> None:
    pairs = list(both_ways())
    together, kept = [pairs[n] for n in sorted(one)], [pairs[n] for n in sorted(other - one)]

    for reading, places in learned(together, kept):
        assert all(reading.takes(together[n].actor, together[n].victim) for n in places)
        assert not any(reading.takes(pair.actor, pair.victim) for pair in kept)


def test_another_operation_contradicts_nothing() -> None:
    search = Pair(BASE, f"{BASE}-corp", Operation.SEARCH, "A1")
    kept = Pair(BASE, f"{BASE}-corp", Operation.GET_ALL)

    assert [reading.anomaly for reading, _ in learned([search], [kept])] == ["A1"]
    assert not learned([search], [search])


def test_names_that_nothing_takes_for_one_teach_nothing() -> None:
    assert learned([Pair(f"{BASE}-a", "zebra", Operation.SEARCH)], []) == []


def test_a_collision_says_who_reached_whom() -> None:
    sight = collision(make_case())
    loss = collision(make_case(law=Law.KEEPS_OWN_FACTS, owner=1))

    assert sight is not None
    assert loss is not None
    assert (sight.actor, sight.victim) == (loss.victim, loss.actor)
    assert collision(make_case(anomaly="S1")) is None
    assert collision(make_case(make_plan(users=(UserSpec(), UserSpec(group=1))))) is None


def _read(*, refused: bool) -> History:
    plan = Plan(
        name="p",
        anomaly="A1",
        relation="prefix-dash",
        users=(UserSpec(), UserSpec(template="{base}-corp")),
        facts=(FactSpec(text="{canary}", owners=(0,)), FactSpec(text="{canary}", owners=(1,))),
        steps=(
            Step(op=Operation.ADD, user=0, fact=0),
            Step(op=Operation.ADD, user=1, fact=1),
            Step(op=Operation.GET_ALL, user=0),
        ),
    )
    case = make_case(plan, names=(BASE, f"{BASE}-corp"))
    event = {"outcome": Outcome.REFUSED if refused else Outcome.OK, "started": 0.0, "ended": 0.1}
    adds = [{**event, "step": n, "op": Operation.ADD, "user": n} for n in (0, 1)]
    return History.model_validate({**case.history.model_dump(), "events": adds})


def test_names_are_kept_apart_only_where_both_could_store() -> None:
    held = make_result(histories=(_read(refused=False),))
    refused = make_result(histories=(_read(refused=True),))
    silent = make_result(verdict=Verdict.INCONCLUSIVE, histories=(_read(refused=False),))

    assert apart([held, refused, silent]) == [Pair(BASE, f"{BASE}-corp", Operation.GET_ALL)]
