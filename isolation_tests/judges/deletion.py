"""deleted-is-gone: what a user deleted is on no surface, and does not come back."""

from __future__ import annotations

from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import answered, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Step
from isolation_tests.model.world import World


def judge(history: History) -> Judgement:
    """Own facts that show in a settled answer after they were deleted."""
    findings = []
    for event, step, world in walk(history):
        if event.poll or event.op is Operation.UPDATE:
            continue
        ghosts = _ghosts(event, step, world)
        if ghosts:
            findings.append(_finding(history, event, step, world, ghosts))
    return Judgement(findings=tuple(findings))


def _ghosts(event: Event, step: Step, world: World) -> set[int]:
    """Facts that should be gone and show: deleted ones anywhere, replaced ones as the text of a memory.

    An earlier version beside the new text, or in the memory's history, is what some systems keep on purpose.
    """
    lost, deleted = world.lost(event.user), world.deleted.get(event.user, set())
    # One canary stands in the equal texts of two users: what shows may be the other one's memory.
    lost = lost - {fact for user, live in world.live.items() if user != event.user for fact in live}
    seen = [sighting for sighting in answered(event, step) if sighting.user is not None]
    ghosts = {s.fact for s in seen if s.fact in lost & deleted}
    if event.op is not Operation.HISTORY:
        ghosts |= {s.fact for s in seen if s.fact in lost and s.where == "text"}
    return ghosts - {step.fact} if event.op is Operation.ADD else ghosts


def _finding(history: History, event: Event, step: Step, world: World, ghosts: set[int]) -> Finding:
    returned = ghosts & world.cleared.get(event.user, set())
    listed = event.op is Operation.GET_ALL
    reopened = any(other.op is Operation.REOPEN for other in history.events[: history.events.index(event)])
    anomaly = step.anomaly or ("D3" if listed and not returned and not reopened else "D4")
    came = "came back" if returned else "are still there"
    return found(
        history,
        event,
        anomaly=anomaly,
        law=Law.DELETED_IS_GONE,
        owner=event.user,
        story=f"{len(ghosts)} facts that user {event.user} deleted {came} in {event.op}",
    )
