"""Judges on golden histories: each law broken, each law kept, and what proves nothing either way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isolation_tests.judges import canary, interference, judging
from isolation_tests.judges.canary import is_foreign
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.explaining.implications import WITHIN_A_HISTORY, Edge
from isolation_tests.judges.explaining.precedence import kind
from isolation_tests.judges.judging import judge
from isolation_tests.judges.repeated import question
from isolation_tests.model import (
    Event,
    Frozen,
    History,
    Judgement,
    Law,
    Operation,
    Outcome,
    Row,
    Sighting,
    Step,
    Verdict,
    owns,
)

FOLDER = Path(__file__).parents[2] / "fixtures" / "histories"


class Expected(Frozen):
    """What the judges must say: the keys of all findings, and how many doubts and errors."""

    findings: tuple[str, ...]
    doubts: int
    errors: int


class Golden(Frozen):
    """One history, what it is about, and what it proves."""

    about: str
    expect: Expected
    history: History


GOLDEN = {path.stem: Golden.model_validate_json(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
JUDGED = (
    *(
        "S1",
        "S2",
        "S3",
        "S4",
        "S5",
        "S6",
        "S7",
        "S8",
        "S9",
        "A1",
        "D1",
        "D2",
        "D3",
        "D4",
        "M1",
        "M2",
        "M3",
        "M4",
        "M5",
    ),
    *("K1", "K2", "X1", "X2", "X3", "X5", "completeness"),
)
LONGEST = 6000
BY_ID = tuple(f"O{number}" for number in range(1, 8))

NOTHING: dict[str, Any] = {"rows": (), "sightings": (), "names": (), "number": None, "poll": False}

every_golden = pytest.mark.parametrize("name", sorted(GOLDEN))
every_finding = pytest.mark.parametrize("name", [n for n in sorted(GOLDEN) if GOLDEN[n].expect.findings])
every_moved_view = pytest.mark.parametrize(
    "name", [name for name in sorted(GOLDEN) if interference.judge(GOLDEN[name].history).findings]
)
any_golden = st.sampled_from(sorted(GOLDEN)).map(lambda name: GOLDEN[name].history)


def keys(judgement: Judgement) -> list[str]:
    return sorted(finding.key for finding in judgement.findings)


def with_events(history: History, change: Callable[[Event], Event]) -> History:
    return history.model_copy(update={"events": tuple(change(event) for event in history.events)})


def filtered(event: Event, keep: Callable[[Sighting], bool]) -> Event:
    def kept(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
        return tuple(sighting for sighting in sightings if keep(sighting))

    rows = tuple(row.model_copy(update={"sightings": kept(row.sightings)}) for row in event.rows)
    return event.model_copy(update={"rows": rows, "sightings": kept(event.sightings)})


@every_golden
def test_says_exactly_what_is_expected(name: str) -> None:
    golden = GOLDEN[name]
    judged = judge(golden.history)
    said = Expected(findings=tuple(keys(judged)), doubts=len(judged.doubts), errors=len(judged.errors))
    assert said == golden.expect, [finding.story for finding in judged.findings] + [*judged.doubts]


@every_golden
def test_name_tells_what_is_expected(name: str) -> None:
    golden, begins = GOLDEN[name], name.split("-", 1)[0]
    expect = golden.expect
    if begins == "legal":
        assert expect == Expected(findings=(), doubts=0, errors=0)
    elif begins in ("doubt", "error"):
        assert not expect.findings
        assert (bool(expect.doubts), bool(expect.errors)) == (begins == "doubt", begins == "error")
    else:
        assert any(key.startswith(f"{begins}-") for key in expect.findings)


@pytest.mark.parametrize("anomaly", [*JUDGED, *BY_ID])
def test_each_anomaly_has_a_history(anomaly: str) -> None:
    assert any(key.startswith(f"{anomaly}-") for golden in GOLDEN.values() for key in golden.expect.findings)


def test_each_law_has_a_history() -> None:
    broken = {finding.law for golden in GOLDEN.values() for finding in judge(golden.history).findings}
    assert broken == set(Law)


def test_histories_are_told_apart() -> None:
    assert len({golden.about for golden in GOLDEN.values()}) == len(GOLDEN)


@every_golden
def test_judging_is_pure(name: str) -> None:
    history = GOLDEN[name].history
    before = history.model_dump_json()
    first, second = judge(history), judge(history)
    again = judge(History.model_validate_json(before))
    assert first == second == again
    assert history.model_dump_json() == before


@every_finding
def test_a_finding_points_at_its_step(name: str) -> None:
    history = GOLDEN[name].history
    found = judge(history).findings
    assert found
    for finding in found:
        users = range(len(history.plan.users))
        assert finding.viewer in users
        assert finding.owner is None or finding.owner in users
        assert history.plan.steps[finding.step].user == finding.viewer
        strangers = finding.law is Law.NO_CROSS_READ and finding.owner is None
        assert finding.relation == (None if strangers else history.plan.relation)


@every_golden
def test_what_is_lost_is_the_viewers_own_and_what_is_seen_is_not(name: str) -> None:
    for finding in judge(GOLDEN[name].history).findings:
        # What a call without a user is shown may have been stored without one.
        if finding.law is not Law.REFUSES_MISSING_USER:
            assert (kind(finding) == "loss") == (finding.owner == finding.viewer)


def test_worst_verdict_wins() -> None:
    assert Verdict.worst(Verdict) is Verdict.VIOLATED
    assert Verdict.worst([Verdict.HELD, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert Verdict.worst([]) is Verdict.INCONCLUSIVE


# --- laws of no-cross-read -------------------------------------------------------------------------------


def seen(judgement: Judgement) -> set[tuple[int, int | None, int, str]]:
    """What was read across, whatever it is called: the name depends on what else the viewer saw."""
    read = (f for f in judgement.findings if f.law is Law.NO_CROSS_READ)
    return {(f.viewer, f.owner, f.step, f.where) for f in read}


@given(any_golden, st.data())
def test_seeing_less_is_never_reading_more(history: History, data: st.DataObject) -> None:
    user = data.draw(st.integers(0, len(history.plan.users) - 1))
    less = with_events(history, lambda e: filtered(e, lambda _: False) if e.user == user else e)
    before, after = canary.judge(history), canary.judge(less)
    assert seen(after) <= seen(before)
    assert seen(judge(less)) <= seen(before)


@given(any_golden)
def test_no_foreign_canary_no_cross_read(history: History) -> None:
    clean = with_events(history, lambda e: filtered(e, lambda s: not is_foreign(history, e, s)))
    assert not [f for f in judge(clean).findings if f.law is Law.NO_CROSS_READ]


@given(any_golden, st.data())
def test_a_foreign_fact_anywhere_is_a_violation(history: History, data: st.DataObject) -> None:
    """However the history went, one more answer with a foreign fact in it never goes unnoticed."""
    event = data.draw(st.sampled_from(history.events))
    strange = [
        fact
        for fact in range(len(history.plan.facts))
        if not owns(history.plan, event.user, fact) and history.plan.steps[event.step].fact != fact
    ]
    assume(strange)
    fact = data.draw(st.sampled_from(strange))
    sighting = Sighting(user=history.plan.facts[fact].owners[0], fact=fact, where="text")
    more = event.model_copy(update={"rows": (*event.rows, Row(id="z", text="x", sightings=(sighting,)))})
    leaky = with_events(history, lambda e: more if e is event else e)
    assert any(kind(f) == "sight" for f in judge(leaky).findings)


# --- what explains what ----------------------------------------------------------------------------------


def smaller_tables() -> Iterator[tuple[str, tuple[Edge, ...]]]:
    """The table without each of its rows, or without one of the names of a row's cause; and an example."""
    for edge in WITHIN_A_HISTORY:
        names = edge.cause.named if len(edge.examples) > 1 else (None,)
        for name, example in zip(names, edge.examples, strict=True):
            others = tuple(other for other in edge.cause.named if name not in (None, other))
            rest = [replace(edge, cause=replace(edge.cause, named=others))] if others else []
            yield (
                example,
                tuple(row for each in WITHIN_A_HISTORY for row in (rest if each is edge else [each])),
            )


