"""Witnesses: what a single plan is too small to show is seen, traced and never guessed."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.catalogue import CATALOGUE
from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examination import without_known
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.lasting.witnesses import PLANS_BETWEEN
from isolation_tests.engine.laws import LawEntry, all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.engine.safety.limits import limited
from isolation_tests.judges.judging import judge
from isolation_tests.model import Axis, CheckResult, Omitted, Operation, Plan, Verdict
from isolation_tests.plans import Cell, Material
from isolation_tests.plans.crowds.witnesses import around, before_last_look, witness_plan
from isolation_tests.reporting.evidence.sightings import read_sightings
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.targets.known import Known
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.facts import People

PROFILE = replace(PROFILES["ci"], patience=30.0)
OFFERED = frozenset({"get", "update", "delete", "history", "count", "export", "page", "metadata"})
LAWS, DELETES = ("search-stays-own", "get-all-stays-own"), "delete-all-stays-own"


def checks_of(*laws: str) -> list[tuple[LawEntry, Cell]]:
    """All checks of these laws."""
    return [(entry, cell) for entry in all_laws().values() if entry.name in laws for cell in entry.cells]


def listed(*findings: str) -> tuple[Known, ...]:
    """A list of known findings."""
    expires = dt.date(2999, 1, 1)
    return tuple(
        Known(finding=one, reason="so it is for now", owner="o", expires=expires) for one in findings
    )


def seen_in(store: Any, checks: list[tuple[LawEntry, Cell]], known: tuple[Known, ...] = ()) -> CheckResult:
    """What witnesses say of a store after these checks."""
    target = replace(without_known(Settings(target="reference")), factory=lambda: store)
    target = replace(target, config=target.config.model_copy(update={"known": known}))
    examiner = Examiner(target, PROFILE, new_key(1))
    try:
        assert smoke(examiner).verdict is Verdict.HELD
        heard = call_witnesses(examiner)
        for entry, cell in checks:
            result_of(examiner, entry, cell)
        result = heard()
        assert result is not None
        assert not examiner.leftovers
        return result
    finally:
        examiner.close()


class Losing(ReferenceStore):
    """The user who has had facts for longest loses them, once, at the given number of calls that store."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at, self._adds = at, 0

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        rows = super().add(user, text, **keywords)
        self._adds += 1
        if self._adds == self._at:
            self.drop_oldest()
        return rows

    def drop_oldest(self) -> None:
        """Drop the facts of the user who has had any for longest."""
        super().delete_all(next(name for name, shelf in self._shelves.items() if shelf.rows))


class Percent(Losing):
    """The same at each delete_all of a user whose name has a percent sign in it."""

    def __init__(self) -> None:
        super().__init__(at=0)

    def delete_all(self, user: Any) -> None:
        super().delete_all(user)
        if "%" in user and any(shelf.rows for shelf in self._shelves.values()):
            self.drop_oldest()


