"""The reference model: which user's facts should exist after each event, from the plan alone.

The runner uses it to know what to wait for, and the judges to know what an isolated system would show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isolation_tests.model.history import Event, Outcome
from isolation_tests.model.plan import BY_ID, DESTRUCTIVE, WRITING, Actor, Operation, Step, UserIndex

Remover = tuple[Actor, Operation, int | None]
"""A call that may have affected other users: the actor, the operation, and the addressed fact."""


@dataclass
class World:
    """The state of a system that keeps users apart.

    racing, recent: facts that the current answer may or may not show, because the user's own write of them
    overlaps the read, or is more recent than the time that a write may take.

    live, gone: existing and removed facts, by user. doubtful: by user, facts whose existence is unknown
    (after a write with an unknown outcome). reached: facts that the user has seen in their own list since
    they were stored. cleared: facts that the user deleted and then did not see. vanished: those of them that
    the user had seen before. deleted: facts by the user who deleted them; facts that an update replaced are
    gone but not deleted. listed: the length of the user's own list, until the user writes again. ids: the id
    that a user got for a fact. removers: (actor, operation, fact) of the calls that may have affected other
    users, the newest last. missed: own facts that a settled list lacked although no other user could have
    removed them. stored: for each fact, how many removers there were when it was last stored. newer: for a
    fact that its owner replaced, the fact that is in the same memory now.
    copies: by user, facts that are in several memories, of which a call by id reaches one. again: by user,
    facts that were stored more than once, so that what shows may be the one or the other. within: by user
    whose calls reach other users' memories too, by the rule of visibility, all these users.
    memories: by user, how many memories there are at most, those without a canary as well. wordless: by user,
    facts in whose memories such a text has taken their place. removed: by user, how many memories each delete
    removed, with the second at which it ended.
    """

    within: Mapping[UserIndex, tuple[UserIndex, ...]] = field(default_factory=dict)
    live: dict[UserIndex, set[int]] = field(default_factory=dict)
    gone: dict[UserIndex, set[int]] = field(default_factory=dict)
    doubtful: dict[UserIndex, set[int]] = field(default_factory=dict)
    deleted: dict[UserIndex, set[int]] = field(default_factory=dict)
    listed: dict[UserIndex, int] = field(default_factory=dict)
    ids: dict[tuple[UserIndex, int], str] = field(default_factory=dict)
    reached: dict[UserIndex, set[int]] = field(default_factory=dict)
    cleared: dict[UserIndex, set[int]] = field(default_factory=dict)
    vanished: dict[UserIndex, set[int]] = field(default_factory=dict)
    keys: dict[tuple[UserIndex, str], int] = field(default_factory=dict)
    removers: list[Remover] = field(default_factory=list)
    newer: dict[int, int] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    missed: dict[UserIndex, set[int]] = field(default_factory=dict)
    copies: dict[UserIndex, set[int]] = field(default_factory=dict)
    again: dict[UserIndex, set[int]] = field(default_factory=dict)
    memories: dict[UserIndex, int] = field(default_factory=dict)
    wordless: dict[UserIndex, set[int]] = field(default_factory=dict)
    removed: dict[UserIndex, list[tuple[float, int]]] = field(default_factory=dict)
    racing: set[int] = field(default_factory=set)
    recent: set[int] = field(default_factory=set)

    def own(self, user: UserIndex) -> set[int]:
        """The facts that this user must see."""
        return self.live.get(user, set()) - self.doubtful.get(user, set()) - self.racing - self.recent

    def may_own(self, user: UserIndex) -> set[int]:
        """The facts that this user may see already or still, while racing and recent are about this user."""
        return self.own(user) | self.racing | self.recent

    def most(self, user: UserIndex, since: float) -> int:
        """How many memories the user may be shown, if what was deleted after that second may still show."""
        lingering = sum(many for ended, many in self.removed.get(user, ()) if ended > since)
        return self.memories.get(user, 0) + lingering

    def lost(self, user: UserIndex) -> set[int]:
        """The facts that this user deleted or replaced."""
        gone = self.gone.get(user, set()) - self.doubtful.get(user, set()) - self.live.get(user, set())
        return gone - self.racing - self.recent

    def current(self, fact: int | None) -> int | None:
        """The fact that is now in the memory where this one was stored."""
        while fact in self.newer:
            fact = self.newer[fact]
        return fact

    def suspects(self, loser: UserIndex, missing: set[int]) -> list[Remover]:
        """Other users' removing calls since the first of the missing facts was stored, the newest first.

        Empty if all of these facts were already missing before, because then nobody removed them.
        """
        if missing <= self.missed.get(loser, set()) - self.reached.get(loser, set()):
            return []
        since = min((self.stored.get(fact, 0) for fact in missing), default=0)
        return [suspect for suspect in reversed(self.removers[since:]) if suspect[0] != loser]

    def holder(self, user: UserIndex, fact: int | None) -> UserIndex:
        """Of the users whose memories this user's calls reach, the one who has a fact; else the user."""
        others = self.within.get(user, ())
        return next((other for other in others if fact in self.live.get(other, ())), user)

    def addressed(self, step: Step) -> int | None:
        """The fact that a by-id call reaches in a system that keeps users apart; None if it reaches none.

        If each user's ids are numbered separately, another user's id can equal one of the caller's own ids,
        and then means the caller's memory.
        """
        fact = step.fact if step.replaces is None else step.replaces
        live = self.live.get(self.holder(step.user, fact), set())
        if fact is None or step.absent or fact in live:
            return None if step.absent else fact
        given = {id for (_, known), id in self.ids.items() if known == fact}
        own = (mine for mine in sorted(live) if self.ids.get((step.user, mine)) in given)
        return next(own, fact)

    def id_of(self, user: UserIndex, fact: int | None) -> str | None:
        """The id that the user got for a fact, or else the latest one that any user got."""
        given = {owner: id for (owner, known), id in self.ids.items() if known == fact}
        return given.get(user) or next(reversed(given.values()), None)

    def apply(self, event: Event, step: Step) -> None:
        """Apply the effect that one call has in a system that keeps users apart."""
        if event.op in WRITING and event.outcome is not Outcome.REFUSED:
            self.listed.pop(event.user, None)
        if event.outcome in (Outcome.INDETERMINATE, Outcome.ERROR):
            _blur(self, event, step)
        elif event.outcome is Outcome.OK:
            if step.odd and event.op in WRITING:
                _own_doing(self, event, step)
            _EFFECTS.get(event.op, _nothing)(self, event, step)


