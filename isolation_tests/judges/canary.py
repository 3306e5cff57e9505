"""no-cross-read: an answer never carries a canary of somebody else, in any field or error text."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from isolation_tests.judges.explaining import naming
from isolation_tests.judges.explaining.naming import Sight
from isolation_tests.judges.finding import found
from isolation_tests.judges.repeated import cached_for_another
from isolation_tests.judges.walk import answered, walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Sighting, Step, owns
from isolation_tests.model.world import World


def judge(history: History) -> Judgement:
    """Each kind of foreign canary in an answer, polls included: one sighting is a violation.

    An error text that repeats the caller's own query tells the caller nothing.
    """
    findings: dict[tuple[object, ...], Finding] = {}
    shown = functools.cache(lambda: _shown(history))
    context = functools.cache(lambda: naming.Context.of(history))
    for event, step, world in walk(history):
        sights = [s for s in _sights(history, event, step) if is_foreign(history, event, s.sighting)]
        cached = cached_for_another(history, event, world) if sights else None
        outlived = bool(sights) and _outlived(history, event, world, shown)
        for sight in sights:
            one = _finding(history, replace(sight, cached=cached, outlived=outlived), context())
            findings.setdefault((one.key, one.viewer, one.step, one.left_behind), one)
    return Judgement(findings=tuple(findings.values()))


def _shown(history: History) -> bool:
    """Whether anybody was shown what an unrelated user of the plan had at that time."""
    return any(
        is_foreign(history, event, sighting) and _has(history, event, world, sighting)
        for event, _, world in walk(history)
        for sighting in event.seen()
    )


def _has(history: History, event: Event, world: World, sighting: Sighting) -> bool:
    """Whether an unrelated owner of a sighted fact still has it."""
    if sighting.user is None or sighting.fact in world.lost(sighting.user):
        return False
    users = history.plan.users
    return users[sighting.user].group != users[event.user].group


def _outlived(history: History, event: Event, world: World, shown: Callable[[], bool]) -> bool:
    """Whether all that is foreign in an answer was deleted before, while others' facts of now are hidden.

    Every check deletes what it wrote. So what an earlier one wrote and a new user is shown at their first
    look outlived its owner, if they are shown nothing of those who are there with them.
    """
    foreign = [s for s in event.seen() if is_foreign(history, event, s)]
    if any(s.user is None for s in foreign) and _looked_before(history, event):
        return False
    gone = all(s.user is None or s.fact in world.lost(s.user) for s in foreign)
    users = history.plan.users
    others = (other for other in world.live if users[other].group != users[event.user].group)
    return gone and not shown() and any(world.own(other) for other in others)


def is_foreign(history: History, event: Event, sighting: Sighting) -> bool:
    """Whether the acting user has no right to this canary."""
    if sighting.user is None:
        # Other checks of this run use the same literal name and are then the same user.
        return not history.plan.users[event.user].literal
    return not owns(history.plan, event.user, sighting.fact)


def _looked_before(history: History, event: Event) -> bool:
    """Whether the user was answered by this operation before, with nothing that is foreign."""
    answers = (other for other in history.events if (other.op, other.user) == (event.op, event.user))
    earlier = itertools.takewhile(lambda other: other is not event, answers)
    return any(not any(is_foreign(history, other, s) for s in other.seen()) for other in earlier)


def _sights(history: History, event: Event, step: Step) -> Iterator[Sight]:
    """Each canary of an answer, and whether it stands beside or within a text of the viewer's own.

    Nobody can tell whose a text without a canary is; what stands beside it was not asked for.
    """
    told = answered(event, step)
    for sighting in event.sightings:
        if sighting in told:
            yield Sight(event, sighting)
    for row in event.rows:
        written = [is_foreign(history, event, s) for s in row.sightings if s.where == "text"]
        own = not written or not all(written)
        for sighting in row.sightings:
            yield Sight(event, sighting, beside=own, mixed=own and any(written))


def _finding(history: History, sight: Sight, context: naming.Context) -> Finding:
    event, sighting = sight.event, sight.sighting
    leak = "an error message" if sighting.where.startswith("error") else f"the field {sighting.where}"
    owner = "another check of this run" if sighting.user is None else f"user {sighting.user}"
    finding = found(
        history,
        event,
        anomaly=naming.of_cross_read(history, sight, context),
        law=Law.NO_CROSS_READ,
        owner=sighting.user,
        where=sighting.where,
        story=f"user {event.user} called {event.op} and got a fact of {owner} in {leak}",
    )
    # The names of another check's users are no part of this plan, so its relation explains nothing.
    return finding if sighting.user is not None else finding.model_copy(update={"relation": None})
