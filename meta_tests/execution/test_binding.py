"""Names that a run makes: fresh, of one length, its own; and ids that nobody was given."""

from __future__ import annotations

import re
from contextlib import closing, suppress
from typing import Any

import pytest

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.engine.laws import all_laws
from isolation_tests.execution.binding import Lease, look_alike
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    Axis,
    FactSpec,
    Omitted,
    Operation,
    Step,
    UserSpec,
)
from isolation_tests.plans import Material
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.facts import People
from meta_tests.execution.small import SECRET, TEXT, TWO, Store, add, listed, plan, run, runner_of, session_of

HEX = "[0-9a-f]"


def test_names_carry_the_run_are_fresh_and_of_one_length() -> None:
    with closing(session_of(Store)) as session:
        runner = runner_of(session)
        names = [str(user.name) for _ in range(40) for user in runner.run(TWO).users]
    assert len(set(names)) == len(names) == 80
    assert {len(name) for name in names} == {len("iso-k3f9-03000001")}
    assert all(re.fullmatch(r"iso-k3f9-03[0-9a-f]{6}", name) for name in names)


def test_workers_never_share_names_or_numbers() -> None:
    leases = [Lease("k3f9", worker, Mint(SECRET)) for worker in (0, 1, 255)]
    bases = [lease.base() for lease in leases for _ in range(50)]
    assert len({name for name, _ in bases}) == len({number for _, number in bases}) == 150
    assert len({len(str(number)) for _, number in bases}) == 1
    numbers = [lease.number() for lease in leases for _ in range(50)]
    assert len(set(numbers)) == 150


def test_numbers_begin_with_nine_digits_that_only_this_worker_of_the_run_has() -> None:
    leases = [Lease(run_id, worker, Mint(SECRET)) for run_id in ("k3f9", "k3fa") for worker in (3, 4)]
    numbers = [[lease.base()[1] for _ in range(20)] for lease in leases]
    assert {len(str(number)) for made in numbers for number in made} == {15}
    assert len({str(number)[:9] for made in numbers for number in made}) == len(leases)
    for lease, made in zip(leases, numbers, strict=True):
        assert all(map(lease.made, made))
        assert not any(lease.made(number) for other in numbers if other is not made for number in other)


def test_users_of_one_group_share_the_base() -> None:
    related = (UserSpec(template="{base}"), UserSpec(template="{base}-corp"), UserSpec(group=1))
    first, second, other = (str(user.name) for user in run(Store(), plan(add(0), users=related)).users)
    assert second == f"{first}-corp"
    assert first not in other


class Keyed(Store):
    """Notes the keys that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def add(self, user: Any, text: str, *, key: str = "") -> list[Memory]:
        self.keys.append(key)
        return super().add(user, text)


def test_two_users_of_a_plan_share_a_key_that_nobody_else_has() -> None:
    """In a store that takes all keys for one user's, a key of others would replace their memory."""
    keyed = [add(user).model_copy(update={"key": "profile-{base}"}) for user in (0, 1)]
    store = Keyed()
    with closing(session_of(lambda: store)) as session:
        for _ in range(3):
            runner_of(session).run(plan(*keyed))
        for worker in (3, 4):
            runner = runner_of(session, worker=worker)
            runner.run(plan(*keyed))
            runner.run(plan(*keyed))
    shared = store.keys[::2]
    assert shared == store.keys[1::2]
    assert len({*shared}) == 4, "a new lease of the same worker begins anew"
    own = str(Lease("k3f9", 3, Mint(SECRET)).base()[1])[:9]
    assert {key[:-9] for key in shared} == {"profile-" + own[:6]}


