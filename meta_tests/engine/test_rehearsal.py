"""A dry run says what a run sends, and sends nothing itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from isolation_tests.adapter import CORE_METHODS
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.engine.safety.rehearsal import Forecast, forecast_lines, rehearse
from isolation_tests.engine.search.order import asked as in_order_of
from isolation_tests.execution.polling import most_polls
from isolation_tests.model import Budget, Verdict
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.resolve import Target

MOST = (
    "at most: 1,244 calls, if every write shows late; each finding is replayed beyond that, and an adapter "
    "may send several requests for a call"
)
# Of each law two cells: all kinds of plans, in a tenth of the time.
CELLS = 2
SEED = 11
CALLS: Counter[str] = Counter()


class Counting:
    """A right system with some capabilities, which counts every call that reaches it."""

    def __init__(self, offered: tuple[str, ...]) -> None:
        self._store = ReferenceStore()
        for name in offered:
            setattr(self, name, partial(self._counted, name))

    def _counted(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        CALLS[name] += 1
        return getattr(self._store, name)(*arguments, **keywords)

    def close(self) -> None:
        pass


def target(*offered: str, disposable: bool) -> Target:
    config = TargetConfig(
        name="counting", adapter="m:f", disposable=disposable, threads=False, consistency_seconds=0.0
    )
    return Target(config, partial(Counting, (*CORE_METHODS, *offered)), "a test")


@pytest.fixture(autouse=True)
def few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: replace(entry, cells=entry.cells[:CELLS]) for name, entry in all_laws().items()}
    monkeypatch.setattr("isolation_tests.engine.search.order.all_laws", lambda: few)


def forecast(asked: Target) -> Forecast:
    return rehearse(asked, PROFILES["quick"], new_key(SEED))


@pytest.mark.process
@pytest.mark.parametrize("disposable", [True, False])
@pytest.mark.parametrize("offered", [(), ("get", "update", "delete", "count", "page", "export")])
def test_it_agrees_exactly_with_what_a_run_sends(offered: tuple[str, ...], *, disposable: bool) -> None:
    asked, profile = target(*offered, disposable=disposable), PROFILES["quick"]
    CALLS.clear()
    foreseen = forecast(asked)
    assert not CALLS, "a dry run sends nothing"

    examiner = Examiner(asked, profile, new_key(SEED))
    results = [smoke(examiner)]
    heard = call_witnesses(examiner)
    results += [result_of(examiner, entry, cell) for entry, cell in in_order_of(profile)]
    assert heard() is not None
    examiner.close()
    assert Verdict.VIOLATED not in {result.verdict for result in results}
    assert foreseen.calls == dict(CALLS)
    assert foreseen.checks == len(results) + 1
    assert foreseen.total == CALLS.total()


@pytest.mark.parametrize("disposable", [True, False])
def test_it_agrees_about_many_memories_at_once(monkeypatch: pytest.MonkeyPatch, *, disposable: bool) -> None:
    filling = {"volume-takes-nothing": all_laws()["volume-takes-nothing"]}
    monkeypatch.setattr("isolation_tests.engine.search.order.all_laws", lambda: filling)
    asked = target("get", "count", disposable=disposable)
    profile = replace(PROFILES["ci"], volume=700, volume_seconds=60.0)
    CALLS.clear()
    foreseen = rehearse(asked, profile, new_key(SEED))
    assert not CALLS

    examiner = Examiner(asked, profile, new_key(SEED))
    smoke(examiner)
    heard = call_witnesses(examiner)
    [entry] = filling.values()
    result = result_of(examiner, entry, entry.cells[0])
    heard()
    examiner.close()
    assert result.verdict is (Verdict.HELD if disposable else Verdict.NOT_SUPPORTED), result.reason
    assert foreseen.calls == dict(CALLS)
    # Witnesses of the run, and those of the check, have four facts each; the first delete has three.
    assert foreseen.at_once == (708 if disposable else 3)


@pytest.mark.process
def test_hostile_names_write_only_where_the_store_is_disposable() -> None:
    assert forecast(target(disposable=True)).dangerous()
    kept = forecast(target(disposable=False))
    assert not kept.dangerous()
    assert kept.hostile


def test_it_is_told_in_plain_lines() -> None:
    foreseen = Forecast(
        {"add": 1200, "search": 34}, 10, 7, 5000, {"None": ("add", "search"), "'*'": ("search",)}, 9, 800
    )
    lines = forecast_lines(foreseen, "mine", PROFILES["quick"], 5, Budget(requests=500))
    assert lines[1:] == [
        "calls: 1,234 (add 1,200, search 34)",
        MOST,
        "users: 7, each named after the run and deleted again; 5,000 bytes written",
        "at once: at most 800 memories, fewer if storing them takes too long",
        "hostile names that only read: '*'",
        "hostile names that also write and delete: None",
        "budget: 500 requests",
    ]


def test_polls_are_as_many_as_the_runner_makes() -> None:
    assert most_polls(0.0) == 0
    assert most_polls(0.05) == 1
    assert most_polls(0.3) == 3
    assert most_polls(10.0) > most_polls(5.0)
