"""Walks a history with the world as it should be, and with what overlapping and recent writes leave open."""

from __future__ import annotations

from collections.abc import Iterator

from isolation_tests.model import DESTRUCTIVE, WRITING, Event, History, Operation, Sighting, Step
from isolation_tests.model.world import World


def answered(event: Event, step: Step) -> tuple[Sighting, ...]:
    """The canaries that an answer gave away: not those that an error text merely repeats from the call."""
    if event.op is not Operation.SEARCH or step.query is not None:
        return event.seen()
    return tuple(s for s in event.seen() if not (s.where.startswith("error") and s.fact == step.fact))


def walk(history: History) -> Iterator[tuple[Event, Step, World]]:
    """Each event with its step and the world as it should be when the answer came."""
    world = World()
    writes = [(event, _touched(history, event)) for event in history.events if event.op in WRITING]
    for event in history.events:
        step = history.plan.steps[event.step]
        near = [(write, facts) for write, facts in writes if write.user == event.user and write is not event]
        world.racing = {fact for write, facts in near if _overlap(write, event) for fact in facts}
        world.recent = _recent(world, event, step, near, history.consistency)
        yield event, step, world
        world.apply(event, step)
        if event.op in WRITING:
            touched = _touched(history, event)
            for write, facts in near:
                if _overlap(write, event):
                    world.doubtful.setdefault(event.user, set()).update(facts & touched)


def _recent(
    world: World, event: Event, step: Step, writes: list[tuple[Event, set[int]]], consistency: float
) -> set[int]:
    """The facts whose write need not be seen yet.

    A settled answer was waited for, so its time is up; what was once seen there, or once seen gone, is due.
    """
    if step.op is Operation.SETTLE or not consistency:
        return set()
    recent = {
        fact
        for write, facts in writes
        if write.ended <= event.started < write.ended + consistency
        for fact in facts
    }
    known = world.reached.get(event.user, set()) & world.live.get(event.user, set())
    return recent - known - world.cleared.get(event.user, set())


def _overlap(one: Event, other: Event) -> bool:
    return one.started < other.ended and other.started < one.ended


def _touched(history: History, event: Event) -> set[int]:
    """The facts that a write may add, change or remove."""
    step = history.plan.steps[event.step]
    if event.op in DESTRUCTIVE:
        return {n for n, fact in enumerate(history.plan.facts) if event.user in fact.owners}
    facts = [step.fact, step.replaces]
    if step.key is not None:
        same = (other for other in history.plan.steps if (other.user, other.key) == (step.user, step.key))
        facts += [other.fact for other in same]
    return {fact for fact in facts if fact is not None}