class Ageing(ReferenceStore):
    """Forgets what is older than so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds, self._stored = seconds, dict[str, float]()

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        rows = super().add(user, text, **keywords)
        self._stored.setdefault(user, time.monotonic())
        return rows

    def get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        self._forget(user)
        return super().get_all(user, **keywords)

    def search(self, user: Any, query: str, **keywords: Any) -> list[Memory]:
        self._forget(user)
        return super().search(user, query, **keywords)

    def _forget(self, user: Any) -> None:
        if time.monotonic() - self._stored.get(user, time.monotonic()) > self._seconds:
            super().delete_all(user)


def test_where_the_target_was_opened_again_just_before_the_end_others_look_once_more() -> None:
    examiner = Examiner(without_known(Settings(target="reference")), PROFILE, new_key(1))
    try:
        smoke(examiner)
        heard = call_witnesses(examiner)
        [(entry, cell), *_] = checks_of(*LAWS)
        result_of(examiner, entry, cell)
        assert examiner._witnesses is not None
        assert examiner._witnesses.begin_anew()
        result = heard()
    finally:
        examiner.close()

    assert result is not None
    assert result.verdict is Verdict.HELD, result.reason


@pytest.mark.parametrize("checks", [1, PLANS_BETWEEN + 10])
def test_a_clean_store_is_held(checks: int) -> None:
    result = seen_in(ReferenceStore(), checks_of(*LAWS)[:checks])

    assert result.verdict is Verdict.HELD, result.reason
    assert result.controls


@pytest.mark.long
def test_a_loss_that_comes_once_is_told_with_the_plans_that_it_may_have_come_with() -> None:
    result = seen_in(Losing(at=100), checks_of(*LAWS)[: PLANS_BETWEEN + 10])

    [case] = result.cases
    assert case.finding.key == "D1-get_all-any"
    assert (case.seen, case.tried) == (1, 1)
    assert reproduction(case).splitlines()[-2].startswith("# Here the run's other checks act")
    assert "; it came with one of 50 plans, from " in result.reason
    assert story(case).endswith("It showed once, while other checks ran.")


@pytest.mark.long
def test_a_loss_that_comes_again_is_traced_to_its_plan() -> None:
    result = seen_in(Percent(), checks_of(DELETES))

    assert 1 <= len(result.cases) <= 3
    for case in result.cases:
        assert case.finding.key.startswith("D1-delete_all-")
        assert case.seen == case.tried > 1
        assert Operation.DELETE_ALL in [step.op for step in case.history.plan.steps]
    assert min(len(case.history.plan.steps) for case in result.cases) < 20


@pytest.mark.long
def test_what_is_known_and_traced_is_left_to_its_own_checks() -> None:
    result = seen_in(Percent(), checks_of(DELETES), known=listed("D1-delete_all-*"))

    assert (result.verdict, result.cases) == (Verdict.HELD, ())


class PercentForever(Percent):
    """The same, and afterwards whoever stores takes the facts of the user who has had any for longest."""

    shown = False

    def delete_all(self, user: Any) -> None:
        super().delete_all(user)
        self.shown |= "%" in user

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        if self.shown and any(shelf.rows for name, shelf in self._shelves.items() if name != user):
            self.drop_oldest()
        return super().add(user, text, **keywords)


@pytest.mark.parametrize(
    ("store", "verdict"), [(Percent, Verdict.HELD), (PercentForever, Verdict.INCONCLUSIVE)]
)
def test_where_what_is_known_took_the_only_witnesses_others_look_once_more(
    store: type[Percent], verdict: Verdict
) -> None:
    [last] = [check for check in checks_of(DELETES) if check[1].id == "A8-percent-letter-delete_all-b-acts"]
    result = seen_in(store(), [last], known=listed("D1-*"))

    assert result.verdict is verdict, result.reason
    assert all(case.known for case in result.cases)


class Prying(ReferenceStore):
    """A user whose name has a percent sign in it finds what everybody has."""

    def search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        found = super().search(user, query, limit=limit, **keywords)
        everybody = self._shelves if "%" in user else ()
        more = [row for name in everybody for row in super(Prying, self).get_all(name)]
        return [*found, *(row for row in more if row.id not in {one.id for one in found})][:limit]


@pytest.mark.parametrize("known", [True, False])
def test_a_leak_that_is_known_leaves_witnesses_to_the_end(*, known: bool) -> None:
    plain = [check for check in checks_of(LAWS[0]) if "percent" not in check[1].id]
    leaking = [check for check in checks_of(LAWS[0]) if "percent" in check[1].id]
    checks = [*plain[:5], *leaking, *plain[5:10]]
    assert len(leaking) > 3
    result = seen_in(
        Prying(), checks, known=listed(*(f"{anomaly}-*" for anomaly in CATALOGUE)) if known else ()
    )

    assert result.verdict is (Verdict.HELD if known else Verdict.INCONCLUSIVE), result.reason
    assert result.cases == ()


@pytest.mark.long
def test_what_they_see_is_on_disk_before_the_run_ends(tmp_path: Path) -> None:
    target = replace(without_known(Settings(target="reference")), factory=lambda: Losing(at=100))
    examiner = Examiner(target, PROFILE, new_key(1), report=tmp_path)
    try:
        call_witnesses(examiner)
        for entry, cell in checks_of(*LAWS)[: PLANS_BETWEEN + 10]:
            result_of(examiner, entry, cell)
        seen = [case.finding.key for one in read_sightings(tmp_path) for case in one.cases]
    finally:
        examiner.close()

    assert seen == ["D1-get_all-any"]


@pytest.mark.long
def test_what_goes_by_age_alone_is_a_doubt() -> None:
    result = seen_in(Ageing(0.1), checks_of(*LAWS)[: 2 * PLANS_BETWEEN])

    assert (result.verdict, result.cases) == (Verdict.INCONCLUSIVE, ())
    assert "are lost while nobody else does anything" in result.reason
    assert not any(judge(history).findings for history in result.histories)


class Opening(ReferenceStore):
    """From some time on, shows a stranger's memory to everybody who has none."""

    def __init__(self) -> None:
        super().__init__()
        self._searches = 0

    def search(self, user: Any, query: str, **keywords: Any) -> list[Memory]:
        self._searches += 1
        found = super().search(user, query, **keywords)
        return found or [Memory("stranger", "My sister keeps bees.")] * (self._searches > 10)


def test_a_stranger_whom_only_witnesses_meet_ends_the_run() -> None:
    settings = Settings(target="reference")
    target = replace(without_known(settings), factory=Opening)
    target = replace(target, config=target.config.model_copy(update={"disposable": False}))
    key = new_key(1)
    with limited(target, settings, key.began) as metered:
        examiner = Examiner(metered, PROFILE, key)
        try:
            call_witnesses(examiner)
            asked = checks_of(LAWS[1])[: PLANS_BETWEEN + 10]
            results = [result_of(examiner, entry, cell) for entry, cell in asked]
        finally:
            examiner.close()

    assert [result.reason for result in results if "somebody else's" in result.reason]


def test_without_any_check_nobody_looks() -> None:
    examiner = Examiner(without_known(Settings(target="reference")), PROFILES["quick"], new_key(1))
    try:
        assert call_witnesses(examiner)() is None
    finally:
        examiner.close()


CELLS = {entry.check_id(cell): cell for entry in all_laws().values() for cell in entry.cells[:3]}


@pytest.mark.parametrize("check", [check for check in CELLS if "searched" not in check])
def test_the_plans_of_each_law_can_be_performed_beside_witnesses(check: str) -> None:
    axes = tuple(Axis(name=name, omitted=Omitted.NONE) for name in ("tenant", "user", "agent", "session"))
    material = Material(people=People(3), capabilities=OFFERED, crowd=5, rounds=2, disposable=True, axes=axes)
    try:
        plan = CELLS[check].build(material)
    except NotImplementedError:
        return
    own = witness_plan(material)

    together = Plan.model_validate(around(plan, own).model_dump())

    first = before_last_look(own)
    kept = together.steps[first : first + len(plan.steps)]
    cursors = [step.cursor for step in plan.steps]
    assert [
        step.model_copy(update={"cursor": cursor}) for step, cursor in zip(kept, cursors, strict=True)
    ] == [*plan.steps]
    assert together.users[: len(plan.users)] == plan.users
    assert {step.user for step in (*together.steps[:first], *together.steps[-1:])} <= set(
        range(len(plan.users), len(together.users))
    )
