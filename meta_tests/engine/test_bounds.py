"""What k of n tries are taken to say, and how long a finding is performed again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import binom

from isolation_tests.core.errors import TargetProblem
from isolation_tests.core.intervals import interval, seen_words, tries_for, unseen_words, upper_bound
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.replay import FEWEST, MOST, enough
from isolation_tests.engine.run import new_key, smoke_plan
from isolation_tests.model import BoundUser, Case, Finding, History, Judgement, Law, Operation, Plan
from isolation_tests.reporting.evidence.replay_file import Replay
from isolation_tests.reporting.narrative.reproduction import story
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


@settings(max_examples=40)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_beyond_the_bounds_what_was_seen_is_unlikely(counts: tuple[int, int]) -> None:
    seen, tried = counts
    low, high = interval(seen, tried)
    assert low <= seen / tried <= high
    assert seen == 0 or math.isclose(binom.sf(seen - 1, tried, low), 0.025, rel_tol=1e-6)
    assert seen == tried or math.isclose(binom.cdf(seen, tried, high), 0.025, rel_tol=1e-6)


@settings(max_examples=40)
@given(st.integers(1, 5000))
def test_nothing_seen_bounds_the_rate_at_about_three_in_n(tried: int) -> None:
    assert math.isclose((1 - upper_bound(tried)) ** tried, 0.05, rel_tol=1e-6)
    assert upper_bound(tried) < 3 / tried


@settings(max_examples=40)
@given(st.floats(0.001, 0.999))
def test_so_many_tries_are_enough_and_one_less_is_not(rate: float) -> None:
    tries = tries_for(rate)
    assert upper_bound(tries) <= rate * (1 + 1e-9)
    assert tries == 1 or upper_bound(tries - 1) > rate * (1 - 1e-9)


@pytest.mark.parametrize(
    ("seen", "tried", "words"),
    [
        (1, 1, "1 of 1 try"),
        (4, 4, "4 of 4 tries"),
        (2, 40, "2 of 40 tries: between 0.6 % and 17 % of tries (95 %, Clopper-Pearson)"),
        (39, 40, "39 of 40 tries: between 86 % and 100 % of tries (95 %, Clopper-Pearson)"),
        (1, 100_000, "1 of 100000 tries: between 0.00002 % and 0.006 % of tries (95 %, Clopper-Pearson)"),
    ],
)
def test_bounds_are_told_rounded_outwards(seen: int, tried: int, words: str) -> None:
    assert seen_words(seen, tried) == words


def test_what_was_never_seen_is_told_with_its_bound() -> None:
    assert unseen_words(60) == "0 in 60 probes: below 4.9 % (95 %)"
    assert unseen_words(1_000_000, "calls") == "0 in 1000000 calls: below 0.0003 % (95 %)"


@pytest.mark.parametrize("ask", [lambda: upper_bound(0), lambda: interval(0, 0), lambda: tries_for(1.0)])
def test_without_a_try_there_is_no_bound(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"needs at least one try|between 0 and 1"):
        ask()


def case(seen: int, tried: int) -> Case:
    users = tuple(BoundUser(number=n, name=f"iso-{n}") for n in range(len(PLAN.users)))
    history = History(plan=PLAN, users=users, events=())
    return Case(finding=FINDING, history=history, seen=seen, tried=tried)


def test_the_story_of_an_intermittent_finding_tells_the_bounds() -> None:
    assert "It showed in 1 of 61 tries: between 0.04 % and 8.8 % of tries (95 %" in story(case(1, 61))
    assert story(case(4, 4)).endswith("It showed in 4 of 4 tries.")


def test_a_case_is_not_seen_more_often_than_it_was_tried() -> None:
    with pytest.raises(ValidationError, match="more often than it was tried"):
        case(3, 2)


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
