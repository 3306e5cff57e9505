"""Waiting: what shows within the declared time holds, what is slower is a doubt."""

from __future__ import annotations

import time
from typing import Any

import pytest

from isolation_tests.adapter import Indeterminate, Memory
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    Operation,
    Step,
)
from isolation_tests.plans.compared import paced
from meta_tests.execution.small import BUDGET, DELAY, Store, add, listed, plan, run, settle


class Slow(Store):
    """What is written shows after a while."""

    def __init__(self) -> None:
        super().__init__()
        self._since: dict[str, float] = {}

    def add(self, user: Any, text: str) -> list[Memory]:
        rows = super().add(user, text)
        self._since[text] = time.monotonic() + DELAY
        return rows

    def get_all(self, user: Any) -> list[Memory]:
        return [row for row in super().get_all(user) if self._since[row.text] <= time.monotonic()]


def test_waits_within_the_budget() -> None:
    history = run(Slow(), consistency=BUDGET)
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert controls(history) == 4
    assert any(event.poll for event in history.events)


def test_doubts_what_is_slower_than_declared() -> None:
    history = run(Slow(), plan(add(0), add(1), settle(0), settle(1)))
    judged = judge(history)
    assert not judged.findings
    assert judged.doubts
    assert not any(event.poll for event in history.events)


class Shaky(Store):
    """Nobody knows whether the second write took effect."""

    def add(self, user: Any, text: str) -> list[Memory]:
        if self.rows:
            raise Indeterminate("504")
        return super().add(user, text)


def test_an_unknown_outcome_is_a_doubt() -> None:
    judged = judge(run(Shaky()))
    assert not judged.findings
    assert judged.doubts
    assert not judged.errors


class Stale(Store):
    """The search finds deleted memories for a while longer than the list."""

    def __init__(self) -> None:
        super().__init__()
        self._ghosts: dict[Any, tuple[float, list[Memory]]] = {}

    def delete_all(self, user: Any) -> None:
        self._ghosts[user] = (time.monotonic() + DELAY, self.get_all(user))
        super().delete_all(user)

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        until, ghosts = self._ghosts.get(user, (0.0, []))
        found = super().search(user, query, limit=limit)
        return [*found, *ghosts] if time.monotonic() < until else found


@pytest.mark.parametrize(("consistency", "found"), [(BUDGET, []), (0.0, ["D4-search-any"])])
def test_a_search_may_forget_within_the_budget(consistency: float, found: list[str]) -> None:
    empty = Step(op=Operation.DELETE_ALL, user=0)
    judged = judge(run(Stale(), plan(add(0), settle(0), empty, settle(0)), consistency=consistency))
    assert [finding.key for finding in judged.findings] == found


def test_the_viewer_alone_can_be_as_slow_as_with_the_others() -> None:
    slow = Step(op=Operation.GET_ALL, user=1, pause=0.05)
    asked = plan(add(0), slow, listed(0)).model_copy(update={"viewer": 0})
    first, last = paced(asked, run(Store(), asked)).steps
    assert (first.op, last.op) == (Operation.ADD, Operation.GET_ALL)
    assert first.pause < 0.05 <= last.pause
