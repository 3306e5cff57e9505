"""How long a finding is performed again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from isolation_tests.core.errors import ExitStatus, TargetProblem
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.replay import FEWEST, MOST, enough
from isolation_tests.engine.replay import replayed as played
from isolation_tests.engine.run import new_key, smoke_plan
from isolation_tests.model import (
    BoundUser,
    Case,
    Finding,
    History,
    Judgement,
    Law,
    Operation,
    Plan,
    Step,
    UserSpec,
)
from isolation_tests.reporting.evidence.replay_file import Replay, write_replay
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings

PLAN = smoke_plan()
FINDING = Finding(
    anomaly="S1",
    law=Law.NO_CROSS_READ,
    operation=Operation.GET_ALL,
    relation=None,
    viewer=0,
    owner=1,
    step=0,
    where="text",
    story="",
)


def replayed(
    monkeypatch: pytest.MonkeyPatch, profile: str, answers: Iterable[Judgement | Exception]
) -> tuple[int, int]:
    """How often a finding was seen and tried, when the judges answer so."""
    left = iter(answers)

    def ask(_: Plan) -> list[tuple[None, Judgement]]:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return [(None, answer)]

    examiner = Examiner(resolve("reference"), PROFILES[profile], new_key(1), probed={})
    try:
        monkeypatch.setattr(examiner, "ask", ask)
        return examiner.replay(FINDING, PLAN)
    finally:
        examiner.close()


SEEN, UNSEEN = Judgement(findings=(FINDING,)), Judgement()


@pytest.mark.parametrize(
    ("profile", "answers", "expected"),
    [
        ("ci", [SEEN] * 9, (3, 3)),
        ("ci", [UNSEEN, SEEN, UNSEEN, SEEN], (1, 3)),
        ("ci", [*[UNSEEN] * 20, *[SEEN] * 9], (1, 21)),
        ("ci", [UNSEEN] * 99, (0, 59)),
        ("quick", [UNSEEN] * 99, (0, 11)),
        ("ci", [Judgement(doubts=("not settled",)), *[UNSEEN] * 98], (0, 58)),
        ("ci", [SEEN, TargetProblem("it is gone"), SEEN], (1, 1)),
    ],
)
def test_a_finding_is_performed_until_it_shows_again_or_is_known_to_be_rare(
    monkeypatch: pytest.MonkeyPatch, profile: str, answers: list[Any], expected: tuple[int, int]
) -> None:
    assert replayed(monkeypatch, profile, answers) == expected


def test_only_intermittent_findings_take_time_and_no_more_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(range(0, 10_000, 10))
    monkeypatch.setattr(
        "isolation_tests.engine.examiner.time", SimpleNamespace(monotonic=lambda: next(ticks))
    )
    assert replayed(monkeypatch, "ci", [UNSEEN] * 99) == (0, 6)


@pytest.mark.parametrize(
    ("target", "said", "status"),
    [
        ("fault:S3-none-opens", "reproduced: S3-get_all-none", ExitStatus.VIOLATED),
        ("reference", "not reproduced: S3-get_all-none", ExitStatus.HELD),
    ],
)
def test_a_finding_that_only_shows_what_others_stored_is_performed_beside_somebody(
    tmp_path: Path, target: str, said: str, status: int
) -> None:
    missing = UserSpec(template="null", type="json", hostile=True)
    plan = Plan(
        name="nobody",
        anomaly="S3",
        users=(missing,),
        facts=(),
        steps=(Step(op=Operation.GET_ALL, user=0, anomaly="S3"),),
        relation="none",
    )
    finding = FINDING.model_copy(update={"anomaly": "S3", "owner": None, "relation": "none"})
    history = History(plan=plan, users=(BoundUser(number=1, name=None, type="json"),), events=())
    case = Case(finding=finding, history=history, seen=4, tried=4)
    file = write_replay(tmp_path, case, target=target, suite_version="0", versions={})

    for times in (1, FEWEST):
        answer = played(file, Settings(target=target), times=times)
        assert answer.text.startswith(said)
        assert answer.status == status


@pytest.mark.parametrize(("seen", "tried", "times"), [(4, 4, FEWEST), (2, 40, 59), (1, 9000, MOST)])
def test_a_replay_goes_on_until_the_finding_is_rarer_than_it_was(seen: int, tried: int, times: int) -> None:
    record = Replay(suite_version="0", target="reference", finding=FINDING, plan=PLAN, seen=seen, tried=tried)
    assert enough(record) == times
