"""What a broken law is called: the plan's own word for the step, else the mechanism that explains it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from isolation_tests.judges.walk import overlap
from isolation_tests.model import (
    BY_ID,
    WRITING,
    Event,
    History,
    Operation,
    Outcome,
    Sighting,
    Step,
    UserIndex,
    owns,
)
from isolation_tests.model.world import World
from isolation_tests.testdata.classification import classify
from isolation_tests.testdata.relations import hostile_kind

_CROSS_READ = {
    Operation.GET: "O1",
    Operation.UPDATE: "O2",
    Operation.DELETE: "O3",
    Operation.HISTORY: "O4",
}
_LOSSES = frozenset({"D1", "D2", "D3", "D4", "S4", "completeness"})
SIGHTS = frozenset({"S1", "S2", "S5", "O1", "O4", "O7", "M3", "M5", "X1", "X5"})
"""A plan's word for what may be lost at a step says nothing of what is seen there, nor the reverse."""
_VAGUE = _LOSSES | {"S1", "S2"}
_SIDE_DOORS = (Operation.EXPORT, Operation.PAGE)


@dataclass(frozen=True, slots=True)
class Sight:
    """A foreign canary in an answer.

    beside: it was in another field of a row whose text is the viewer's own, or nobody's. mixed: it was in one
    text with a canary of the viewer's own. cached: K1 or K2, where the whole answer is another user's of
    before. outlived: its owner has deleted it, and what others have now shows to nobody but them.
    """

    event: Event
    sighting: Sighting
    beside: bool = False
    mixed: bool = False
    cached: str | None = None
    outlived: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What naming asks of a whole history for each sight.

    stored: the calls that stored a fact. in_turn: each user's calls outside of lanes. planted: users and the
    facts that somebody else wrote over a memory of theirs. maintained: the calls of maintenance.
    """

    stored: Mapping[int | None, Sequence[Event]]
    in_turn: Mapping[UserIndex, Sequence[Event]]
    planted: frozenset[tuple[UserIndex, int]]
    maintained: Sequence[Event]
    overlapping: bool

    @classmethod
    def of(cls, history: History) -> Context:
        """The context of one history."""
        steps, facts = history.plan.steps, history.plan.facts
        stored: dict[int | None, list[Event]] = {}
        in_turn: dict[UserIndex, list[Event]] = {}
        for event in history.events:
            if event.op is Operation.ADD:
                stored.setdefault(steps[event.step].fact, []).append(event)
            if steps[event.step].lane is None:
                in_turn.setdefault(event.user, []).append(event)
        planted = frozenset(
            (owner, step.fact)
            for step in steps
            if step.op is Operation.UPDATE and step.fact is not None and step.replaces is not None
            for owner in facts[step.replaces].owners
            if not owns(history.plan, step.user, step.replaces)
        )
        maintained = [event for event in history.events if event.op is Operation.MAINTAIN]
        overlapping = any(step.lane is not None for step in steps)
        return cls(stored, in_turn, planted, maintained, overlapping)


def of_cross_read(history: History, sight: Sight, context: Context) -> str:
    """The anomaly that a foreign canary in this answer stands for."""
    step = history.plan.steps[sight.event.step]
    if sight.sighting.where.startswith("error"):
        return "X3"
    if sight.outlived and not sight.mixed:
        return "D4"
    if step.spoiled:
        return "S3" if step.lane is None else "C4"
    kept = sight.cached
    if kept == "K1" or (kept == "K2" and not related(history, sight.event.user, sight.sighting.user)):
        # Users whose names the system takes for one share near answers without any cache.
        return kept
    derived = _derived(history, sight, context) if step.anomaly is None or step.anomaly in _VAGUE else None
    if derived is not None:
        return derived
    if sight.beside and step.anomaly in (None, "S1") and not addresses_foreign(history, step):
        return "S2"
    if step.anomaly is not None and step.anomaly not in _LOSSES:
        return step.anomaly
    return _by_operation(history, step, sight, context)


def _by_operation(history: History, step: Step, sight: Sight, context: Context) -> str:
    """The anomaly where the plan has no word for the step: what the call addressed, who the viewer is."""
    viewer, sighting = sight.event.user, sight.sighting
    if step.cursor is not None and history.plan.steps[step.cursor].user != viewer:
        return "O7"
    if step.op in _CROSS_READ and not _wrote_own(history, step):
        return _CROSS_READ[step.op]
    if sighting.user is not None and (viewer, sighting.fact) in context.planted:
        return "O2"
    if history.plan.users[viewer].missing:
        return "S3"
    kind = related(history, viewer, sighting.user) or hostile_kind(history.plan.users[viewer])
    if kind is not None:
        return kind
    if step.filters is not None:
        return "S5"
    if step.odd and step.query is not None and not step.query.isspace() and not step.query.isalnum():
        return "S6"
    return _overlapped(history, sight, context) or ("X5" if step.op in _SIDE_DOORS else "S1")


def _overlapped(history: History, sight: Sight, context: Context) -> str | None:
    """C1 where a write that overlapped another user's write put the fact into the viewer's own list.

    C2 where the read overlapped another user's call, and the same read in turn, or else any, keeps all apart.
    """
    if not context.overlapping:
        return None
    fact, stored = sight.sighting.fact, context.stored.get(sight.sighting.fact, ())
    alone = [
        event
        for event in context.in_turn.get(sight.event.user, ())
        if any(write.ended <= event.started for write in stored)
    ]
    crossed = any(_beside(history, event, WRITING) for event in stored)
    lists = [event for event in alone if event.op is Operation.GET_ALL]
    if crossed and any(seen.fact == fact for event in lists for seen in event.seen()):
        return "C1"
    in_turn = [event for event in alone if event.op is sight.event.op] or alone
    apart = in_turn and all(seen.user in (None, event.user) for event in in_turn for seen in event.seen())
    if apart and _beside(history, sight.event):
        return "C2"
    # A side door that alone shows what the list does not is open without any overlap.
    return "C1" if crossed and not (lists and sight.event.op in _SIDE_DOORS) else None


def _beside(history: History, event: Event, ops: Collection[Operation] = tuple(Operation)) -> bool:
    """Whether a call ran in a lane while another user made one of these calls."""
    return history.plan.steps[event.step].lane is not None and any(
        other.user != event.user and other.op in ops and overlap(other, event) for other in history.events
    )


def addresses_foreign(history: History, step: Step) -> bool:
    """Whether a call goes by the id of a memory that is not the caller's."""
    fact = step.fact if step.replaces is None else step.replaces
    return (
        step.op in BY_ID and not step.absent and fact is not None and not owns(history.plan, step.user, fact)
    )


