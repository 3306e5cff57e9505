"""deleted-is-gone: what a user deleted is on no surface, and does not come back."""

from __future__ import annotations

from isolation_tests.judges.world import World, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Step


def judge(history: History) -> Judgement:
    """Own facts that show in a settled answer after they were deleted."""
    findings = []
    for event, step, world in walk(history):
        due_gone = world.lost(event.user)
        if event.op is Operation.HISTORY:
            due_gone = due_gone & world.deleted
        if event.op is Operation.ADD:
            due_gone = due_gone - {step.fact}
        ghosts = due_gone & {sighting.fact for sighting in event.seen() if sighting.user is not None}
        if ghosts and not event.poll and event.op is not Operation.UPDATE:
            findings.append(_finding(history, event, step, world, ghosts))
    return Judgement(findings=tuple(findings))


def _finding(history: History, event: Event, step: Step, world: World, ghosts: set[int]) -> Finding:
    returned = ghosts & world.cleared.get(event.user, set())
    listed = event.op is Operation.GET_ALL
    anomaly = step.anomaly or ("D3" if listed and not returned else "D4")
    came = "came back" if returned else "still there"
    return Finding(
        anomaly=anomaly,
        law=Law.DELETED_IS_GONE,
        operation=event.op,
        relation=history.plan.relation,
        viewer=event.user,
        owner=event.user,
        step=event.step,
        where=event.op.value,
        story=f"{len(ghosts)} facts that user {event.user} deleted are {came} in {event.op}",
    )
