"""Comparisons of a view: what others change is found, and what differs by chance is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.model import FactSpec, Operation, Plan, Step, UserSpec
from isolation_tests.targets.resolve import resolve

ADAPTER = '''
from dataclasses import replace
from isolation_tests.adapters.reference import ReferenceStore

SEARCHES = iter([0.0, 1.0, 0.0, 0.0, 1.0, *[0.0] * 99])


class Store(ReferenceStore):
    def search(self, user, query, *, limit):
        rows = super().search(user, query, limit=limit)
        return [replace(row, raw={"score": self.score(user)}) for row in rows]


class ByChance(Store):
    """Of a score that is 0 in most runs, the two first runs with others see another one."""

    def score(self, user):
        return next(SEARCHES)


class OfEverybody(Store):
    def score(self, user):
        return 1.0 if len(self.users()) > 1 else 0.0
'''
ADDED = Operation.ADD
PLAN = Plan(
    name="one-search",
    anomaly="X1",
    users=(UserSpec(group=0), UserSpec(group=1)),
    facts=(
        FactSpec(text="My card is {canary}.", owners=(0,)),
        FactSpec(text="My key is {canary}.", owners=(1,)),
    ),
    steps=(
        Step(op=ADDED, user=1, fact=1),
        Step(op=ADDED, user=0, fact=0),
        Step(op=Operation.SEARCH, user=0, query="card", limit=100),
        Step(op=Operation.DELETE_ALL, user=0),
        Step(op=Operation.DELETE_ALL, user=1),
    ),
    viewer=0,
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("isolation_target_adapter", None)


def found(store: str) -> tuple[set[str], int]:
    """The keys of the plan's findings, and how often it was run, alone and with others."""
    examiner = Examiner(resolve(f"adapter.py:{store}"), PROFILES["quick"], new_key(1))
    try:
        asked = examiner.ask(PLAN)
    finally:
        examiner.close()
    return {finding.key for _, judged in asked for finding in judged.findings}, len(asked)


def test_a_score_that_others_decide_is_found_and_confirmed_often() -> None:
    assert found("OfEverybody") == ({"X1-search-any"}, 21)


def test_a_score_that_was_another_beside_others_by_chance_is_none() -> None:
    assert found("ByChance") == (set(), 21)


def test_a_view_in_which_nothing_differs_is_compared_once() -> None:
    assert found("ReferenceStore") == (set(), 4)
