"""The reference model: by the plan alone, whose facts should be there after each event, and whose gone.

The runner uses it to know what to wait for, and the judges to know what an isolated system would show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from isolation_tests.model.history import Event, Outcome
from isolation_tests.model.plan import DESTRUCTIVE, WRITING, Actor, Operation, Step, UserIndex

Remover = tuple[Actor, Operation, int | None]
"""A call that may have reached others: who made it, what it was, and the fact that it addressed."""


@dataclass
class World:
    """The state a system that keeps users apart would be in.

    racing, recent: facts that the answer at hand may show or not, because the user's own write of them
    overlaps it, or is more recent than the time that the target says a write may take.

    live, gone: facts by user. doubtful: facts by the user for whom nobody can know whether they are there
    (a write whose outcome is unknown). reached: facts that the user saw in its own list at least once.
    cleared: facts that the user once no longer saw after they were deleted. deleted: facts by the user who
    deleted them; those that an update replaced are gone and not deleted. listed: how many memories the
    user's own list held, until the user writes again. ids: the id that a user was given for a fact.
    removers: (actor, operation, fact) of the calls that may have reached others, newest last.
    missed: own facts that a settled list lacked when nobody else could have taken them. stored: for each
    fact, how many removers there were when it was last stored. newer: for a fact that its owner replaced,
    the fact that stands in the same memory now.
    """

    live: dict[UserIndex, set[int]] = field(default_factory=dict)
    gone: dict[UserIndex, set[int]] = field(default_factory=dict)
    doubtful: dict[UserIndex, set[int]] = field(default_factory=dict)
    deleted: dict[UserIndex, set[int]] = field(default_factory=dict)
    listed: dict[UserIndex, int] = field(default_factory=dict)
    ids: dict[tuple[UserIndex, int], str] = field(default_factory=dict)
    reached: dict[UserIndex, set[int]] = field(default_factory=dict)
    cleared: dict[UserIndex, set[int]] = field(default_factory=dict)
    keys: dict[tuple[UserIndex, str], int] = field(default_factory=dict)
    removers: list[Remover] = field(default_factory=list)
    newer: dict[int, int] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    missed: dict[UserIndex, set[int]] = field(default_factory=dict)
    racing: set[int] = field(default_factory=set)
    recent: set[int] = field(default_factory=set)

    def own(self, user: UserIndex) -> set[int]:
        """The facts this user must see."""
        return self.live.get(user, set()) - self.doubtful.get(user, set()) - self.racing - self.recent

    def lost(self, user: UserIndex) -> set[int]:
        """The facts this user deleted or replaced."""
        gone = self.gone.get(user, set()) - self.doubtful.get(user, set()) - self.live.get(user, set())
        return gone - self.racing - self.recent

    def current(self, fact: int | None) -> int | None:
        """The fact that stands now where this one was stored."""
        while fact in self.newer:
            fact = self.newer[fact]
        return fact

    def suspects(self, loser: UserIndex, missing: set[int]) -> list[Remover]:
        """The removing calls of others since the first of the missing facts was stored, newest first.

        None where every one of them was missing before: then nobody took them.
        """
        if missing <= self.missed.get(loser, set()) - self.reached.get(loser, set()):
            return []
        since = min((self.stored.get(fact, 0) for fact in missing), default=0)
        return [suspect for suspect in reversed(self.removers[since:]) if suspect[0] != loser]

    def addressed(self, step: Step) -> int | None:
        """The fact that a by-id call reaches in a system that keeps users apart; None: no fact at all.

        Where each user's memories are numbered by themselves, another user's id is also one of the
        caller's own, and means that one.
        """
        fact = step.fact if step.replaces is None else step.replaces
        live = self.live.get(step.user, set())
        if fact is None or step.absent or fact in live:
            return None if step.absent else fact
        given = {id for (_, known), id in self.ids.items() if known == fact}
        own = (mine for mine in sorted(live) if self.ids.get((step.user, mine)) in given)
        return next(own, fact)

    def id_of(self, user: UserIndex, fact: int | None) -> str | None:
        """The id that the user was given for a fact; else the latest that anybody was given for it."""
        given = {owner: id for (owner, known), id in self.ids.items() if known == fact}
        return given.get(user) or next(reversed(given.values()), None)

    def apply(self, event: Event, step: Step) -> None:
        """Take in what one call did, as a system that keeps users apart would have done it."""
        if event.op in WRITING and event.outcome is not Outcome.REFUSED:
            self.listed.pop(event.user, None)
        if event.outcome in (Outcome.INDETERMINATE, Outcome.ERROR):
            _blur(self, event, step)
        elif event.outcome is Outcome.OK:
            _EFFECTS.get(event.op, _nothing)(self, event, step)


def facts_of_plan(event: Event) -> set[int]:
    """The facts of this plan that an answer holds; another check's of the same number is none of them."""
    return {sighting.fact for sighting in event.seen() if sighting.user is not None}


