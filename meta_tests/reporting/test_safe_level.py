"""The level that a run on a target reaches which is not disposable."""

from __future__ import annotations

from typing import Any

import pytest

from isolation_tests.model import NEEDS_DISPOSABLE, CheckResult, Level, Verdict
from isolation_tests.reporting.evidence.summary import Summary, exit_status, summarise
from isolation_tests.reporting.narrative.sections import level_meaning
from isolation_tests.reporting.narrative.wording import verdict_line
from meta_tests.builders import make_header, make_result

HELD = make_result("held")


def skipped(**fields: Any) -> CheckResult:
    left_out = {"verdict": Verdict.NOT_SUPPORTED, "reason": NEEDS_DISPOSABLE, "calls": 0, "controls": 0}
    return make_result("left-out").model_copy(update={**left_out, "histories": (), "cases": (), **fields})


def summary(*results: CheckResult, disposable: bool = False) -> Summary:
    header = make_header(*results)
    target = header.target.model_copy(update={"disposable": disposable})
    return summarise(header.model_copy(update={"target": target}), results)


def test_a_clean_run_without_hostile_writes_reaches_a_level_of_its_own() -> None:
    found = summary(HELD, skipped())
    assert (found.verdict, found.level, exit_status(found)) == (Verdict.HELD, Level.SAFE, 0)
    line = "HELD, level safe: 1 of 2 checks held, 1 left out (the target is not disposable)."
    assert verdict_line(found) == line
    assert "leaves out 1 check. Level core needs a store" in level_meaning(found)


@pytest.mark.parametrize("level", [Level.HARDENED, Level.CONCURRENT])
def test_it_is_the_highest_such_a_run_can_reach(level: Level) -> None:
    more = make_result("more", level=level)
    assert summary(HELD, more).level is level or level is Level.CONCURRENT
    assert summary(HELD, more, skipped()).level is Level.SAFE
    assert summary(HELD, more, skipped(level=level)).level is Level.SAFE


@pytest.mark.parametrize(
    "result",
    [
        skipped(verdict=Verdict.INCONCLUSIVE),
        skipped(reason="the adapter does not offer get_all"),
        skipped(reason=f"{NEEDS_DISPOSABLE} "),
        skipped(calls=1),
    ],
)
def test_nothing_else_is_excused(result: CheckResult) -> None:
    found = summary(HELD, result)
    assert found.level is None
    assert exit_status(found) == 2


def test_on_a_disposable_target_the_same_skip_excuses_nothing() -> None:
    found = summary(HELD, skipped(), disposable=True)
    assert (found.verdict, found.level, exit_status(found)) == (Verdict.NOT_SUPPORTED, None, 2)


def test_what_is_left_out_hides_no_other_failure_and_proves_nothing_by_itself() -> None:
    missing = summarise(make_header(HELD, skipped(), make_result("lost")), [HELD, skipped()])
    assert (missing.verdict, missing.level) == (Verdict.INCONCLUSIVE, None)
    assert summary(skipped()).level is None
    assert summary(skipped()).verdict is Verdict.INCONCLUSIVE
