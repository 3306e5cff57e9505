"""What writes answer is compared and counted as what it is, and errors say what an author can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.judges.judging import judge
from isolation_tests.model import History, Volatile

FOLDER = Path(__file__).parents[2] / "fixtures" / "histories"


def golden(name: str) -> dict[str, Any]:
    history: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["history"]
    return history


def failing(name: object) -> History:
    """A golden history in which the last call, of a user of this name, fails in the driver."""
    data = golden("S3-none-has-a-bucket")
    data["plan"]["users"][1]["template"] = json.dumps(name)
    data["users"][1]["name"] = name
    error = {"outcome": "error", "rows": [], "error_kind": "TypeError", "error": "expected str"}
    data["events"][-1] |= error
    return History.model_validate(data)


@pytest.mark.parametrize(
    ("name", "what"), [(None, "missing"), (7, "of type int"), ({"$ne": None}, "of type dict")]
)
def test_an_error_for_a_user_that_is_no_text_says_how_to_refuse_it(name: object, what: str) -> None:
    [error] = judge(failing(name)).errors

    assert f"(the user was {what}: " in error
    assert 'begin get_all with `if not isinstance(user, str): raise Refused("no text")`' in error


def test_an_error_for_a_text_is_told_as_it_is() -> None:
    assert judge(failing("*")).errors == ("get_all by user 1 failed: TypeError: expected str",)


@pytest.mark.parametrize(("foreign", "absent", "found"), [(1, 0, ["X2-delete-any"]), (0, 0, []), (1, 1, [])])
def test_a_boolean_must_not_tell_a_foreign_id_from_an_absent_one(
    foreign: int, absent: int, found: list[str]
) -> None:
    data = golden("X2-other-outcome")
    asked = [event for event in data["events"] if event["op"] not in ("add", "get_all", "search")]
    for event, said in zip(asked, _said(data, foreign, absent), strict=True):
        event |= {"op": "delete", "outcome": "ok", "number": said, "rows": []}
        event.pop("error", None)
        event.pop("error_kind", None)
    for step in data["plan"]["steps"]:
        if step["op"] == "get":
            step["op"] = "delete"
    keys = [finding.key for finding in judge(History.model_validate(data)).findings]

    assert keys == found


def _said(data: dict[str, Any], foreign: int, absent: int) -> list[int]:
    steps = [step for step in data["plan"]["steps"] if step["op"] == "get"]
    return [absent if step.get("absent") else foreign for step in steps]


def test_a_boolean_is_no_total() -> None:
    data = golden("O3-explains-X2")
    for event in data["events"]:
        if event["op"] == "delete":
            event["number"] = 1

    assert "X1" not in {finding.anomaly for finding in judge(History.model_validate(data)).findings}


def test_a_search_by_time_need_not_find_what_it_has_no_room_for() -> None:
    data = golden("doubt-search-misses-own-fact")
    for step in data["plan"]["steps"]:
        if step["op"] == "settle":
            step["limit"] = 0
    reason = "It returns the newest memories first."
    ranked = Volatile(recency=True, reason=reason)

    assert judge(History.model_validate(data)).doubts
    assert not judge(History.model_validate(data | {"volatile": ranked.model_dump()})).doubts
    assert ranked.told() == f"nearness, because searches rank by time ({reason})"
