"""A fact that is stored many times: how often, what its event says, and that nothing of it stays."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from isolation_tests.adapter import Memory, Refused
from isolation_tests.execution.ledger import Ledger
from isolation_tests.execution.meter import SHARE, Meter
from isolation_tests.judges.judging import judge
from isolation_tests.model import Budget, History, Operation, Outcome, Plan, Step
from isolation_tests.model.volume import told
from meta_tests.execution.small import Store, listed, plan, run, runner_of, session_of, settle


def many(user: int, times: int, within: float | None = None) -> Step:
    return Step(op=Operation.ADD, user=user, fact=user, times=times, within=within)


def filled(times: int, within: float | None = None) -> Plan:
    return plan(many(0, times, within), many(1, times, within), settle(0), settle(1), listed(0))


def numbers(history: History) -> list[int | None]:
    return [event.number for event in history.events if event.op is Operation.ADD]


def test_a_fact_is_stored_many_times_in_one_event_and_all_of_it_is_deleted() -> None:
    store = Store()
    history = run(store, filled(30))

    assert numbers(history) == [30, 30]
    assert len(history.events[-1].rows) == 30
    assert len({row.text for row in history.events[-1].rows}) == 30
    assert told(history) == "60 memories of 2 users stood at once"
    assert judge(history).doubts == ()
    assert not store.users()


class Full(Store):
    """Takes so many memories of everybody and no more."""

    def add(self, user: Any, text: str) -> list[Memory]:
        if sum(map(len, self.rows.values())) >= 40:
            raise Refused("no room")
        return super().add(user, text)


def test_a_target_that_refuses_more_is_no_failure() -> None:
    history = run(Full(), filled(30))

    assert numbers(history) == [30, 10]
    assert [event.outcome for event in history.events[:2]] == [Outcome.OK, Outcome.OK]
    assert told(history) == "40 memories of 2 users stood at once, not 60, because the target refused more"
    assert not judge(history).findings
    assert not judge(history).doubts


class Slow(Store):
    def add(self, user: Any, text: str) -> list[Memory]:
        time.sleep(0.02)
        return super().add(user, text)


def test_it_takes_no_more_time_than_its_plan_allows() -> None:
    history = run(Slow(), filled(500, within=0.2))

    first, second = numbers(history)
    assert first is not None
    assert 1 <= first <= 11
    assert second == 0
    assert told(history).endswith("not 1,000, because the 0.2 s for it were over")
    assert judge(history).findings == ()


def test_a_budget_is_left_to_the_other_checks(tmp_path: Path) -> None:
    session = session_of(Store)
    with closing(session):
        session.meter = Meter(
            Ledger(tmp_path / "ledger"), Budget(requests=400), began=time.monotonic(), room=None
        )
        history = runner_of(session).run(filled(500))
        spent = session.meter.ledger.read()

    assert 0 < sum(number or 0 for number in numbers(history)) <= SHARE * 400 + 20
    assert not spent.ended
    assert told(history).endswith("the run's budget has to last for the other checks")


def test_where_nothing_could_be_stored_nothing_is_proved() -> None:
    history = run(Slow(), filled(5, within=1e-9))

    assert numbers(history) == [0, 0]
    assert judge(history).doubts[0].startswith("not one of the many memories was stored")


class ById(Store):
    """Has no delete_all: each memory is deleted by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.delete_all = None  # type: ignore[assignment,method-assign]

    def delete(self, user: Any, id: str) -> None:
        del self.rows[user][id]


def test_without_a_delete_of_all_each_is_deleted_by_its_id() -> None:
    store = ById()
    run(store, filled(25))

    assert not store.users()


@pytest.mark.parametrize(
    "wrong", [{"op": "get_all"}, {"lane": 1}, {"times": 0}, {"times": 5_000}, {"spoiled": True}]
)
def test_only_an_add_has_times_and_not_too_many(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Step.model_validate({"op": "add", "user": 0, "fact": 0, "times": 5, **wrong})
