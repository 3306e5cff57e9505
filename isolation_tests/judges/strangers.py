"""Whether a history shows data of somebody whom the run did not make."""

from __future__ import annotations

from isolation_tests.model import Event, History, Operation

_WRITTEN = (Operation.ADD, Operation.UPDATE)


def shows_a_stranger(history: History) -> Event | None:
    """The first answer with a memory in which no canary is, to a user for whom nothing was written before.

    A user who has written may get back what a system made of their own text. Nobody wrote anything for the
    others: what they see was there before the run, or belongs to somebody else.
    """
    written = set()
    for event in history.events:
        if event.op in _WRITTEN:
            written.add(event.user)
        elif event.user not in written and any(not row.sightings for row in event.rows):
            return event
    return None
