"""How long a finding is performed again."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from isolation_tests.core.errors import TargetProblem
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.replay import FEWEST, MOST, enough
from isolation_tests.engine.run import new_key, smoke_plan
from isolation_tests.model import Finding, Judgement, Law, Operation, Plan
from isolation_tests.reporting.evidence.replay_file import Replay
from isolation_tests.targets.resolve import resolve

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


@pytest.mark.parametrize(("seen", "tried", "times"), [(4, 4, FEWEST), (2, 40, 59), (1, 9000, MOST)])
def test_a_replay_goes_on_until_the_finding_is_rarer_than_it_was(seen: int, tried: int, times: int) -> None:
    record = Replay(suite_version="0", target="reference", finding=FINDING, plan=PLAN, seen=seen, tried=tried)
    assert enough(record) == times
