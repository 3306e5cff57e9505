"""keeps-own-facts: what a user stored and did not delete is still there. The positive control lives here.

A fact that was never seen proves nothing about isolation, so it is a doubt; it becomes a finding only
where something else shows that the surface works: the user sees other facts of its own, or another user
of the same plan sees all of theirs (an over-fix that hides some users' data).
"""

from __future__ import annotations

from collections.abc import Iterator

from isolation_tests.judges import naming
from isolation_tests.judges.world import World, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Outcome, Step

_COMPLETE = (Operation.GET_ALL, Operation.EXPORT)


def judge(history: History) -> Judgement:
    """Own facts missing from a settled complete answer; failed positive controls."""
    findings: list[Finding] = []
    doubts: list[str] = []
    served = _served(history)
    for event, step, world in _settled(history):
        due = world.own(event.user)
        if not due or step.filters is not None:
            continue
        missing = due - {sighting.fact for sighting in event.seen()}
        if event.outcome is Outcome.OK and event.op in _COMPLETE and missing:
            _weigh(history, event, step, world, missing, served, findings, doubts)
        elif event.op is Operation.SEARCH and step.op is Operation.SETTLE and step.fact in missing:
            doubts.append(f"user {event.user} searched for the text of their own fact and did not find it")
        elif event.op in _COMPLETE and event.outcome is Outcome.REFUSED:
            doubts.append(f"user {event.user} could store a fact but {event.op} was refused")
    return Judgement(findings=tuple(findings), doubts=tuple(doubts))


def controls(history: History) -> int:
    """How many positive controls were met: settled answers in which the owner saw their own fact."""
    return sum(
        1
        for event, step, world in _settled(history)
        if step.op is Operation.SETTLE
        and world.own(event.user) & {sighting.fact for sighting in event.seen()}
    )


def _settled(history: History) -> Iterator[tuple[Event, Step, World]]:
    return ((event, step, world) for event, step, world in walk(history) if not event.poll)


def _served(history: History) -> set[tuple[Operation, int]]:
    """(surface, user) pairs at which some settled answer held everything that was due."""
    return {
        (event.op, event.user)
        for event, _, world in _settled(history)
        if event.outcome is Outcome.OK
        and world.own(event.user)
        and world.own(event.user) <= {sighting.fact for sighting in event.seen()}
    }


def _weigh(
    history: History,
    event: Event,
    step: Step,
    world: World,
    missing: set[int],
    served: set[tuple[Operation, int]],
    findings: list[Finding],
    doubts: list[str],
) -> None:
    reached = world.reached.get(event.user, set()) & missing
    others = any(op is event.op and user != event.user for op, user in served)
    if not reached and not others and missing == world.own(event.user):
        doubts.append(
            f"user {event.user} stored a fact and never saw it in {event.op}: "
            "either the adapter does not return what was stored, or the system is slower than its "
            "declared consistency_seconds"
        )
        return
    anomaly = (
        naming.of_loss(history, step, event.user, missing, world)
        if reached
        else _never_stored(history, step, missing)
    )
    what = "lost facts they had seen before" if reached else "does not see all of their own facts"
    findings.append(
        Finding(
            anomaly=anomaly,
            law=Law.KEEPS_OWN_FACTS,
            operation=_blamed(history, event),
            relation=history.plan.relation,
            viewer=event.user,
            owner=event.user,
            step=event.step,
            where=event.op.value,
            story=f"user {event.user} {what}: {len(missing)} of {len(world.own(event.user))} missing",
        )
    )


def _never_stored(history: History, step: Step, missing: set[int]) -> str:
    """A loss at writing: only what two writers share can be another user's doing."""
    if step.anomaly in ("M1", "O5", "O6"):
        return step.anomaly
    if all(len(history.plan.facts[fact].owners) > 1 for fact in missing):
        return "M1"
    keyed = {step.fact for step in history.plan.steps if step.key is not None}
    return "O6" if missing <= keyed else "completeness"


def _blamed(history: History, event: Event) -> Operation:
    """The last writing call of somebody else before the loss showed: that is the operation at fault."""
    removing = (Operation.DELETE_ALL, Operation.MAINTAIN, Operation.DELETE, Operation.UPDATE)
    blamed = event.op
    for earlier in history.events:
        if earlier is event:
            break
        if earlier.user != event.user and earlier.op in removing and earlier.outcome is Outcome.OK:
            blamed = earlier.op
    return blamed
