"""deleted-is-gone: what a user deleted is on no surface, and does not come back."""

from __future__ import annotations

from dataclasses import replace

from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import answered, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Step
from isolation_tests.model.world import World

_HUNTED = ("D3", "D4")
_EARLY = (
    "user {user} is still shown in {op} what they deleted, within the target's consistency_seconds: "
    "nothing waited for {op}"
)


def judge(history: History) -> Judgement:
    """Own facts that show in a settled answer after they were deleted.

    What may still show for a while is a doubt in a plan that asks for it, because nothing tells how it ends.
    """
    findings, early = [], []
    for event, step, world in walk(history):
        if event.poll or event.op is Operation.UPDATE:
            continue
        ghosts = _ghosts(event, step, world)
        if ghosts:
            findings.append(_finding(history, event, step, world, ghosts))
        elif history.plan.anomaly in _HUNTED and _may_go_yet(event, step, world):
            early.append(_EARLY.format(user=event.user, op=event.op))
    return Judgement(findings=tuple(findings), early=tuple(dict.fromkeys(early)))


def _may_go_yet(event: Event, step: Step, world: World) -> bool:
    """Whether a surface that nothing waits for still shows what was deleted, within the time that it may."""
    waited = event.op is Operation.GET_ALL or step.op is Operation.SETTLE
    return not waited and bool(world.recent) and bool(_ghosts(event, step, replace(world, recent=set())))


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