def _blur(world: World, event: Event, step: Step) -> None:
    """A write may have reached the writer's own facts; it had no right to reach anybody else's."""
    doubtful = world.doubtful.setdefault(event.user, set())
    if event.op in DESTRUCTIVE:
        doubtful |= world.live.get(event.user, set())
    elif event.op in WRITING:
        doubtful |= {fact for fact in (step.fact, world.addressed(step)) if fact is not None}


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
    world.stored[step.fact] = len(world.removers)
    for former in (world.gone, world.deleted, world.cleared):
        former.get(event.user, set()).discard(step.fact)
    _named(world, event, anew=step.fact)


def _deleted_all(world: World, event: Event, _step: Step) -> None:
    live = world.live.pop(event.user, set())
    world.gone.setdefault(event.user, set()).update(live)
    world.deleted.setdefault(event.user, set()).update(live)
    world.removers.append((event.user, event.op, None))


def _maintained(world: World, event: Event, _step: Step) -> None:
    world.doubtful.setdefault(event.user, set()).update(world.live.get(event.user, set()))
    world.removers.append((event.user, event.op, None))


def _deleted(world: World, event: Event, step: Step) -> None:
    live, fact = world.live.get(event.user, set()), world.addressed(step)
    if fact in live:
        live.discard(fact)
        world.gone.setdefault(event.user, set()).add(fact)
        world.deleted.setdefault(event.user, set()).add(fact)
    world.removers.append((event.user, event.op, world.current(fact)))


def _updated(world: World, event: Event, step: Step) -> None:
    live, fact = world.live.get(event.user, set()), world.addressed(step)
    if fact in live and step.fact is not None:
        live.discard(fact)
        live.add(step.fact)
        world.stored[step.fact] = len(world.removers)
        world.gone.setdefault(event.user, set()).add(fact)
        if (event.user, fact) in world.ids:
            world.ids[event.user, step.fact] = world.ids[event.user, fact]
        # The fact that is written now stands in nobody else's place any more: no chain leads in a circle.
        world.newer.pop(step.fact, None)
        if fact != step.fact:
            world.newer[fact] = step.fact
    world.removers.append((event.user, event.op, world.current(fact)))


def _listed(world: World, event: Event, step: Step) -> None:
    seen = facts_of_plan(event)
    world.reached.setdefault(event.user, set()).update(seen)
    _named(world, event)
    if step.filters is None:
        absent = (world.lost(event.user) | world.recent) - world.live.get(event.user, set()) - seen
        world.cleared.setdefault(event.user, set()).update(absent)
        world.listed[event.user] = len(event.rows)
        if not event.poll:
            unseen = world.own(event.user) - seen
            missed = {fact for fact in unseen if not world.suspects(event.user, {fact})}
            world.missed.setdefault(event.user, set()).update(missed)


def _named(world: World, event: Event, anew: int | None = None) -> None:
    """Remember the ids under which the user's own facts were answered; what was stored anew has a new one."""
    live = world.live.get(event.user, set())
    for row in event.rows:
        for sighting in row.sightings:
            if row.id is not None and sighting.user is not None and sighting.fact in live:
                key = (event.user, sighting.fact)
                world.ids[key] = row.id if sighting.fact == anew else world.ids.get(key, row.id)


_EFFECTS = {
    Operation.ADD: _added,
    Operation.DELETE_ALL: _deleted_all,
    Operation.MAINTAIN: _maintained,
    Operation.DELETE: _deleted,
    Operation.UPDATE: _updated,
    Operation.GET_ALL: _listed,
}
