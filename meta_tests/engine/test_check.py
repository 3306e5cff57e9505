"""One check in progress: how far a search goes on once it has found something."""

from __future__ import annotations

from dataclasses import replace

from isolation_tests.engine.check import result_of
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.resolve import resolve


def searched(shrinks: int) -> CheckResult:
    """The same drawn sequences against a store that deletes everybody's."""
    profile = replace(PROFILES["quick"], replays=0, shrinks=shrinks)
    key = RunKey(run_id="c0ffee", secret=b"s" * 32, seed=7, began=0.0)
    examiner = Examiner(resolve("fault:D1-delete-everyone"), profile, key)
    try:
        entry = all_laws()["sequences-stay-apart"]
        (cell,) = entry.asked(profile)
        result = result_of(examiner, entry, cell)
    finally:
        examiner.close()
    assert result.verdict is Verdict.VIOLATED
    return result


def test_a_search_ends_when_its_budget_of_smaller_plans_is_spent() -> None:
    first, few, many = (searched(shrinks) for shrinks in (0, 3, 60))
    assert few.examples == first.examples + 3
    steps = [len(result.cases[0].history.plan.steps) for result in (first, few, many)]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] < steps[0]
