"""no-cross-read: an answer never carries a canary of somebody else, in any field or error text."""

from __future__ import annotations

from collections.abc import Iterator

from isolation_tests.judges import naming
from isolation_tests.judges.world import answered
from isolation_tests.model import Event, Finding, History, Judgement, Law, Sighting


def judge(history: History) -> Judgement:
    """Each foreign canary in an answer, polls included: one sighting is a violation.

    An error text that repeats the caller's own query tells the caller nothing.
    """
    findings = [
        _finding(history, event, sighting, beside=beside)
        for event in history.events
        for sighting, beside in _sightings(history, event)
        if is_foreign(history, event, sighting)
    ]
    return Judgement(findings=tuple(findings))


def is_foreign(history: History, event: Event, sighting: Sighting) -> bool:
    """Whether the acting user has no right to this canary."""
    if sighting.user is None:
        # Other checks of this run use the same literal name and are then the same user.
        return not history.plan.users[event.user].literal
    return event.user not in history.plan.facts[sighting.fact].owners


def _sightings(history: History, event: Event) -> Iterator[tuple[Sighting, bool]]:
    """Each canary of an answer, and whether it stands beside a text of the viewer's own."""
    step = history.plan.steps[event.step]
    told = answered(event, step)
    for sighting in event.sightings:
        if sighting in told:
            yield sighting, False
    for row in event.rows:
        own = any(s.where == "text" and not is_foreign(history, event, s) for s in row.sightings)
        for sighting in row.sightings:
            yield sighting, own


def _finding(history: History, event: Event, sighting: Sighting, *, beside: bool) -> Finding:
    step = history.plan.steps[event.step]
    leak = "an error message" if sighting.where.startswith("error") else f"the field {sighting.where}"
    owner = "another check of this run" if sighting.user is None else f"user {sighting.user}"
    return Finding(
        anomaly=naming.of_cross_read(history, step, event.user, sighting, beside=beside),
        law=Law.NO_CROSS_READ,
        operation=event.op,
        relation=history.plan.relation,
        viewer=event.user,
        owner=sighting.user,
        step=event.step,
        where=sighting.where,
        story=f"user {event.user} called {event.op} and got a fact of {owner} in {leak}",
    )
