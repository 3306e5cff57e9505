"""refuses-missing-user: a call without a user is refused or sees nothing at all."""

from __future__ import annotations

from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation
from isolation_tests.model.world import World

_ECHOING = (Operation.ADD, Operation.UPDATE)


def judge(history: History) -> Judgement:
    """Each answer to a missing user (None, blank) that holds any memory, even one written the same way.

    A bucket for callers without a user is shared by everyone who forgets theirs; and a memory that this
    run did not write is somebody's all the same. Blank text that leads to its own memories only is a hazard:
    nobody's data was seen by another.
    """
    findings: list[Finding] = []
    hazards: list[Finding] = []
    if not any(user.missing for user in history.plan.users):
        return Judgement()
    for event, _, world in walk(history):
        if history.plan.users[event.user].missing and event.op not in _ECHOING and event.rows:
            told = hazards if _is_own_place(history, event, world) else findings
            told.append(_finding(history, event))
    return Judgement(findings=tuple(findings), hazards=tuple(hazards))


def _is_own_place(history: History, event: Event, world: World) -> bool:
    """Whether a blank text was shown what was written under it, and nothing that others have now.

    Another check of the run may write under the same blank text at the same time.
    """
    sighted = all(row.sightings for row in event.rows)
    own = all(s.user in (None, event.user) for row in event.rows for s in row.sightings)
    others = any(world.own(user) for user in world.live if user != event.user)
    return history.plan.users[event.user].blank and sighted and own and others


def _finding(history: History, event: Event) -> Finding:
    row = min(event.rows, key=lambda row: not row.sightings)
    return found(
        history,
        event,
        anomaly="S3",
        law=Law.REFUSES_MISSING_USER,
        owner=row.sightings[0].user if row.sightings else None,
        where=row.sightings[0].where if row.sightings else "text",
        story=f"{event.op} without a user was answered with stored facts instead of being refused",
    )


def shows_a_stranger(history: History) -> Event | None:
    """The first answer with a memory in which no canary is, to a user for whom nothing was written before.

    A user who has written may get back what a system made of their own text. Nobody wrote anything for the
    others: what they see was there before the run, or belongs to somebody else.
    """
    written = set()
    for event in history.events:
        if event.op in _ECHOING:
            written.add(event.user)
        elif event.user not in written and any(not row.sightings for row in event.rows):
            return event
    return None