def facts_of_plan(event: Event) -> set[int]:
    """The facts of this plan in an answer, without another check's facts of the same number."""
    return {sighting.fact for sighting in event.seen() if sighting.user is not None}


def _blur(world: World, event: Event, step: Step) -> None:
    """A write with an unknown outcome makes the facts doubtful that the writer may reach, and no others."""
    if event.op in DESTRUCTIVE:
        _doubt_all(world, event.user)
    elif event.op in WRITING:
        if event.op is Operation.ADD:
            _stored_more(world, event.user, step.times or 1)
        doubtful = world.doubtful.setdefault(world.holder(event.user, world.addressed(step)), set())
        doubtful |= {fact for fact in (step.fact, world.addressed(step)) if fact is not None}


def _doubt_all(world: World, user: UserIndex) -> None:
    for other in world.within.get(user, (user,)):
        world.doubtful.setdefault(other, set()).update(world.live.get(other, set()))


def _own_doing(world: World, event: Event, step: Step) -> None:
    """After an odd write, nobody can say what became of the facts that the writer addressed with it."""
    doubtful = world.doubtful.setdefault(event.user, set())
    doubtful |= world.live.get(event.user, set()) if step.op in BY_ID else set()
    doubtful |= {fact for fact in (step.fact, step.replaces) if fact is not None}


def _nothing(_world: World, _event: Event, _step: Step) -> None:
    return


def _stored_more(world: World, user: UserIndex, many: int) -> None:
    world.memories[user] = world.memories.get(user, 0) + many


def _removed(world: World, event: Event, user: UserIndex, many: int) -> None:
    world.memories[user] = world.memories.get(user, 0) - many
    world.removed.setdefault(user, []).append((event.ended, many))


