"""counts-own: a total counts the user's own memories and nobody else's."""

from __future__ import annotations

from isolation_tests.core.plural import counted
from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import beside_own_write, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Step, linked
from isolation_tests.model.world import World


def judge(history: History) -> Judgement:
    """Each total that is larger than what the user stored and than what the user's own list holds.

    A system may make several memories of one text, so without a list since the last write, or during one,
    nothing is said; nor where a list may have come too early for the second memory of a fact.
    A surplus no larger than what the user deleted is more likely their own ghosts than strangers' facts,
    unless it is just what all others have, and not just what the user deleted.
    """
    findings = [
        _finding(history, event, step, world)
        for event, step, world in walk(history)
        if event.op is Operation.COUNT
        and event.number is not None
        and not event.poll
        and not history.plan.users[event.user].literal
        and event.user not in linked(history.plan)
        and not world.doubtful.get(event.user)
        and event.user in world.listed
        and event.number > max(_memories(event, world), world.listed[event.user])
        and not beside_own_write(history, event)
        and not (history.consistency and world.copies.get(event.user))
    ]
    return Judgement(findings=tuple(findings))


def _finding(history: History, event: Event, step: Step, world: World) -> Finding:
    own, lost = _memories(event, world), len(world.lost(event.user))
    others = sum(len(world.own(user)) for user in world.live if user != event.user)
    surplus = (event.number or 0) - own
    ghosts = surplus == lost or (surplus < lost and surplus != others)
    return found(
        history,
        event,
        anomaly=step.anomaly or ("D4" if ghosts else "X1"),
        law=Law.COUNTS_OWN,
        owner=None,
        where="count",
        story=f"user {event.user} has {counted(own, 'fact')} and {event.op} says {event.number}",
    )


def _memories(event: Event, world: World) -> int:
    """How many memories the user has stored: one for each fact, and more where one was stored many times."""
    return len(world.may_own(event.user)) + world.more.get(event.user, 0)
