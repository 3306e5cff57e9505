"""A case of users in scopes, in words: the axes in which they differ stand beside their names."""

from __future__ import annotations

import json
from pathlib import Path

from isolation_tests.judges.judging import judge
from isolation_tests.model import Case, History
from isolation_tests.reporting.html.who_saw_whom import who_saw_whom
from isolation_tests.reporting.narrative.reproduction import happened, reproduction
from isolation_tests.reporting.narrative.wording import axes_of, names_of
from meta_tests.builders import make_header, make_result

FOLDER = Path(__file__).parents[2] / "fixtures" / "histories"
NAME, ONE, OTHER = "iso-gold-00000000", "iso-gold-00000060", "iso-gold-00000061"


def case_of(golden: str) -> Case:
    history = History.model_validate(json.loads((FOLDER / f"{golden}.json").read_text("utf-8"))["history"])
    return Case(finding=judge(history).findings[0], history=history, seen=1, tried=1)


def test_two_sessions_of_one_user_are_told_apart() -> None:
    case = case_of("S7-search-in-another-session")
    assert happened(case) == (
        f"'{NAME}' (session '{OTHER}') got a fact of '{NAME}' (session '{ONE}') from search, in field 'text'"
    )
    names = dict(names_of(case))
    assert names["user a"] == f"'{NAME}' (session '{OTHER}')"
    assert names["relation"] == "session: in session, a has '1' where b has '0', after 16 equal characters"


def test_a_reproduction_passes_the_scope() -> None:
    *_, last = reproduction(case_of("S7-search-in-another-session")).splitlines()
    assert f"scope={{'tenant': 'iso-gold-00000050', 'session': '{OTHER}'}}" in last


def test_a_user_without_a_value_is_told_as_such() -> None:
    case = case_of("S8-omitted-session-opens-other-users")
    assert "(no session)" in happened(case)
    assert "only one of them has a value" in dict(names_of(case))["relation"]


def test_joined_names_are_told_with_both_axes() -> None:
    case = case_of("S9-joined-with-a-slash")
    related = dict(names_of(case))["relation"]
    assert related.startswith("tenant-user-joined: ")
    assert "; in tenant, " in related


def test_who_saw_whom_names_the_axis() -> None:
    case = case_of("S7-search-in-another-session")
    matrix = who_saw_whom([make_result(cases=(case,))], {case.finding.key: 1})
    assert matrix.owners == ("NAME (session OTHER)",)
    assert [viewer for viewer, _ in matrix.rows] == ["NAME (session NAME)"]


def test_a_header_says_what_omitting_an_axis_means() -> None:
    header = make_header(axes={"tenant": "refused", "user": "refused"})
    assert axes_of(header) == "tenant (omitted: refused), user (omitted: refused)"