def _added(world: World, event: Event, step: Step) -> None:
    if step.times is not None and not event.number:
        return
    live = world.live.setdefault(event.user, set())
    if step.key is None or world.current(world.keys.get((event.user, step.key))) not in live:
        _stored_more(world, event.user, 1 if step.times is None else event.number or 0)
    if step.fact is None:
        return
    if step.key is not None:
        earlier = world.current(world.keys.get((event.user, step.key)))
        if earlier is not None and earlier != step.fact:
            live.discard(earlier)
        world.keys[event.user, step.key] = step.fact
        world.removers.append((event.user, event.op, step.fact))
    elif step.fact in live or step.times is not None:
        world.copies.setdefault(event.user, set()).add(step.fact)
    if step.fact not in live:
        world.reached.get(event.user, set()).discard(step.fact)
    if step.fact in live | world.gone.get(event.user, set()):
        world.again.setdefault(event.user, set()).add(step.fact)
    live.add(step.fact)
    world.wordless.get(event.user, set()).discard(step.fact)
    world.stored[step.fact] = len(world.removers)
    for former in (world.gone, world.deleted, world.cleared, world.vanished):
        former.get(event.user, set()).discard(step.fact)
    _named(world, event, anew=step.fact)


def _deleted_all(world: World, event: Event, _step: Step) -> None:
    for user in world.within.get(event.user, (event.user,)):
        live = world.live.pop(user, set())
        for left in (world.copies, world.wordless):
            left.pop(user, None)
        _removed(world, event, user, world.memories.get(user, 0))
        world.gone.setdefault(user, set()).update(live)
        world.deleted.setdefault(user, set()).update(live)
    world.removers.append((event.user, event.op, None))


def _maintained(world: World, event: Event, _step: Step) -> None:
    _doubt_all(world, event.user)
    world.removers.append((event.user, event.op, None))


def _deleted(world: World, event: Event, step: Step) -> None:
    fact = world.addressed(step)
    holder = world.holder(event.user, fact)
    live = world.live.get(holder, set())
    wordless = world.wordless.get(holder, set())
    if fact in live or fact in wordless:
        _removed(world, event, holder, 1)
        wordless -= {fact}
    if fact in live:
        live.discard(fact)
        world.gone.setdefault(holder, set()).add(fact)
        world.deleted.setdefault(holder, set()).add(fact)
        _may_be_left(world, holder, fact)
    world.removers.append((event.user, event.op, world.current(fact)))


def _may_be_left(world: World, user: UserIndex, fact: int) -> None:
    """Of a fact that is in several memories, the others are still there after a call by the id of one."""
    if fact in world.copies.get(user, set()):
        world.doubtful.setdefault(user, set()).add(fact)


def _updated(world: World, event: Event, step: Step) -> None:
    fact = world.addressed(step)
    holder = world.holder(event.user, fact)
    live = world.live.get(holder, set())
    if fact in live and step.fact is None:
        # A text without a canary took its place, and nothing tells whose that is.
        live.discard(fact)
        world.gone.setdefault(holder, set()).add(fact)
        world.wordless.setdefault(holder, set()).add(fact)
        _may_be_left(world, holder, fact)
    if fact in live and step.fact is not None:
        live.discard(fact)
        live.add(step.fact)
        world.stored[step.fact] = len(world.removers)
        world.gone.setdefault(holder, set()).add(fact)
        _may_be_left(world, holder, fact)
        if (event.user, fact) in world.ids:
            world.ids[event.user, step.fact] = world.ids[event.user, fact]
        # The new fact no longer replaces another one, so that no chain becomes a circle.
        world.newer.pop(step.fact, None)
        if fact != step.fact:
            world.newer[fact] = step.fact
    world.removers.append((event.user, event.op, world.current(fact)))


def _listed(world: World, event: Event, step: Step) -> None:
    seen = facts_of_plan(event)
    before = set(world.reached.get(event.user, ()))
    world.reached.setdefault(event.user, set()).update(seen)
    _named(world, event)
    if step.filters is None:
        absent = (world.lost(event.user) | world.recent) - world.live.get(event.user, set()) - seen
        world.cleared.setdefault(event.user, set()).update(absent)
        world.vanished.setdefault(event.user, set()).update(absent & before)
        world.listed[event.user] = len(event.rows)
        if not event.poll:
            unseen = world.own(event.user) - seen
            missed = {fact for fact in unseen if not world.suspects(event.user, {fact})}
            world.missed.setdefault(event.user, set()).update(missed)


def _named(world: World, event: Event, anew: int | None = None) -> None:
    """Record the ids of the user's own facts in an answer; a fact that was stored again has a new id."""
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
