"""no-cross-read: an answer never carries a canary of somebody else, in any field or error text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from isolation_tests.judges import naming
from isolation_tests.judges.finding import found
from isolation_tests.judges.naming import Sight
from isolation_tests.judges.repeated import cached_for_another
from isolation_tests.judges.walk import answered, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Sighting, Step


def judge(history: History) -> Judgement:
    """Each foreign canary in an answer, polls included: one sighting is a violation.

    An error text that repeats the caller's own query tells the caller nothing.
    """
    findings: list[Finding] = []
    for event, step, world in walk(history):
        sights = [s for s in _sights(history, event, step) if is_foreign(history, event, s.sighting)]
        cached = cached_for_another(history, event, world) if sights else None
        deleted = {fact for facts in world.deleted.values() for fact in facts}
        findings += [
            _finding(history, replace(sight, cached=cached, deleted=sight.sighting.fact in deleted))
            for sight in sights
        ]
    return Judgement(findings=tuple(findings))


def is_foreign(history: History, event: Event, sighting: Sighting) -> bool:
    """Whether the acting user has no right to this canary."""
    if sighting.user is None:
        # Other checks of this run use the same literal name and are then the same user.
        return not history.plan.users[event.user].literal
    return event.user not in history.plan.facts[sighting.fact].owners


def _sights(history: History, event: Event, step: Step) -> Iterator[Sight]:
    """Each canary of an answer, and whether it stands beside or within a text of the viewer's own."""
    told = answered(event, step)
    for sighting in event.sightings:
        if sighting in told:
            yield Sight(event, sighting)
    for row in event.rows:
        written = [is_foreign(history, event, s) for s in row.sightings if s.where == "text"]
        own = not all(written)
        for sighting in row.sightings:
            yield Sight(event, sighting, beside=own, mixed=own and any(written))


def _finding(history: History, sight: Sight) -> Finding:
    event, sighting = sight.event, sight.sighting
    leak = "an error message" if sighting.where.startswith("error") else f"the field {sighting.where}"
    owner = "another check of this run" if sighting.user is None else f"user {sighting.user}"
    return found(
        history,
        event,
        anomaly=naming.of_cross_read(history, sight),
        law=Law.NO_CROSS_READ,
        owner=sighting.user,
        where=sighting.where,
        story=f"user {event.user} called {event.op} and got a fact of {owner} in {leak}",
    )
