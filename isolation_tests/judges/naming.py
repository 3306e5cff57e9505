"""What a broken law is called: the plan's own word for the step, else the mechanism that explains it."""

from __future__ import annotations

from isolation_tests import names
from isolation_tests.judges.world import World
from isolation_tests.model import History, Operation, Sighting, Step

_CROSS_READ = {
    Operation.GET: "O1",
    Operation.UPDATE: "O2",
    Operation.DELETE: "O3",
    Operation.HISTORY: "O4",
}
_LOSSES = frozenset({"D1", "D2", "D3", "D4", "completeness"})
_SIGHTS = frozenset({"S1", "S2", "S5", "O1", "O4", "O7", "X1"})
"""A plan's word for what may be lost at a step says nothing of what is seen there, nor the reverse."""


def of_cross_read(history: History, step: Step, viewer: int, sighting: Sighting, *, beside: bool) -> str:
    """The anomaly that a foreign canary in this answer stands for.

    beside: it was in another field of a row whose text is the viewer's own.
    """
    if sighting.where.startswith("error"):
        return "X3"
    if beside and step.anomaly in (None, "S1"):
        return "S2"
    if step.anomaly is not None and step.anomaly not in _LOSSES:
        return step.anomaly
    if step.op is Operation.PAGE and step.cursor is not None:
        return "O7"
    if step.op in _CROSS_READ:
        return _CROSS_READ[step.op]
    if sighting.user is not None and _was_planted(history, sighting.fact):
        return "O2"
    if history.plan.users[viewer].missing:
        return "S3"
    return related(history, viewer, sighting.user) or names.hostile_kind(history.plan.users[viewer]) or "S1"


def of_loss(history: History, step: Step, loser: int, missing: set[int], world: World) -> str:
    """The anomaly behind facts that their owner saw and no longer sees: whose call may have taken them."""
    if step.anomaly is not None and step.anomaly not in _SIGHTS:
        return step.anomaly
    taken = by_id(loser, missing, world)
    if taken is not None:
        return taken
    for actor, op, _ in world.suspects(loser, missing):
        if op is Operation.DELETE_ALL:
            missing_user = history.plan.users[actor].missing
            kind = related(history, actor, loser) or names.hostile_kind(history.plan.users[actor])
            return "S3" if missing_user else kind or "D1"
        if op is Operation.MAINTAIN:
            return "D2"
        if op is Operation.ADD:
            return "O6"
    return "completeness"


def by_id(loser: int, missing: set[int], world: World) -> str | None:
    """The anomaly where somebody else's call addressed one of the missing facts by its id."""
    addressed = [
        op
        for _, op, fact in world.suspects(loser, missing)
        if fact in missing and op in (Operation.UPDATE, Operation.DELETE)
    ]
    if not addressed:
        return None
    return "O3" if addressed[0] is Operation.DELETE else "O2"


def related(history: History, one: int, other: int | None) -> str | None:
    """The anomaly that would explain taking these two users for one; None where their names are unrelated."""
    if other is None or history.plan.users[one].group != history.plan.users[other].group:
        return None
    if history.plan.relation is not None:
        return history.plan.anomaly
    return names.classify(history.users[one].name, history.users[other].name)


def _was_planted(history: History, fact: int) -> bool:
    """Whether the fact was written over somebody else's memory."""
    facts = history.plan.facts
    return any(
        step.op is Operation.UPDATE
        and step.fact == fact
        and step.replaces is not None
        and step.user not in facts[step.replaces].owners
        for step in history.plan.steps
    )
