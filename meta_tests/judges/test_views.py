"""Comparisons: a user's view alone and with others, on golden histories and by hand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from isolation_tests.judges import judging, views
from isolation_tests.judges.explaining.implications import BESIDE_A_COMPARISON, Edge
from isolation_tests.judges.judging import judge_all, rejudge
from isolation_tests.model import (
    BoundUser,
    CheckResult,
    Event,
    Frozen,
    History,
    Judgement,
    Law,
    Level,
    Operation,
    Plan,
    Verdict,
    Volatile,
)
from isolation_tests.plans import Material
from isolation_tests.plans.compared import VIEW_CELLS, alone, varied
from isolation_tests.plans.surfaces import SURFACE_CELLS
from isolation_tests.testdata.facts import People

FOLDER = Path(__file__).parents[2] / "fixtures" / "comparisons"
LONGEST = 6000
ALL = frozenset({"get", "update", "delete", "history", "count", "export", "page"})


class Expected(Frozen):
    """What the judges must say: the keys of all findings, and how many doubts and notes."""

    findings: tuple[str, ...]
    doubts: int
    notes: int


class Comparison(Frozen):
    """Runs of one plan, some of the viewer alone, what they are about and what they prove."""

    about: str
    expect: Expected
    plan: Plan
    volatile: Volatile | None = None
    alone: tuple[tuple[Event, ...], ...]
    together: tuple[tuple[Event, ...], ...]

    def histories(self) -> list[History]:
        """All runs. Events number the steps of the whole plan, a run alone has the viewer's steps only."""
        lone = alone(self.plan)
        kept = [n for n, step in enumerate(self.plan.steps) if step.user == self.plan.viewer]
        by_themselves = [
            tuple(e.model_copy(update={"step": kept.index(e.step)}) for e in events if e.step in kept)
            for events in self.alone
        ]
        return [
            *(self._history(lone, events) for events in by_themselves),
            *(self._history(self.plan, events) for events in self.together),
        ]

    def _history(self, plan: Plan, events: tuple[Event, ...]) -> History:
        users = tuple(BoundUser(number=n, name=f"iso-gold-{n}") for n in range(len(plan.users)))
        return History(plan=plan, users=users, events=events, volatile=self.volatile)


GOLDEN = {
    path.stem: Comparison.model_validate_json(path.read_text("utf-8")) for path in FOLDER.glob("*.json")
}
every_golden = pytest.mark.parametrize("name", sorted(GOLDEN))
every_finding = pytest.mark.parametrize("name", [n for n in sorted(GOLDEN) if GOLDEN[n].expect.findings])


def judged(histories: list[History]) -> Judgement:
    """All that is said of any of the histories."""
    said = [judgement for _, judgement in judge_all(histories)]
    return Judgement(
        findings=tuple(finding for one in said for finding in one.findings),
        doubts=tuple({doubt for one in said for doubt in one.doubts}),
        notes=tuple({note for one in said for note in one.notes}),
    )


def keys(judgement: Judgement) -> list[str]:
    return sorted({finding.key for finding in judgement.findings})


@every_golden
def test_says_exactly_what_is_expected(name: str) -> None:
    golden = GOLDEN[name]
    compared = judged(golden.histories())

    said = Expected(findings=tuple(keys(compared)), doubts=len(compared.doubts), notes=len(compared.notes))

    assert said == golden.expect, (compared.findings, compared.doubts, compared.notes)


@every_golden
def test_name_tells_what_is_expected(name: str) -> None:
    begins, expect = name.split("-", 1)[0], GOLDEN[name].expect

    if begins == "legal":
        assert (expect.findings, expect.doubts) == ((), 0)
    elif begins == "doubt":
        assert expect.doubts
    else:
        assert any(key.startswith(f"{begins}-") for key in expect.findings)