def _wrote_own(history: History, step: Step) -> bool:
    """Whether a write addressed the caller's own memory, so that what it answers was not asked for."""
    addressed = step.fact if step.replaces is None else step.replaces
    owned = addressed is not None and owns(history.plan, step.user, addressed)
    return step.op in WRITING and owned and not step.absent


def _derived(history: History, sight: Sight, context: Context) -> str | None:
    """The anomaly of a foreign fact that something written by the system itself holds; None: of no such."""
    event, sighting = sight.event, sight.sighting
    if sighting.user is None or related(history, event.user, sighting.user):
        return None
    maintained = [other for other in context.maintained if other.started <= event.started]
    if not maintained:
        return "M2" if sight.mixed else None
    if sight.mixed:
        return "M3"
    return _given_away(history, event, sighting.fact, maintained)


def _given_away(history: History, event: Event, fact: int, maintained: list[Event]) -> str | None:
    """Of a fact that was stored and not shown to the viewer until maintenance: whose that was."""
    stored = False
    for other in history.events:
        step = history.plan.steps[other.step]
        if other is maintained[-1]:
            return None
        stored |= other.op is Operation.ADD and step.fact == fact
        clean = other.outcome is Outcome.OK and all(s.fact != fact for s in other.seen())
        if stored and clean and (other.op, other.user) == (event.op, event.user):
            return "M3" if maintained[-1].user == event.user else "M5"
    return None


def of_loss(history: History, step: Step, loser: UserIndex, missing: set[int], world: World) -> str:
    """The anomaly behind facts that their owner saw and no longer sees: whose call may have taken them."""
    if step.anomaly is not None and step.anomaly not in SIGHTS:
        return step.anomaly
    taken = by_id(loser, missing, world)
    if taken is not None:
        return taken
    if _by_key(history, loser, missing, world):
        return "O6"
    suspects = world.suspects(loser, missing)
    for actor, op, _ in suspects:
        if op is Operation.DELETE_ALL:
            missing_user = history.plan.users[actor].missing
            kind = related(history, actor, loser) or hostile_kind(history.plan.users[actor])
            return "S3" if missing_user else kind or "D1"
        if op is Operation.MAINTAIN:
            return "D2"
        if op is Operation.ADD:
            return "O6"
    return "D1" if suspects else "completeness"


def _by_key(history: History, loser: UserIndex, missing: set[int], world: World) -> bool:
    """Whether all that is missing was stored under keys that somebody else has used since."""
    keys = {step.fact: step.key for step in history.plan.steps if step.op is Operation.ADD}
    used = {keys.get(fact) for _, op, fact in world.suspects(loser, missing) if op is Operation.ADD}
    return {keys.get(fact) for fact in missing} <= used - {None}


def by_id(loser: UserIndex, missing: set[int], world: World) -> str | None:
    """The anomaly where somebody else's call addressed one of the missing facts by its id."""
    addressed = [
        op
        for _, op, fact in world.suspects(loser, missing)
        if fact in missing and op in (Operation.UPDATE, Operation.DELETE)
    ]
    if not addressed:
        return None
    return "O3" if addressed[0] is Operation.DELETE else "O2"


def related(history: History, one: int, other: int | None) -> str | None:
    """The anomaly that would explain taking these two users for one; None where their names are unrelated."""
    if other is None or history.plan.users[one].group != history.plan.users[other].group:
        return None
    if history.plan.relation is not None:
        return history.plan.anomaly
    return classify(history.users[one].name, history.users[other].name)
