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


def of_cross_read(history: History, step: Step, viewer: int, sighting: Sighting) -> str:
    """The anomaly that a foreign canary in this answer stands for."""
    if sighting.where.startswith("error"):
        return "X3"
    if step.anomaly is not None:
        return step.anomaly
    if step.op is Operation.PAGE and step.cursor is not None:
        return "O7"
    if step.op in _CROSS_READ:
        return _CROSS_READ[step.op]
    if sighting.user is not None and _was_planted(history, sighting.fact):
        return "O2"
    if history.plan.users[viewer].missing:
        return "S3"
    return related(history, viewer, sighting.user) or "S1"


def of_loss(history: History, step: Step, loser: int, missing: set[int], world: World) -> str:
    """The anomaly behind facts that their owner saw and no longer sees: whose call may have taken them."""
    if step.anomaly is not None:
        return step.anomaly
    for actor, op, fact in reversed(world.removers):
        if actor == loser:
            continue
        if op is Operation.DELETE_ALL:
            missing_user = history.plan.users[actor].missing
            return "S3" if missing_user else related(history, actor, loser) or "D1"
        if op is Operation.MAINTAIN:
            return "D2"
        if op is Operation.ADD:
            return "O6"
        if fact in missing:
            return "O3" if op is Operation.DELETE else "O2"
    return "completeness"


def related(history: History, one: int, other: int | None) -> str | None:
    """The anomaly that would explain taking these two users for one; None where their names are unrelated."""
    if other is None or history.plan.users[one].group != history.plan.users[other].group:
        return None
    if history.plan.relation is not None:
        return history.plan.anomaly
    return names.classify(history.users[one].name, history.users[other].name)


def _was_planted(history: History, fact: int) -> bool:
    steps = (step for step in history.plan.steps if step.fact == fact)
    return any(step.op is Operation.UPDATE and step.replaces is not None for step in steps)
