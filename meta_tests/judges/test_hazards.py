"""Blank text that is a user with a place of its own is a hazard; whatever is more is a violation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.examination import examine
from isolation_tests.judges.judging import judge
from isolation_tests.model import CheckResult, Finding, History, Level, Verdict
from isolation_tests.reporting.certificates.rejudge import rejudge
from isolation_tests.reporting.evidence.summary import Summary, exit_status, summarise
from isolation_tests.reporting.narrative.wording import hazard_text, verdict_line
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.settings import Settings
from meta_tests.builders import make_case, make_header, make_result

FOLDER = Path(__file__).parents[2] / "fixtures" / "histories"
NEXT_TO_IT = {"user": 0, "fact": 0, "where": "text"}
ANOTHER_CHECKS = {"user": None, "fact": 7, "where": "text"}
BLANK_STORE = """
from isolation_tests.adapter import Memory, Refused

class Store:
    def __init__(self): self.rows = []
    def ok(self, user):
        if not isinstance(user, str): raise Refused("no text")
        return user
    def add(self, user, text):
        self.rows.append((self.ok(user), Memory(str(len(self.rows)), text)))
        return [self.rows[-1][1]]
    def get_all(self, user): return [m for u, m in self.rows if u == self.ok(user)]
    def search(self, user, query, *, limit):
        near = lambda m: -len(set(m.text.split()) & set(query.split()))
        return sorted(self.get_all(user), key=near)[:limit]
    def delete_all(self, user): self.rows[:] = [(u, m) for u, m in self.rows if u != self.ok(user)]
"""


def accepted(name: object, *sightings: dict[str, Any]) -> History:
    """A user of this name stores a fact and lists it; sightings: in further rows of that list."""
    data = json.loads((FOLDER / "S3-none-has-a-bucket.json").read_text("utf-8"))["history"]
    data["plan"]["users"][1]["template"] = json.dumps(name)
    data["plan"]["relation"] = "blank"
    data["users"][1]["name"] = name
    for number, sighting in enumerate(sightings):
        data["events"][-1]["rows"].append(
            {"id": f"x{number}", "text": "other", "sightings": [sighting] if sighting else []}
        )
    return History.model_validate(data)


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_a_blank_user_with_a_place_of_its_own_is_a_hazard(name: str) -> None:
    for history in (accepted(name), accepted(name, ANOTHER_CHECKS)):
        judged = judge(history)

        assert not judged.findings
        assert [hazard.key for hazard in judged.hazards] == ["S3-get_all-blank"]


@pytest.mark.parametrize(
    "history",
    [accepted(None), accepted(" ", NEXT_TO_IT), accepted(" ", {})],
    ids=["no-user", "anothers-fact", "a-strangers-memory"],
)
def test_more_than_that_is_a_violation(history: History) -> None:
    judged = judge(history)

    assert {finding.anomaly for finding in judged.findings} == {"S3"}
    assert not judged.hazards


def hazard() -> Finding:
    return judge(accepted(" ")).hazards[0]


def summed(level: Level = Level.HARDENED, **header: Any) -> Summary:
    core = make_result("core", level=Level.CORE)
    blank = make_result("blank", level=level, hazards=(hazard(),))
    return summarise(make_header(core, blank, **header), [core, blank])


def test_a_hazard_is_no_violation_and_keeps_the_level_below_hardened() -> None:
    summary = summed()

    assert (summary.verdict, summary.level, exit_status(summary)) == (Verdict.HELD, Level.CORE, 0)
    assert "1 hazard (1 undeclared)" in verdict_line(summary)
    assert "declare the hazard" in hazard_text(summary.hazards[0])


def test_a_declared_hazard_keeps_nothing() -> None:
    summary = summed(hazards={"blank": "The gateway refuses it."}, fail_on=("hazard",))

    assert (summary.level, exit_status(summary)) == (Level.HARDENED, 0)
    assert "declared: The gateway refuses it." in hazard_text(summary.hazards[0])


def test_a_hazard_counts_if_asked_for() -> None:
    assert exit_status(summed(fail_on=("hazard",))) == 1
    with pytest.raises(UsageProblem, match=r"--fail-on takes 'hazard', not 'hazards'\."):
        Settings(fail_on="hazards").fails_on()


def test_only_blank_users_can_be_declared() -> None:
    entry = {"users": ["none"], "reason": "It is refused elsewhere."}

    with pytest.raises(ValidationError, match="'none' is not a blank user; use empty, blank, blank-lines"):
        TargetConfig.model_validate({"name": "a", "adapter": "a:b", "hazards": [entry]})


def test_a_check_that_leaves_a_hazard_out_contradicts_its_history() -> None:
    history = accepted(" ")
    fields: dict[str, Any] = {"histories": (history,), "calls": 4, "controls": 1, "examples": 1}

    assert rejudge(make_result(hazards=(hazard(),), **fields)) is None
    assert rejudge(make_result(**fields)) == "a history shows the hazard S3-get_all-blank"


def test_a_finding_of_before_is_still_shown() -> None:
    case = make_case().model_copy(update={"finding": hazard(), "history": accepted(" ")})

    assert rejudge(make_result(verdict=Verdict.VIOLATED, cases=(case,))) is None


def test_a_store_that_takes_blank_text_holds_with_hazards(tmp_path: Path) -> None:
    path = tmp_path / "store.py"
    path.write_text(BLANK_STORE, encoding="utf-8")

    results = examine(
        Settings(target=f"{path}:Store", profile="quick", seed="1", disposable=True),
        until="S3",
        enough=lambda result: result.anomalies[0] not in ("S1", "S3"),
    )

    shown: dict[str, CheckResult] = {r.check: r for r in results if r.hazards}
    assert {hazard.relation for result in shown.values() for hazard in result.hazards} == {"empty", "blank"}
    assert {result.verdict for result in results} <= {Verdict.HELD, Verdict.NOT_SUPPORTED}
