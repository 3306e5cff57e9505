"""counts-own: a total counts the user's own memories and nobody else's."""

from __future__ import annotations

from isolation_tests.core.plural import counted
from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import beside_own_write, is_ripe, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Step, UserIndex, linked
from isolation_tests.model.world import World

_EARLY = (
    "user {user} gets a larger total than their list shows, within the target's consistency_seconds: "
    "nothing waited for the list"
)


def judge(history: History) -> Judgement:
    """Each total that is larger than what the user stored and than what the user's own list holds.

    A system may make several memories of one text, so without a list since the last write, or during one,
    nothing is said. Nor is it where the list may have come too early for all of them; that is a doubt in a
    plan about totals. What a text without a canary became is counted too, and so is what was deleted so
    recently that it may still show.
    A surplus no larger than what the user deleted is more likely their own ghosts than strangers' facts,
    unless it is just what all others have, and not just what the user deleted.
    """
    findings: list[Finding] = []
    early: dict[str, None] = {}
    ripe: dict[UserIndex, bool] = {}
    for event, step, world in walk(history):
        if event.op is Operation.GET_ALL:
            ripe[event.user] = is_ripe(history, event)
        if _may_judge(history, event, world) and (event.number or 0) > _most(history, event, world):
            if ripe.get(event.user):
                findings.append(_finding(history, event, step, world))
            elif history.plan.anomaly == "X1":
                early[_EARLY.format(user=event.user)] = None
    return Judgement(findings=tuple(findings), early=tuple(early))


def _may_judge(history: History, event: Event, world: World) -> bool:
    """Only settled totals after a list, by users of this check alone whose every write is known."""
    return (
        event.op is Operation.COUNT
        and not event.poll
        and not history.plan.users[event.user].literal
        and event.user not in linked(history.plan)
        and not world.doubtful.get(event.user)
        and event.user in world.listed
        and not beside_own_write(history, event)
    )


def _most(history: History, event: Event, world: World) -> int:
    """The largest total that the user's own memories explain."""
    return max(_memories(history, event, world), world.listed.get(event.user, 0))


def _memories(history: History, event: Event, world: World) -> int:
    return world.most(event.user, event.started - history.consistency)


def _finding(history: History, event: Event, step: Step, world: World) -> Finding:
    own, lost = _memories(history, event, world), len(world.lost(event.user))
    others = sum(len(world.own(user)) for user in world.live if user != event.user)
    surplus, stored = (event.number or 0) - own, counted(own, "memory", "memories")
    ghosts = surplus == lost or (surplus < lost and surplus != others)
    return found(
        history,
        event,
        anomaly=step.anomaly or ("D4" if ghosts else "X1"),
        law=Law.COUNTS_OWN,
        owner=None,
        where="count",
        story=f"user {event.user} has {stored} and {event.op} says {event.number}",
    )
