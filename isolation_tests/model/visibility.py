"""The rule of visibility: whose memories a user's calls may see, change, delete and count.

A system may separate by more than the user: by tenant, agent or session. A *scope* is a user with a value, or
none, for each of these axes. In one axis, two scopes meet in one of five ways, and what the axis declares of
an omitted value says in which of them the viewer's calls reach what was stored in the owner's scope. They
reach it if every axis agrees. With the user as the only axis, all reach their own memories and no others.
"""

from __future__ import annotations

from enum import StrEnum

from isolation_tests.model.plan import NameSpec, Omitted, Plan, UserIndex


class Meeting(StrEnum):
    """How a viewer's scope meets an owner's in one axis."""

    SAME = "one value"
    DIFFERENT = "two values"
    BOTH_OMIT = "both omit it"
    VIEWER_OMITS = "only the viewer omits it"
    OWNER_OMITS = "only the owner omits it"


AGREES: dict[Omitted, frozenset[Meeting]] = {
    Omitted.REFUSED: frozenset({Meeting.SAME}),
    Omitted.NONE: frozenset({Meeting.SAME, Meeting.BOTH_OMIT}),
    Omitted.ALL: frozenset({Meeting.SAME, Meeting.BOTH_OMIT, Meeting.VIEWER_OMITS}),
}
"""The rule: for what an axis declares of an omitted value, the meetings in which viewers reach owners."""


def may_see(plan: Plan, viewer: UserIndex, owner: UserIndex) -> bool:
    """Whether the viewer's calls may reach what the owner stored.

    One user of a plan always reaches what that same user stored: a system that takes a call which it declares
    to refuse shows nothing of anybody else's.
    """
    if viewer == owner or not plan.axes:
        return viewer == owner
    one, other = plan.users[viewer], plan.users[owner]
    if _name(one) != _name(other):
        return False
    mine, theirs = one.scope, other.scope
    if mine is None or theirs is None:
        return mine is theirs
    return all(
        _meeting(mine[axis.name], theirs[axis.name]) in AGREES[axis.omitted]
        for axis in plan.axes
        if axis.name in mine
    )


def owns(plan: Plan, user: UserIndex, fact: int) -> bool:
    """Whether a fact is the user's own: whether the user may see it."""
    return any(may_see(plan, user, owner) for owner in plan.facts[fact].owners)


def reached(plan: Plan) -> dict[UserIndex, tuple[UserIndex, ...]]:
    """The users who reach more than their own: for each, all whose memories they reach, first themselves."""
    users = [UserIndex(index) for index in range(len(plan.users) if plan.axes else 0)]
    found = {
        user: (user, *(other for other in users if other != user and may_see(plan, user, other)))
        for user in users
    }
    return {user: others for user, others in found.items() if len(others) > 1}


def linked(plan: Plan) -> dict[UserIndex, frozenset[UserIndex]]:
    """The users whose memories others reach or who reach others', each with all these users and themselves.

    What such a user is shown depends on what the others write, because the target declares it so.
    """
    pairs = [(one, other) for one, others in reached(plan).items() for other in others]
    both = [*pairs, *((other, one) for one, other in pairs)]
    return {user: frozenset({user, *(other for one, other in both if one == user)}) for user, _ in both}


def _meeting(mine: NameSpec | None, theirs: NameSpec | None) -> Meeting:
    if mine is None:
        return Meeting.BOTH_OMIT if theirs is None else Meeting.VIEWER_OMITS
    if theirs is None:
        return Meeting.OWNER_OMITS
    return Meeting.SAME if _name(mine) == _name(theirs) else Meeting.DIFFERENT


def _name(spec: NameSpec) -> tuple[str, int, str]:
    return spec.template, spec.group, spec.type