@pytest.mark.parametrize("edge", BESIDE_A_COMPARISON, ids=lambda edge: edge.examples[0])
def test_each_row_of_what_explains_what_is_needed_by_its_example(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = edge.examples
    others = tuple(each for each in BESIDE_A_COMPARISON if each is not edge)
    monkeypatch.setattr(judging, "BESIDE_A_COMPARISON", others)

    assert set(keys(judged(GOLDEN[name].histories()))) > set(GOLDEN[name].expect.findings)


def test_the_law_of_the_whole_view_has_a_history() -> None:
    laws = {f.law for golden in GOLDEN.values() for f in judged(golden.histories()).findings}

    assert Law.OWN_VIEW in laws


@every_golden
def test_the_order_of_the_runs_decides_nothing(name: str) -> None:
    histories = GOLDEN[name].histories()
    mixed = random.Random(name).sample(histories, len(histories))  # noqa: S311 - an order, no secret

    assert keys(judged(mixed)) == keys(judged(histories))


@every_finding
def test_others_who_change_nothing_are_no_finding(name: str) -> None:
    """Where the runs with others are those alone once more, nothing is left to tell."""
    golden = GOLDEN[name]
    same = golden.model_copy(update={"together": golden.alone}).histories()

    assert not [f for f in judged(same).findings if f.law is Law.OWN_VIEW]


@every_finding
def test_what_differs_alone_is_never_judged(name: str) -> None:
    """A run with others that is counted among those alone is part of the noise."""
    golden = GOLDEN[name]
    noisy = golden.model_copy(update={"alone": (*golden.alone, *golden.together)})

    assert not views.judge(noisy.histories()).findings


@every_golden
def test_a_kept_result_can_be_judged_again(name: str) -> None:
    histories = tuple(GOLDEN[name].histories())
    result = CheckResult(
        check="x", title="x", anomalies=(), level=Level.CORE, verdict=Verdict.HELD, histories=histories
    )
    read = CheckResult.model_validate_json(result.model_dump_json())

    assert rejudge(read) == judge_all(histories)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_file_is_small_and_says_what_it_is_about(path: Path) -> None:
    text = path.read_text("utf-8")

    assert len(text) < LONGEST
    assert GOLDEN[path.stem].about.endswith(".")


def test_histories_are_told_apart() -> None:
    assert len({golden.about for golden in GOLDEN.values()}) == len(GOLDEN)


def test_what_a_target_declares_needs_a_reason() -> None:
    with pytest.raises(ValidationError):
        Volatile.model_validate({"order": False})

    declared = Volatile(order=False, score_tolerance=0.01, fields=("raw.at",), reason="approximate index")
    assert declared.told() == "fields raw.at; the order of rows; numbers within 0.01 (approximate index)"


# --- the plans --------------------------------------------------------------------------------------------


def plan_of(cell_id: str) -> Plan:
    cell = next(cell for cell in VIEW_CELLS if cell.id == cell_id)
    return cell.build(Material(people=People(1), capabilities=ALL))


@pytest.mark.parametrize("cell", [cell.id for cell in VIEW_CELLS])
def test_alone_are_the_viewers_own_steps_in_their_order(cell: str) -> None:
    plan = plan_of(cell)
    lone = alone(plan)
    own = [step for step in plan.steps if step.user == plan.viewer]

    assert [(s.op, s.query, s.limit) for s in lone.steps] == [(s.op, s.query, s.limit) for s in own]
    assert all(plan.viewer in lone.facts[s.fact].owners for s in lone.steps if s.fact is not None)
    assert all(lone.steps[s.cursor].op is Operation.PAGE for s in lone.steps if s.cursor is not None)
    users = tuple(BoundUser(number=n, name=f"iso-{n}") for n in range(len(lone.users)))
    assert views.is_alone(History(plan=lone, users=users, events=()))


def test_a_foreign_id_is_an_absent_one_to_who_is_alone() -> None:
    plan = plan_of("X2-foreign-ids")
    foreign = [n for n, s in enumerate(s for s in plan.steps if s.user == 0) if s.fact == 9]

    assert foreign
    assert all(alone(plan).steps[n].absent for n in foreign)


@pytest.mark.parametrize("cell", [cell.id for cell in VIEW_CELLS])
def test_only_what_others_say_is_varied(cell: str) -> None:
    plan = plan_of(cell)
    other = varied(plan, People(2))

    assert (other.steps, other.name) == (plan.steps, plan.name)
    for one, two in zip(plan.facts, other.facts, strict=True):
        assert one.owners == two.owners
        assert one == two or plan.viewer not in one.owners
    assert other.facts != plan.facts


@pytest.mark.parametrize("cell", SURFACE_CELLS, ids=lambda cell: cell.id)
def test_a_plan_of_surfaces_asks_what_it_needs(cell: object) -> None:
    plan = next(each for each in SURFACE_CELLS if each is cell).build(
        Material(people=People(1), capabilities=ALL)
    )
    asked = {step.op.value for step in plan.steps} | {step.on for step in plan.steps}

    assert set(plan.needs) <= asked