@pytest.mark.parametrize("law", all_laws())
def test_no_plan_of_the_suite_has_a_key_of_others(law: str) -> None:
    offered = {name for cell in all_laws()[law].cells for name in cell.needs} | {"key", "metadata"}
    material = Material(
        people=People(3),
        capabilities=frozenset(offered),
        crowd=5,
        rounds=2,
        disposable=False,
        axes=tuple(Axis(name=name, omitted=Omitted.NONE) for name in ("org", "user", "app", "agent", "run")),
    )
    for cell in all_laws()[law].cells:
        with suppress(NotImplementedError):
            keys = [step.key for step in cell.build(material).steps if step.key is not None]
            assert all("{base}" in key for key in keys), cell.id


def test_a_right_system_holds_with_its_controls() -> None:
    history = run(Store())
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert controls(history) == 4


class Forgiving(ReferenceStore):
    """Deletes nothing, and says nothing, where there is no such id."""

    def delete(self, user: Any, id: str) -> None:
        with suppress(Refused):
            super().delete(user, id)


def test_what_an_odd_id_does_to_the_callers_own_memories_is_no_finding() -> None:
    replaced = Step(op=Operation.UPDATE, user=0, fact=1, replaces=0)
    odd = Step(op=Operation.DELETE, user=0, fact=0, id_form="None", odd=True)
    asked = plan(add(0), replaced, odd, listed(0)).model_copy(
        update={"facts": tuple(FactSpec(text=text, owners=(0,)) for text in (TEXT, f"Now: {TEXT}"))}
    )
    assert judge(run(Forgiving(), asked)).findings == ()


@pytest.mark.parametrize("op", [Operation.DELETE, Operation.UPDATE])
def test_a_fact_that_was_stored_twice_may_be_left_after_a_call_by_one_id(op: Operation) -> None:
    one = Step(
        op=op, user=0, fact=0 if op is Operation.DELETE else 1, replaces=0 if op is Operation.UPDATE else None
    )
    asked = plan(add(0), add(0), one, listed(0)).model_copy(
        update={"facts": tuple(FactSpec(text=text, owners=(0,)) for text in (TEXT, f"Now: {TEXT}"))}
    )
    assert judge(run(ReferenceStore(), asked)).findings == ()


class Scoping(ReferenceStore):
    """Writes the user into the filters that it was passed, as a key of its own, and believes it later."""

    def get_all(self, user: Any, *, filters: Any = None) -> list[Memory]:
        return super().get_all(user if filters is None else filters.setdefault("owner", user))


def test_equal_filters_are_one_object_for_all_users() -> None:
    filtered = [Step(op=Operation.GET_ALL, user=user, filters={"topic": "travel"}) for user in (0, 1)]
    judged = judge(run(Scoping(), plan(add(0), add(1), *filtered)))
    assert [(finding.anomaly, finding.viewer) for finding in judged.findings] == [("S5", 1)]


@pytest.mark.parametrize(
    ("real", "shape"),
    [
        ("1", r"20\d{8}"),
        ("4711", r"20\d{8}"),
        ("1745839201928374655", r"17\d{17}"),
        ("9b2e6c1a-5f3d-4c8e-a1b2-c3d4e5f60718", rf"{HEX}{{8}}-{HEX}{{4}}-4{HEX}{{3}}-a{HEX}{{3}}-{HEX}+"),
        ("passage-9b2e6c1a-5f3d-4c8e-a1b2-c3d4e5f60718", r"passage-[0-9a-f-]{36}"),
        ("mem_abcd1234", r"mem_[0-9a-f]{8}"),
        ("mem_wxyz1234", r"mem_[a-z]{4}[2-7]{4}"),
        ("507f1f77bcf86cd799439011", r"50[0-9a-f]{22}"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", r"01[0-9A-HJKMNP-TV-Z]{24}"),
        ("user:42", r"user:20\d{8}"),
        ("...", r"\.\.\.7"),
    ],
)
def test_an_absent_id_has_the_shape_of_a_real_one(real: str, shape: str) -> None:
    drawn = {look_alike(real, seed) for seed in range(20)}
    assert real not in drawn
    assert all(re.fullmatch(shape, id) for id in drawn), drawn
