"""What takes thousands of memories to go wrong is found, and neither guessed nor looked for in vain."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.engine.examination import without_known
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.model import CheckResult, Operation, Verdict
from isolation_tests.model.volume import told
from isolation_tests.plans import Material
from isolation_tests.plans.cells import BULK
from isolation_tests.plans.crowds.volume import before_bulk, volume_plan, without_bulk
from isolation_tests.reporting.narrative.reproduction import reproduction
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.facts import People
from meta_tests.asking import asked_of, only

CHECK = "volume-takes-nothing[D1-volume]"
SMALL = replace(PROFILES["ci"], volume=600, volume_seconds=60.0, replays=1, shrinks=5)


def seen_in(store: Any, *, disposable: bool = True) -> CheckResult:
    """What the check says of a store, with a tenth of the memories."""
    target = replace(without_known(Settings(target="reference")), factory=lambda: store)
    config = target.config.model_copy(update={"disposable": disposable, "shared": False, "reopen_after": 0})
    [result] = asked_of(Examiner(replace(target, config=config), SMALL, new_key(1)), only(CHECK))
    return result


class Capped(ReferenceStore):
    """Holds so many memories of everybody; the oldest make room."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._order = most, dict[str, Any]()

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        rows = super().add(user, text, **keywords)
        self._order |= {str(row.id): user for row in rows}
        while len(self._order) > self._most:
            oldest = next(iter(self._order))
            self._shelf(self._order.pop(oldest)).rows.pop(oldest, None)
        return rows

    def delete_all(self, user: Any) -> None:
        super().delete_all(user)
        self._order = {id: owner for id, owner in self._order.items() if owner != user}


def test_a_right_store_is_held_and_the_number_is_told() -> None:
    result = seen_in(ReferenceStore())

    assert result.verdict is Verdict.HELD, result.reason
    assert [told(history) for history in result.histories] == [
        "",
        "600 memories of 5 users stood at once",
    ]


def test_a_cap_is_found_and_shown_in_a_few_lines() -> None:
    result = seen_in(Capped(500))

    [case] = result.cases
    assert (case.finding.key, case.seen, case.tried) == ("D1-get_all-any", 2, 2)
    lines = reproduction(case).splitlines()
    assert len(lines) <= 6
    assert "for n in range(600): memory.add(f'another-{n % 5}'" in lines[-2]


def test_what_shows_without_the_bulk_is_asked_without_it() -> None:
    class Open(ReferenceStore):
        def get_all(self, user: Any, **keywords: Any) -> list[Memory]:
            return [row for name in self._shelves for row in super(Open, self).get_all(name, **keywords)]

    result = seen_in(Open())

    assert result.verdict is Verdict.VIOLATED
    assert result.calls < 100


class Ageing(Capped):
    """Forgets what is older than so many seconds, and nothing else."""

    def __init__(self, seconds: float) -> None:
        super().__init__(10**9)
        self._seconds, self._since = seconds, dict[str, float]()

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        time.sleep(0.001)
        self._since.setdefault(user, time.monotonic())
        return super().add(user, text, **keywords)

    def get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        if time.monotonic() - self._since.get(user, time.monotonic()) > self._seconds:
            super().delete_all(user)
        return super().get_all(user, **keywords)


@pytest.mark.long
def test_what_goes_by_age_alone_is_a_doubt() -> None:
    result = seen_in(Ageing(0.4))

    assert (result.verdict, result.cases) == (Verdict.INCONCLUSIVE, ())
    assert "are lost while nobody else does anything" in result.reason


def test_a_store_with_other_peoples_data_is_not_filled() -> None:
    result = seen_in(ReferenceStore(), disposable=False)

    assert result.verdict is Verdict.NOT_SUPPORTED
    assert result.calls == 0


@pytest.mark.parametrize("volume", [0, 1, 119, 120, 121, 6_000])
def test_the_bulk_is_as_large_as_it_is_to_be_and_no_user_has_much_of_it(volume: int) -> None:
    plan = volume_plan(Material(People(1), frozenset({"count"}), volume=volume, volume_seconds=9.0))

    filling = [step for step in plan.steps if step.times is not None]
    assert sum(step.times or 0 for step in filling) == max(1, volume)
    assert max(step.times or 0 for step in filling) < BULK
    assert len({step.user for step in filling}) == len(filling)
    assert {step.within for step in filling} == {9.0}
    assert plan.steps[before_bulk(plan)] is filling[0]
    assert not without_bulk(plan).fills
    assert plan.steps[-1].op is Operation.COUNT


def test_a_wait_is_as_long_as_asked_and_ends_with_the_first_look() -> None:
    plan = volume_plan(Material(People(1), volume=600))
    waiting = without_bulk(plan, wait=125.0)

    assert sum(step.pause for step in waiting.steps) == pytest.approx(125.0)
    assert waiting.steps[-1] == plan.steps[before_bulk(plan) - 1]
