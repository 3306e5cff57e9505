"""refuses-missing-user: a call without a user is refused or sees nothing at all."""

from __future__ import annotations

from isolation_tests.judges.finding import found
from isolation_tests.model import Event, History, Judgement, Law, Operation

_ECHOING = (Operation.ADD, Operation.UPDATE)


def judge(history: History) -> Judgement:
    """Each answer to a missing user (None, blank) that holds any memory, even one written the same way.

    A bucket for callers without a user is shared by everyone who forgets theirs; and a memory that this
    run did not write is somebody's all the same.
    """
    findings = [
        found(
            history,
            event,
            anomaly="S3",
            law=Law.REFUSES_MISSING_USER,
            owner=row.sightings[0].user if row.sightings else None,
            where=row.sightings[0].where if row.sightings else "text",
            story=f"{event.op} without a user was answered with stored facts instead of being refused",
        )
        for event in history.events
        if history.plan.users[event.user].missing and event.op not in _ECHOING
        for row in sorted(event.rows, key=lambda row: not row.sightings)[:1]
    ]
    return Judgement(findings=tuple(findings))


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