@pytest.mark.parametrize(("name", "table"), list(smaller_tables()))
def test_each_row_is_needed_by_its_example(
    name: str, table: tuple[Edge, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "WITHIN_A_HISTORY", table)
    assert set(keys(judge(GOLDEN[name].history))) > set(GOLDEN[name].expect.findings)


def judged_with_control(name: str, step: int, *, control: bool) -> list[str]:
    history = GOLDEN[name].history
    steps = list(history.plan.steps)
    steps[step] = steps[step].model_copy(update={"control": control})
    plan = history.plan.model_copy(update={"steps": tuple(steps)})
    return keys(judge(history.model_copy(update={"plan": plan})))


def test_a_control_explains_the_narrower_finding() -> None:
    plan = GOLDEN["S1-explains-related-names"].history.plan
    step = next(number for number, each in enumerate(plan.steps) if each.op is Operation.SEARCH)
    assert judged_with_control("S1-explains-related-names", step, control=True) == ["S1-search-prefix-dash"]


def test_without_a_finding_at_the_control_nothing_is_explained() -> None:
    assert judged_with_control("A1-search", 6, control=True) == ["A1-search-prefix-dash"]


@given(any_golden, st.randoms(use_true_random=False))
def test_explaining_never_empties_the_findings(history: History, chance: random.Random) -> None:
    steps = tuple(step.model_copy(update={"control": chance.random() < 0.5}) for step in history.plan.steps)
    plan = history.plan.model_copy(update={"steps": steps})
    explained = judge(history.model_copy(update={"plan": plan}))
    bare = plan.model_copy(update={"steps": tuple(s.model_copy(update={"control": False}) for s in steps)})
    plain = judge(history.model_copy(update={"plan": bare}))
    assert bool(explained.findings) == bool(plain.findings)
    assert {kind(f) for f in explained.findings} == {kind(f) for f in plain.findings}
    assert (explained.doubts, explained.errors) == (plain.doubts, plain.errors)


# --- a view changes by the user's own writes only ---------------------------------------------------------

COMPARED = ("S4-crowded-out", "S4-in-a-sequence", "X1-total-moves", "X2-outcome-moves")


def inserted(name: str, op: Operation, user: int) -> History:
    """The history with one more write just before the last answer that is compared with an earlier one."""
    history = GOLDEN[name].history
    last = next(i for i in reversed(range(len(history.events))) if _again(history, i))
    event = history.events[last]
    step = Step(op=op, user=user, fact=0)
    plan = history.plan.model_copy(update={"steps": (*history.plan.steps, step)})
    more = Event(
        step=len(plan.steps) - 1,
        op=op,
        user=user,
        outcome=Outcome.OK,
        started=event.started - 0.01,
        ended=event.started,
    )
    events = (*history.events[:last], more, *history.events[last:])
    return history.model_copy(update={"plan": plan, "events": events})


def _again(history: History, number: int) -> bool:
    asked = question(history, history.events[number])
    return any(
        question(history, earlier) == asked and earlier.user == history.events[number].user
        for earlier in history.events[:number]
    )


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("op", [Operation.ADD, Operation.MAINTAIN])
def test_an_own_write_explains_another_view(name: str, op: Operation) -> None:
    viewer = interference.judge(GOLDEN[name].history).findings[0].viewer
    assert not interference.judge(inserted(name, op, viewer)).findings
    assert interference.judge(inserted(name, op, 1 - viewer)).findings


@every_moved_view
def test_a_view_that_was_only_polled_proves_nothing(name: str) -> None:
    polled = with_events(GOLDEN[name].history, lambda e: e.model_copy(update={"poll": True}))
    assert not interference.judge(polled).findings


@every_moved_view
def test_overlapping_calls_are_not_compared(name: str) -> None:
    history = GOLDEN[name].history
    steps = tuple(step.model_copy(update={"lane": step.user}) for step in history.plan.steps)
    plan = history.plan.model_copy(update={"steps": steps})
    assert not interference.judge(history.model_copy(update={"plan": plan})).findings


def test_the_story_tells_how_many_facts_were_nearer() -> None:
    (finding,) = interference.judge(GOLDEN["S4-crowded-out"].history).findings
    assert "with 1 nearer facts of other users; with 0 it found them" in finding.story


# --- what proves nothing ---------------------------------------------------------------------------------


@every_golden
def test_an_adapter_that_fails_always_is_an_error_only(name: str) -> None:
    """Whatever was asked: calls that all failed are neither a pass nor a violation."""

    def fail(event: Event) -> Event:
        return event.model_copy(update={**NOTHING, "outcome": Outcome.ERROR, "error_kind": "X", "error": "x"})

    judged = judge(with_events(GOLDEN[name].history, fail))
    assert not judged.findings
    assert judged.errors


@every_golden
def test_an_unknown_outcome_is_a_doubt_only(name: str) -> None:
    def time_out(event: Event) -> Event:
        unknown = {"outcome": Outcome.INDETERMINATE, "error_kind": "X", "error": "x"}
        return event.model_copy(update={**NOTHING, **unknown})

    judged = judge(with_events(GOLDEN[name].history, time_out))
    assert not judged.findings
    assert not judged.errors
    assert judged.doubts


@every_golden
def test_a_system_that_refuses_everything_breaks_nothing(name: str) -> None:
    def refuse(event: Event) -> Event:
        refused = {"outcome": Outcome.REFUSED, "error_kind": "X", "error": "x"}
        return event.model_copy(update={**NOTHING, **refused})

    history = with_events(GOLDEN[name].history, refuse)
    assert judge(history) == Judgement()
    assert controls(history) == 0


@pytest.mark.parametrize(
    ("name", "met"),
    [
        ("legal-two-users", 2),
        ("legal-index-lag", 2),
        ("doubt-never-seen", 0),
        ("legal-none-refused", 1),
        ("completeness-hidden-user", 1),
    ],
)
def test_counts_controls_that_were_met(name: str, met: int) -> None:
    assert controls(GOLDEN[name].history) == met


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_file_is_small_and_says_what_it_is_about(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text) < LONGEST
    assert json.loads(text)["about"].endswith(".")
