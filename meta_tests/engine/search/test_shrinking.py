"""The names of a finding become as small as what matters, and other names are tried beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isolation_tests.causes.clusters import causes_of
from isolation_tests.engine.check import result_of
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.judges.judging import judge
from isolation_tests.model import CheckResult
from isolation_tests.targets.resolve import resolve
from meta_tests.causes.pairs import BASE


def found(fault: str, relation: str, *, shrinks: int = 200) -> CheckResult:
    """What the one check of this relation says of the fault."""
    profile = replace(PROFILES["ci"], replays=1, shrinks=shrinks, patience=60)
    examiner = Examiner(resolve(f"fault:{fault}"), profile, new_key(5), probed={})
    entry = all_laws()["get-all-stays-own"]
    try:
        cells = [cell for cell in entry.cells if f"-{relation}-get_all-a-acts" in cell.id]
        return result_of(examiner, entry, cells[0])
    finally:
        examiner.close()


@pytest.mark.parametrize(
    ("fault", "relation", "names", "phrase"),
    [
        (
            "A1-prefix",
            "prefix-dash",
            {"{base}", "{base}p"},
            "a user reaches every user whose name begins with theirs",
        ),
        ("A3-casefold", "case-first", {"{base}F", "{base}f"}, "in case are one user"),
        (
            "A3-strip",
            "trailing-space",
            {"{base}", "{base} "},
            "in spaces around them are one user",
        ),
    ],
)
def test_only_what_matters_is_left_and_the_cause_says_what_it_is(
    fault: str, relation: str, names: set[str], phrase: str
) -> None:
    result = found(fault, relation)

    [case] = result.cases
    left = [user.template for user in case.history.plan.users[:2]]
    assert [len(name) for name in sorted(left)] == [len(name) for name in sorted(names)]
    [cause] = causes_of([result])
    assert cause.phrase.endswith(phrase)
    assert case.finding in judge(case.history).findings


def test_a_long_name_becomes_as_short_as_the_limit_allows() -> None:
    [case] = found("A7-cut-at-64", "long-256").cases

    first, second = (str(user.name) for user in case.history.users[:2])
    assert first[:64] == second[:64]
    assert len(first) <= 66


def test_other_names_are_tried_in_the_same_plan() -> None:
    [case] = found("A1-prefix", "prefix-dash").cases

    shown = {trial.victim.removeprefix(trial.actor): trial.together for trial in case.trials}
    assert shown["7"]
    assert shown["z"]
    assert not all(trial.together for trial in case.trials)
    assert all(trial.actor.startswith("iso-") for trial in case.trials)
    assert BASE not in {trial.actor for trial in case.trials}


def test_without_a_budget_nothing_is_tried() -> None:
    [case] = found("A1-prefix", "prefix-dash", shrinks=0).cases

    assert case.trials == ()
    assert case.history.plan.users[1].template == "{base}-corp"
