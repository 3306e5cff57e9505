"""The rule of visibility: who may reach whose memories, and that one axis is the special case."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from isolation_tests.adapter import OMITTED
from isolation_tests.model import (
    Axis,
    FactSpec,
    NameSpec,
    Omitted,
    Plan,
    UserIndex,
    UserSpec,
    linked,
    may_see,
    owns,
    reached,
)

ORDER = ("tenant", "user", "session")
VALUES = (None, NameSpec(group=1), NameSpec(group=2), NameSpec(template="{base}-x", group=1))


def plan(users: list[UserSpec], tenant: Omitted, session: Omitted) -> Plan:
    meant = {"tenant": tenant, "user": Omitted.REFUSED, "session": session}
    return Plan(
        name="in-test",
        anomaly="S7",
        users=tuple(users),
        facts=tuple(FactSpec(text="{canary}", owners=(n,)) for n in range(len(users))),
        steps=(),
        axes=tuple(Axis(name=name, omitted=meant[name]) for name in ORDER),
    )


EVERYBODY = [
    UserSpec(group=group, scope={"tenant": tenant, "session": session})
    for group, tenant, session in itertools.product((0, 1), VALUES, VALUES)
]


def agree(declared: Omitted, mine: NameSpec | None, theirs: NameSpec | None) -> bool:
    """In other words than the rule's own: what the contract says of an omitted value."""
    if mine is not None:
        return mine == theirs
    return {"refused": False, "none": theirs is None, "all": True}[declared]


@pytest.mark.parametrize(("tenant", "session"), [*itertools.product(Omitted, Omitted)])
def test_scopes_reach_each_other_as_each_axis_says(tenant: Omitted, session: Omitted) -> None:
    asked = plan(EVERYBODY, tenant, session)
    for (one, mine), (other, theirs) in itertools.product(enumerate(EVERYBODY), repeat=2):
        assert mine.scope is not None
        assert theirs.scope is not None
        due = (
            mine.group == theirs.group
            and agree(tenant, mine.scope["tenant"], theirs.scope["tenant"])
            and agree(session, mine.scope["session"], theirs.scope["session"])
        )
        assert may_see(asked, UserIndex(one), UserIndex(other)) == (due or one == other), (mine, theirs)
        assert owns(asked, UserIndex(one), other) == (due or one == other)


@given(st.lists(st.sampled_from(EVERYBODY), min_size=1, max_size=6), *[st.sampled_from(Omitted)] * 2)
def test_links_go_both_ways_and_only_where_somebody_reaches_more(
    users: list[UserSpec], tenant: Omitted, session: Omitted
) -> None:
    asked = plan(users, tenant, session)
    found = linked(asked)
    for one, others in found.items():
        assert one in others
        assert len(others) > 1
        assert all(one in found[other] for other in others)
        assert all(may_see(asked, one, other) or may_see(asked, other, one) for other in others)
    for one, reachable in reached(asked).items():
        assert reachable[0] == one
        assert {*reachable} <= found[one]


def test_with_one_axis_everybody_reaches_their_own_alone() -> None:
    users = (UserSpec(), UserSpec(), UserSpec(group=1))
    facts = tuple(FactSpec(text="{canary}", owners=owners) for owners in ((0,), (0, 1), (2,)))
    one_axis = Plan(name="in-test", anomaly="S1", users=users, facts=facts, steps=())

    assert not reached(one_axis)
    assert not linked(one_axis)
    seen = {(user, fact) for user in range(3) for fact in range(3) if owns(one_axis, UserIndex(user), fact)}
    assert seen == {(0, 0), (0, 1), (1, 1), (2, 2)}


def test_the_contract_and_the_rule_know_the_same_words() -> None:
    assert [word.value for word in Omitted] == [*OMITTED]


@pytest.mark.parametrize(
    "scope", [{}, {"tenant": None}, {"tenant": None, "session": None, "agent": None}, {"user": None}]
)
def test_a_scope_has_each_axis_of_its_plan_and_no_other(scope: dict[str, None]) -> None:
    with pytest.raises(ValidationError, match="each of the plan's axes but the user, and no other"):
        plan([UserSpec(scope=scope)], Omitted.NONE, Omitted.NONE)


def test_a_comparison_has_no_axes() -> None:
    asked = plan(EVERYBODY[:1], Omitted.NONE, Omitted.NONE).model_dump() | {"viewer": 0}
    with pytest.raises(ValidationError, match="compares a view has no axes"):
        Plan.model_validate(asked)
