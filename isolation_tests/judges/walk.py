"""Walks a history with the world as it should be, and with what overlapping and recent writes leave open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from isolation_tests.model import (
    DESTRUCTIVE,
    WRITING,
    Actor,
    Event,
    History,
    Operation,
    Outcome,
    Plan,
    Sighting,
    Step,
    linked,
    owns,
    reached,
)
from isolation_tests.model.world import World


def answered(event: Event, step: Step) -> tuple[Sighting, ...]:
    """The canaries that an answer gave away: not those that an error text merely repeats from the call."""
    if event.op is not Operation.SEARCH or step.query is not None:
        return event.seen()
    return tuple(s for s in event.seen() if not (s.where.startswith("error") and s.fact == step.fact))


def walk(history: History) -> Iterator[tuple[Event, Step, World]]:
    """Each event with its step and the world as it should be when the answer came."""
    world = World(within=reached(history.plan))
    memories, near_to = _memories(history.plan), linked(history.plan)
    writes: dict[Actor, list[tuple[Event, set[int]]]] = {}
    for event in history.events:
        if event.op in WRITING:
            writes.setdefault(event.user, []).append((event, _touched(history, event, memories)))
    for event in history.events:
        step = history.plan.steps[event.step]
        writers = near_to.get(event.user, (event.user,))
        near = [each for user in writers for each in writes.get(Actor(user), ()) if each[0] is not event]
        beside = [facts for write, facts in near if overlap(write, event)]
        racing = world.racing = set().union(*beside)
        world.recent = _recent(world, event, step, near, history.consistency)
        yield event, step, world
        world.apply(event, step)
        if beside and event.op in WRITING:
            touched = _touched(history, event, memories)
            world.doubtful.setdefault(event.user, set()).update(racing & touched)


def beside_own_write(history: History, event: Event) -> bool:
    """Whether the user had another call under way that writes, so that its effect may show already or not."""
    return any(
        other.user == event.user and other.op in WRITING and other is not event and overlap(other, event)
        for other in history.events
    )


def _recent(
    world: World, event: Event, step: Step, writes: list[tuple[Event, set[int]]], consistency: float
) -> set[int]:
    """The facts whose write need not be seen yet.

    A settled list was waited for, so its time is up, and so it is in a settled search for what that waited
    for. Each surface has a time of its own: what a list once showed, or showed and then no longer, is due in
    lists only, unless it was stored more than once or is in several memories.
    """
    recent = {
        fact
        for write, facts in writes
        if write.ended <= event.started < write.ended + consistency
        for fact in facts
    }
    live = world.live.get(event.user, set())
    if step.op is Operation.SETTLE:
        waited = {step.fact} | (world.gone.get(event.user, set()) - live)
        return set() if event.op is Operation.GET_ALL else recent - waited
    if event.op is not Operation.GET_ALL:
        return recent
    known = world.reached.get(event.user, set()) & (live | world.vanished.get(event.user, set()))
    several = world.again.get(event.user, set()) | world.copies.get(event.user, set())
    return recent - (known - several)


def is_ripe(history: History, event: Event, *, wordless: bool = False) -> bool:
    """Whether all that the user wrote before an answer had to be seen in it.

    wordless: only what has no canary is asked about, of which nobody can tell whether it is seen.
    """
    return not any(
        other.user == event.user
        and other.op in WRITING
        and other.outcome is not Outcome.REFUSED
        and other.started < event.ended
        and event.started < other.ended + history.consistency
        and not (wordless and history.plan.steps[other.step].text is None)
        for other in history.events
    )


def overlap(one: Event, other: Event) -> bool:
    """Whether two calls were under way at the same time."""
    return one.started < other.ended and other.started < one.ended


def _touched(history: History, event: Event, memories: Mapping[int, set[int]]) -> set[int]:
    """The facts that a write may add, change or remove: all that may be in the memory that it addresses."""
    step = history.plan.steps[event.step]
    if event.op in DESTRUCTIVE:
        return {n for n in range(len(history.plan.facts)) if owns(history.plan, event.user, n)}
    facts = (fact for fact in (step.fact, step.replaces) if fact is not None)
    return {other for fact in facts for other in memories[fact]}


def _memories(plan: Plan) -> dict[int, set[int]]:
    """For each fact, the facts that are in one memory with it at some time: by updates, or by one key."""
    memories = {fact: {fact} for fact in range(len(plan.facts))}
    keyed: dict[tuple[Actor, str], int] = {}
    for step in plan.steps:
        if step.fact is None:
            continue
        joined = step.replaces
        if step.op is Operation.ADD and step.key is not None:
            joined = keyed.setdefault((step.user, step.key), step.fact)
        if joined is not None and memories[joined] is not memories[step.fact]:
            memories[joined] |= memories[step.fact]
            memories |= dict.fromkeys(memories[joined], memories[joined])
    return memories
