"""Plans of further axes: two scopes differ in the one axis that is asked, or only joining makes them one."""

from __future__ import annotations

import itertools

import pytest

from isolation_tests.execution.binding import Lease, bind
from isolation_tests.model import Axis, Omitted, Plan, UserSpec
from isolation_tests.plans import Cell, Material
from isolation_tests.plans.axes import scopes
from isolation_tests.plans.cells import EVERY_AXIS, MOST_AXES, concerns
from isolation_tests.plans.objects import JOINING
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.facts import People

ORDER = ("org", "user", "app", "agent", "run")
FURTHER = [name for name in ORDER if name != "user"]
ALL = (
    *(*scopes.TWO_CELLS, *scopes.RELATED_CELLS, *scopes.JOINED_CELLS),
    *(*scopes.OMITTED_CELLS, *scopes.BY_ID_CELLS, *scopes.SURFACE_CELLS),
)


def built(cell: Cell, omitted: Omitted = Omitted.NONE) -> Plan:
    declared = tuple(
        Axis(name=name, omitted=Omitted.REFUSED if name == "user" else omitted) for name in ORDER
    )
    return cell.build(Material(people=People(1), axes=declared))


def number_of(cell: Cell) -> int:
    return int(cell.id.split("-")[2])


def values(user: UserSpec) -> dict[str, object]:
    named = {"user": (user.template, user.group)}
    return named | {axis: spec and (spec.template, spec.group) for axis, spec in (user.scope or {}).items()}


def differing(plan: Plan, one: int, other: int) -> set[str]:
    mine, theirs = values(plan.users[one]), values(plan.users[other])
    return {axis for axis in mine if mine[axis] != theirs[axis]}


@pytest.mark.parametrize(
    "cell",
    [*scopes.TWO_CELLS, *scopes.RELATED_CELLS, *scopes.BY_ID_CELLS, *scopes.SURFACE_CELLS],
    ids=lambda c: c.id,
)
def test_users_0_and_1_differ_in_the_one_axis(cell: Cell) -> None:
    assert differing(built(cell), 0, 1) == {FURTHER[number_of(cell) - 1]}


@pytest.mark.parametrize("omitted", Omitted)
@pytest.mark.parametrize("cell", scopes.OMITTED_CELLS, ids=lambda c: c.id)
def test_an_axis_is_omitted_by_one_of_them_and_given_by_the_other(cell: Cell, omitted: Omitted) -> None:
    plan, axis = built(cell, omitted), FURTHER[number_of(cell) - 1]
    scopes = [user.scope or {} for user in plan.users[:2]]
    assert differing(plan, 0, 1) == {axis}
    assert [scope[axis] is None for scope in scopes].count(True) == 1


@pytest.mark.parametrize("cell", scopes.JOINED_CELLS, ids=lambda c: c.id)
def test_two_scopes_are_equal_only_once_they_are_joined(cell: Cell) -> None:
    number, name = number_of(cell), cell.id.rsplit("-", 1)[1]
    separator = JOINING[name]
    outer, inner = ORDER[number - 1], ORDER[number]
    plan = built(cell)
    bound = bind(plan, Lease("k3f9", 3, Mint(b"s" * 32))).users
    places = [{"user": user.name, **(user.scope or {})} for user in bound]
    for (one, other), order in (((0, 1), (outer, inner)), ((2, 3), (inner, outer))):
        joined = [separator.join(str(places[user][axis]) for axis in order) for user in (one, other)]
        assert joined[0] == joined[1]
        assert places[one] != places[other]
        assert differing(plan, one, other) == {outer, inner}


@pytest.mark.parametrize("cell", ALL, ids=lambda c: c.id)
def test_a_check_of_an_axis_concerns_targets_with_so_many(cell: Cell) -> None:
    for most in range(MOST_AXES + 1):
        assert concerns(cell.needs, EVERY_AXIS[:most]) == (number_of(cell) <= most)


def test_every_axis_gets_the_same_questions() -> None:
    by_axis = [
        {cell.id.replace(f"axis-{number}-", "") for cell in ALL if number_of(cell) == number}
        for number in range(1, MOST_AXES + 1)
    ]
    assert all(one == other for one, other in itertools.pairwise(by_axis))
