"""What should be true after each event of a history, by the plan alone: whose facts live, whose are gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from isolation_tests.model import Event, History, Operation, Outcome, Step


@dataclass
class World:
    """The state a system that keeps users apart would be in.

    live, gone: facts by user. doubtful: facts whose presence nobody can know (an indeterminate write).
    reached: facts that the user saw in its own list at least once. cleared: facts that the user once no
    longer saw after they were deleted. deleted: facts gone by a delete, not by an update.
    removers: (actor, operation) of the calls that may have reached others, newest last.
    """

    live: dict[int, set[int]] = field(default_factory=dict)
    gone: dict[int, set[int]] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    reached: dict[int, set[int]] = field(default_factory=dict)
    cleared: dict[int, set[int]] = field(default_factory=dict)
    keys: dict[tuple[int, str], int] = field(default_factory=dict)
    removers: list[tuple[int, Operation, int | None]] = field(default_factory=list)

    def own(self, user: int) -> set[int]:
        """The facts this user must see."""
        return self.live.get(user, set()) - self.doubtful

    def lost(self, user: int) -> set[int]:
        """The facts this user deleted."""
        return self.gone.get(user, set()) - self.doubtful - self.live.get(user, set())


def walk(history: History) -> Iterator[tuple[Event, Step, World]]:
    """Each event with its step and the world as it should be when the answer came."""
    world = World()
    for event in history.events:
        step = history.plan.steps[event.step]
        yield event, step, world
        _apply(world, event, step)


def _apply(world: World, event: Event, step: Step) -> None:
    if event.outcome is Outcome.INDETERMINATE:
        _blur(world, event, step)
    elif event.outcome is Outcome.OK:
        _EFFECTS.get(event.op, _nothing)(world, event, step)


def _blur(world: World, event: Event, step: Step) -> None:
    if event.op in (Operation.DELETE_ALL, Operation.MAINTAIN):
        world.doubtful |= world.live.get(event.user, set())
    else:
        world.doubtful |= {fact for fact in (step.fact, step.replaces) if fact is not None}


def _nothing(_world: World, _event: Event, _step: Step) -> None:
    return


def _added(world: World, event: Event, step: Step) -> None:
    if step.fact is None:
        return
    live = world.live.setdefault(event.user, set())
    if step.key is not None:
        earlier = world.keys.get((event.user, step.key))
        if earlier is not None and earlier != step.fact:
            live.discard(earlier)
        world.keys[event.user, step.key] = step.fact
        world.removers.append((event.user, event.op, step.fact))
    live.add(step.fact)
    world.gone.get(event.user, set()).discard(step.fact)
    world.cleared.get(event.user, set()).discard(step.fact)


def _deleted_all(world: World, event: Event, _step: Step) -> None:
    live = world.live.pop(event.user, set())
    world.gone.setdefault(event.user, set()).update(live)
    world.deleted |= live
    world.removers.append((event.user, event.op, None))


def _maintained(world: World, event: Event, _step: Step) -> None:
    world.doubtful |= world.live.get(event.user, set())
    world.removers.append((event.user, event.op, None))


def _deleted(world: World, event: Event, step: Step) -> None:
    live = world.live.get(event.user, set())
    if step.fact in live and not step.absent:
        live.discard(step.fact)
        world.gone.setdefault(event.user, set()).add(step.fact)
        world.deleted.add(step.fact)
    world.removers.append((event.user, event.op, step.fact))


def _updated(world: World, event: Event, step: Step) -> None:
    live = world.live.get(event.user, set())
    if step.replaces in live and step.fact is not None and not step.absent:
        live.discard(step.replaces)
        live.add(step.fact)
        world.gone.setdefault(event.user, set()).add(step.replaces)
    world.removers.append((event.user, event.op, step.replaces))


def _listed(world: World, event: Event, _step: Step) -> None:
    seen = {sighting.fact for sighting in event.seen() if sighting.user is not None}
    world.reached.setdefault(event.user, set()).update(seen)
    world.cleared.setdefault(event.user, set()).update(world.lost(event.user) - seen)


_EFFECTS = {
    Operation.ADD: _added,
    Operation.DELETE_ALL: _deleted_all,
    Operation.MAINTAIN: _maintained,
    Operation.DELETE: _deleted,
    Operation.UPDATE: _updated,
    Operation.GET_ALL: _listed,
}
