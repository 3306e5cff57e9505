"""Causes: what explains what from check to check, and how findings are told as few causes."""

from __future__ import annotations

from typing import Any

import pytest

from isolation_tests.causes.across import ACROSS, Row, Seen, Traits, explained
from isolation_tests.causes.clusters import causes_of
from isolation_tests.model import Case, Law, Operation, Step, Verdict
from meta_tests.builders import make_case, make_plan, make_result


def unrelated(anomaly: str, operation: Operation = Operation.SEARCH, **changes: Any) -> Case:
    """A case of users who have nothing in common."""
    return make_case(make_plan(relation=None), anomaly=anomaly, operation=operation, relation=None, **changes)


def overlapping(anomaly: str, **changes: Any) -> Case:
    steps = tuple(Step(op=Operation.SEARCH, user=n, fact=n, lane=n) for n in (0, 1))
    return make_case(make_plan(*steps, relation=None), anomaly=anomaly, relation=None, **changes)


def compared(anomaly: str, operation: Operation = Operation.SEARCH) -> Case:
    return make_case(
        make_plan(relation=None, viewer=1),
        anomaly=anomaly,
        law=Law.OWN_VIEW,
        operation=operation,
        relation=None,
        owner=None,
    )


LISTED, SEARCHED = unrelated("S1", Operation.GET_ALL), unrelated("S1")
LOST: dict[str, Any] = {"law": Law.KEEPS_OWN_FACTS, "owner": 1}
OUTLIVED = unrelated("D4", Operation.GET_ALL, owner=None)

EXPLAINED = {
    "what-outlives": ([OUTLIVED, unrelated("S1", owner=None)], ["D4"]),
    "nothing-is-scoped": ([LISTED, SEARCHED, unrelated("O1", Operation.GET)], ["S1"]),
    "one-operation": ([SEARCHED, unrelated("S2")], ["S1"]),
    "a-wide-delete": ([unrelated("D1", Operation.DELETE_ALL, **LOST), unrelated("M2", **LOST)], ["D1"]),
    "without-overlap": ([unrelated("K1"), overlapping("C2")], ["K1"]),
    "crossed-and-lost": ([overlapping("C1"), overlapping("completeness", **LOST)], ["C1"]),
    "overlap-1": ([overlapping("C4"), overlapping("C1")], ["C1"]),
    "overlap-2": ([overlapping("C4"), overlapping("C2")], ["C2"]),
    "overlap-3": ([overlapping("C4"), overlapping("C3")], ["C3"]),
    "an-id-that-opens": (
        [
            unrelated("O1", Operation.GET),
            unrelated("X2", Operation.GET, law=Law.FOREIGN_ID_IS_UNKNOWN),
        ],
        ["O1"],
    ),
    "also-compared": ([unrelated("S5"), compared("X1")], ["S5"]),
    "lost-and-compared": (
        [unrelated("D2", Operation.MAINTAIN, **LOST), compared("S2")],
        ["D2"],
    ),
}
APART = {
    "another-operation": ([SEARCHED, unrelated("O1", Operation.GET)], ["O1", "S1"]),
    "what-an-error-tells": ([LISTED, SEARCHED, unrelated("X3", law=Law.SILENT_ERRORS)], ["S1", "X3"]),
    "a-leak-and-a-loss": ([SEARCHED, unrelated("D1", **LOST)], ["D1", "S1"]),
    "a-stranger-beside-a-leak": ([OUTLIVED, SEARCHED], ["D4", "S1"]),
}


def anomalies(cases: list[Case]) -> list[str]:
    results = [make_result(f"law[{n}]", Verdict.VIOLATED, cases=(case,)) for n, case in enumerate(cases)]
    causes = causes_of(results)
    assert sum(len(cause.checks) for cause in causes) == len(cases)
    return sorted(cause.anomaly for cause in causes)


@pytest.mark.parametrize("name", [*EXPLAINED, *APART])
def test_causes_are_told_and_what_they_explain_is_not(name: str) -> None:
    cases, told = (EXPLAINED | APART)[name]

    assert anomalies(cases) == told
    assert anomalies(cases[::-1]) == told


@pytest.mark.parametrize("row", ACROSS, ids=lambda row: row.reason[:40])
def test_no_row_is_idle(row: Row) -> None:
    """Without the row, some story that it is there for has one more cause."""
    rest = [each for each in ACROSS if each is not row]

    assert any(
        len(explained([Seen.of(case.finding, case.history) for case in cases], rest)) < len(cases) - len(told)
        for cases, told in EXPLAINED.values()
    )


def test_deleted_facts_that_show_are_one_cause_with_the_name_that_most_have() -> None:
    ghosts = [
        unrelated(name, operation, law=Law.DELETED_IS_GONE, owner=1)
        for name, operation in (("D4", Operation.SEARCH), ("D4", Operation.GET), ("D3", Operation.GET_ALL))
    ]

    assert anomalies(ghosts) == ["D4"]


def test_one_reading_of_names_is_one_cause_whatever_the_relations_are_called() -> None:
    padded = make_case(anomaly="A3", relation="trailing-space", names=("iso-r1-5 ", "iso-r1-5"))

    [cause] = causes_of([make_result("a", Verdict.VIOLATED, cases=(make_case(), padded))])

    assert (cause.anomaly, cause.phrase) == (
        "A1",
        "a user reaches every user whose name begins with theirs and a separator",
    )
    assert cause.keys == ("A1-search-same-prefix", "A3-search-trailing-space")
    assert cause.case.finding.anomaly == "A1"


def test_a_cause_is_known_if_all_of_its_findings_are_and_proved_by_what_is_new() -> None:
    known = [unrelated("S1", operation, known="ticket 7") for operation in (Operation.GET_ALL, Operation.GET)]
    [cause] = causes_of([make_result("a", Verdict.VIOLATED, cases=tuple(known))])
    [mixed] = causes_of([make_result("a", Verdict.VIOLATED, cases=(*known, SEARCHED))])

    assert cause.known
    assert not mixed.known
    assert mixed.case is SEARCHED


def test_the_proof_is_steady_and_has_the_fewest_steps() -> None:
    step = Step(op=Operation.SEARCH, user=1, query="locker")
    short = make_case(make_plan(step, relation=None), anomaly="S1", relation=None)
    rare = make_case(make_plan(step, relation=None), anomaly="S1", relation=None, seen=1, tried=3)

    [cause] = causes_of([make_result("a", Verdict.VIOLATED, cases=(rare, SEARCHED, short))])

    assert cause.case is short


def test_a_field_that_is_left_out_does_not_matter() -> None:
    assert Traits().fit(Seen.of(SEARCHED.finding, SEARCHED.history))
