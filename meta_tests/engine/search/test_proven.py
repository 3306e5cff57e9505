"""What is proved is not asked again, and only that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from isolation_tests.engine.check import result_of, smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.engine.search.proven import Proven, proven_by
from isolation_tests.model import Case, CheckResult, Law, Operation, Plan, Step, Verdict
from isolation_tests.reporting.evidence.summary import exit_status, summarise
from isolation_tests.targets.resolve import resolve
from meta_tests.builders import make_case, make_header, make_plan, make_result


def steady(anomaly: str, operation: Operation, **changes: Any) -> Case:
    plan = make_plan(relation=None)
    return make_case(plan, anomaly=anomaly, operation=operation, relation=None, **changes)


def proving(*cases: Case) -> Proven:
    return proven_by([make_result("a", Verdict.VIOLATED, cases=cases)])


LISTED, SEARCHED = steady("S1", Operation.GET_ALL), steady("S1", Operation.SEARCH)


def reading(*operations: Operation, **changes: Any) -> Plan:
    adds = (Step(op=Operation.ADD, user=n, fact=n) for n in (0, 1))
    return make_plan(*adds, *(Step(op=op, user=1, fact=0) for op in operations), **changes)


def test_what_lists_and_searches_show_to_all_is_not_asked_again() -> None:
    assert proving(LISTED, SEARCHED).answers(reading(Operation.GET_ALL)) == "S1-get_all-any"


@pytest.mark.parametrize(
    "proven",
    [
        proving(SEARCHED),
        proving(LISTED, SEARCHED.model_copy(update={"known": "ticket 7"})),
        proving(LISTED, SEARCHED.model_copy(update={"seen": 1})),
        proving(LISTED, SEARCHED.model_copy(update={"seen": 1, "tried": 1})),
        proving(LISTED, steady("S2", Operation.SEARCH)),
    ],
    ids=["searches-only", "known", "intermittent", "once", "narrower"],
)
def test_less_answers_nothing(proven: Proven) -> None:
    assert proven.answers(reading(Operation.GET_ALL)) is None
    assert proven.answers_search() is None


@pytest.mark.parametrize("operation", [Operation.GET, Operation.DELETE_ALL, Operation.COUNT])
def test_an_operation_is_asked_until_it_shows_itself(operation: Operation) -> None:
    law = Law.KEEPS_OWN_FACTS if operation is Operation.DELETE_ALL else Law.NO_CROSS_READ
    plan = reading(Operation.GET_ALL, operation)

    assert proving(LISTED, SEARCHED).answers(plan) is None
    assert proving(LISTED, SEARCHED, steady("O1", operation, law=law)).answers(plan) == "S1-get_all-any"


def test_a_key_of_the_callers_own_is_asked_and_a_comparison_is_not() -> None:
    keyed = make_plan(Step(op=Operation.ADD, user=0, fact=0, key="note"))

    assert proving(LISTED, SEARCHED).answers(keyed) is None
    assert proving(LISTED, SEARCHED).answers(reading(Operation.COUNT, viewer=1)) == "S1-get_all-any"


def test_one_anomaly_of_one_operation_is_replayed_once_whatever_the_names() -> None:
    padded = make_case(anomaly="A3", relation="trailing-space")
    proven = proving(padded)

    folded = make_case(anomaly="A3", relation="case-first")
    assert proven.explains(folded.finding, folded.history)
    listed = make_case(anomaly="A3", operation=Operation.GET_ALL)
    assert not proven.explains(listed.finding, listed.history)


def _asked(target: str, wanted: Callable[[str], bool]) -> list[CheckResult]:
    profile = PROFILES["quick"]
    examiner = Examiner(resolve(target), profile, new_key(3))
    try:
        return [
            smoke(examiner),
            *(
                result_of(examiner, entry, cell)
                for entry in all_laws().values()
                for cell in entry.asked(profile)
                if wanted(entry.name)
            ),
        ]
    finally:
        examiner.close()


def test_a_store_that_leaks_everything_is_asked_little_and_proves_no_more_by_it() -> None:
    first, *others = _asked(
        "fault:S1-global", lambda law: law in ("search-stays-own", "sequences-stay-apart")
    )

    assert first.verdict is Verdict.VIOLATED
    assert others
    assert {(result.verdict, result.calls, bool(result.explained)) for result in others} == {
        (Verdict.INCONCLUSIVE, 0, True)
    }
    summary = summarise(make_header(first, *others), [first, *others])
    assert summary.verdict is Verdict.VIOLATED
    assert summary.level is None
    assert exit_status(summary) == 1
    assert not summary.unsettled
    assert len(summary.explained) == len(others)


def test_without_replays_everything_is_asked() -> None:
    examiner = Examiner(resolve("fault:S1-global"), PROFILES["quick"].unrefined(), new_key(3))
    try:
        smoke(examiner)
        assert not examiner.proven.seen
    finally:
        examiner.close()


def test_skipped_checks_never_hold_a_run() -> None:
    held = make_result("held")
    skipped = make_result("skipped", Verdict.INCONCLUSIVE, calls=0, explained="S1-get_all-any")

    assert summarise(make_header(held, skipped), [held, skipped]).verdict is Verdict.INCONCLUSIVE
