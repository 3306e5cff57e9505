"""owner-stays: metadata never makes somebody else the owner of a memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isolation_tests.judges.finding import found
from isolation_tests.model import History, Judgement, Law, Operation, reference


def judge(history: History) -> Judgement:
    """Each fact that its writer's metadata addressed to another user and that this user then sees."""
    addressed = {
        (step.fact, named)
        for step in history.plan.steps
        if step.op in (Operation.ADD, Operation.UPDATE) and step.fact is not None
        for named in _named(step.metadata)
    }
    findings = [
        found(
            history,
            event,
            anomaly="O5",
            law=Law.OWNER_STAYS,
            owner=sighting.user,
            where=sighting.where,
            story=f"metadata of user {sighting.user} put a memory among those of user {event.user}",
        )
        for event in history.events
        for sighting in event.seen()
        if (sighting.fact, event.user) in addressed and sighting.user not in (None, event.user)
    ]
    return Judgement(findings=tuple(findings))


def _named(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _named(inner)
    elif (named := reference(value)) is not None and named[0] == "@":
        yield named[1]
