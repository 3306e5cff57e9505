"""A stranger's data is what nobody wrote for the user who sees it."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.engine.safety.limits import Limits
from isolation_tests.engine.violations import Inconclusive
from isolation_tests.judges.refusal import shows_a_stranger
from isolation_tests.model import Budget, FactSpec, History, Operation, Plan, Step, UserSpec
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.resolve import Target

STRANGER = Memory("row-1", "Grandmother's recipe is under the third tile.")
LOOK = Step(op=Operation.GET_ALL, user=0)
ADD = Step(op=Operation.ADD, user=0, fact=0)


class Shared(ReferenceStore):
    """Shows everybody a row of somebody who was there before."""

    def get_all(self, user: Any, *, filters: Any = None) -> list[Memory]:
        return [*super().get_all(user, filters=filters), STRANGER]


def plan(*steps: Step) -> Plan:
    facts = (FactSpec(text="My card is {canary}.", owners=(0,)),)
    return Plan(name="in-test", anomaly="S1", users=(UserSpec(group=0),), facts=facts, steps=steps)


def examiner(tmp_path: Path, store: type[ReferenceStore], **config: Any) -> Examiner:
    target = Target(TargetConfig(name="t", adapter="m:f", **config), partial(store), "a test")
    limits = Limits(Budget(), time.monotonic())
    key = new_key(1)
    metered = Target(target.config, target.factory, target.source, meter=limits.meter)
    return Examiner(metered, PROFILES["quick"], key, probed={})


def performed(open_target: Examiner, *steps: Step) -> History:
    try:
        return open_target.perform(plan(*steps))
    finally:
        open_target.close()


def test_a_row_for_a_user_who_has_written_nothing_is_a_strangers(tmp_path: Path) -> None:
    history = performed(examiner(tmp_path, Shared), LOOK, ADD)
    event = shows_a_stranger(history)
    assert event is not None
    assert event.op is Operation.GET_ALL
    assert "third tile" not in history.model_dump_json()


def test_a_row_for_a_user_who_has_written_may_be_their_own_in_other_words(tmp_path: Path) -> None:
    assert shows_a_stranger(performed(examiner(tmp_path, Shared), ADD, LOOK)) is None


def test_own_rows_are_nobodys_else(tmp_path: Path) -> None:
    assert shows_a_stranger(performed(examiner(tmp_path, ReferenceStore), LOOK, ADD, LOOK)) is None


def test_a_run_ends_at_the_first_stranger(tmp_path: Path) -> None:
    open_target = examiner(tmp_path, Shared)
    open_target.perform(plan(LOOK))
    with pytest.raises(Inconclusive, match=r"showed a memory that this run did not write"):
        open_target.perform(plan(LOOK))
    open_target.close()


class Raising(ReferenceStore):
    def get_all(self, user: Any, *, filters: Any = None) -> list[Memory]:
        raise RuntimeError(STRANGER.text)


@pytest.mark.parametrize(
    ("told", "kept"), [({}, False), ({"disposable": True}, False), ({"error_texts": True}, True)]
)
def test_only_a_file_that_says_so_has_its_error_texts_kept(
    tmp_path: Path,
    told: dict[str, bool],
    kept: bool,  # noqa: FBT001 - a row
) -> None:
    event = performed(examiner(tmp_path, Raising, **told), LOOK).events[-1]
    assert ("third tile" in (event.error or "")) == kept


@pytest.mark.parametrize("told", [{"past_strangers": True}, {"disposable": True}])
def test_a_run_goes_on_if_it_is_told_to(tmp_path: Path, told: dict[str, bool]) -> None:
    open_target = examiner(tmp_path, Shared, **told)
    open_target.perform(plan(LOOK))
    assert open_target.perform(plan(LOOK)).events
    open_target.close()
