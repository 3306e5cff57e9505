"""Overlapping calls: many users at once on one object, on few threads, with cancelled and failing calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Literal

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    HANDLES,
    OVERLAP,
    Cell,
    Material,
    add,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)

_PLAIN_ROUNDS = 5
_WRITES = 4
_OWN_ROUNDS = 8
_LONGEST_PAUSE_SECONDS = 0.002
_LONGEST_WAIT_SECONDS = 0.004
On = Literal["thread", "pool", "handle"]


@dataclass(frozen=True, slots=True)
class _Load:
    """The shape of a block of overlapping calls.

    users: how many; each has a lane. cancelled: whether a third of the calls is cancelled midway. failing:
    whether each user's calls follow failing calls, one without a user and one for an absent id.
    """

    anomaly: str
    users: int
    on: On = "thread"
    cancelled: bool = False
    failing: bool = False


def _plan(load: _Load, material: Material) -> Plan:
    """Each user stores a fact; then all read and write at once; then each user reads again in turn."""
    people, everyone = material.people, range(load.users)
    chance = Random(material.seed)  # noqa: S311 - a schedule, not a secret
    facts = facts_of(material, [user for _ in range(1 + _WRITES) for user in everyone])
    by_id = "get" in material.capabilities
    queries = [people.neutral_query() for _ in everyone]
    schedule = partial(_lane, load, chance=chance, rounds=material.rounds, by_id=by_id)
    block = [step for user in everyone for step in schedule(user, queries[user])]
    return Plan(
        name=f"overlap-{load.anomaly}",
        anomaly=load.anomaly,
        users=tuple(ordinary(user) for user in everyone),
        facts=facts,
        needs=(OVERLAP,),
        steps=(
            *(add(user, user) for user in everyone),
            *(settle(user, user) for user in everyone),
            *(list_all(user, anomaly="S1", control=True) for user in everyone),
            *(search(user, query=queries[user], anomaly="S1", control=True) for user in everyone),
            *_plain(load, queries, chance),
            *block,
            *(settle(user, anomaly=load.anomaly) for user in everyone),
            *(list_all(user, anomaly=load.anomaly) for user in everyone),
        ),
    )


def _plain(load: _Load, queries: Sequence[str], chance: Random) -> Iterator[Step]:
    """The lighter loads come first, because a leak under a light load explains one under a heavy load."""
    lighter: list[tuple[str, On]] = [("C1", "thread"), ("C2", load.on)]
    for anomaly, on in lighter[: {"C1": 0, "C2": 1}.get(load.anomaly, 2)]:
        for user in range(2 if anomaly == "C1" else load.users):
            for _ in range(_PLAIN_ROUNDS):
                for step in (list_all(user), search(user, query=queries[user])):
                    control = step.model_copy(update={"anomaly": anomaly, "control": True})
                    yield _timed(control, user, chance, on)
        # A step without a lane, so that the next load is a separate block.
        yield list_all(0)


def _lane(load: _Load, user: int, query: str, *, chance: Random, rounds: int, by_id: bool) -> Iterator[Step]:
    """One user's own calls, in order. The pauses make the schedule; the run's seed draws them."""
    for number in range(rounds):
        calls = [list_all(user), search(user, query=query)]
        if load.failing:
            absent = Step(op=Operation.GET, user=user, fact=user, absent=True)
            calls = [search(user, query=query, spoiled=True), *([absent] if by_id else []), *calls]
        if number < _WRITES:
            calls.insert(0, add(user, load.users * (1 + number) + user))
        for step in calls:
            timed = _timed(step, user, chance, load.on).model_copy(update={"anomaly": load.anomaly})
            spoil = load.cancelled and step.op is not Operation.ADD and chance.random() < 1 / 3
            give_up = round(chance.uniform(0, _LONGEST_WAIT_SECONDS), 6)
            yield timed.model_copy(update={"give_up": give_up}) if spoil else timed


def _own_overlap(material: Material) -> Plan:
    """One user adds, searches, lists and deletes in separate lanes, while no other user makes a call."""
    chance = Random(material.seed)  # noqa: S311 - a schedule, not a secret
    rounds, kept, doomed, stranger = min(material.rounds, _OWN_ROUNDS), 0, 1, 2
    new = range(stranger + 1, stranger + 1 + 2 * rounds)
    deletes = [Step(op=Operation.DELETE, user=0, fact=doomed)] if "delete" in material.capabilities else []
    lanes = (
        [add(0, fact) for fact in new[::2]],
        [add(0, fact) for fact in new[1::2]],
        [*deletes, *(step for _ in range(rounds) for step in (list_all(0), search(0, kept)))],
    )
    return Plan(
        name="overlap-own",
        anomaly="completeness",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 0, 1, *(0 for _ in new))),
        needs=(OVERLAP,),
        steps=(
            add(0, kept),
            add(0, doomed),
            add(1, stranger),
            settle(0, kept),
            settle(1, stranger),
            *(_timed(step, lane, chance) for lane, steps in enumerate(lanes) for step in steps),
            settle(0, kept),
            list_all(0),
            list_all(1),
        ),
    )


def _timed(step: Step, lane: int, chance: Random, on: On = "thread") -> Step:
    pause = round(chance.uniform(0, _LONGEST_PAUSE_SECONDS), 6)
    return step.model_copy(update={"lane": lane, "pause": pause, "on": on})


OWN_CELLS = [
    Cell("completeness-one-user", "completeness", _own_overlap, needs=(OVERLAP,), also=("C1", "C3", "D4"))
]


def _built(load: _Load) -> Callable[[Material], Plan]:
    return lambda material: _plan(load, material)


def overlap_cells() -> list[Cell]:
    """C1 to C4, each with the load that shows its mechanism."""
    return [
        Cell("C1-two-users", "C1", _built(_Load("C1", users=2)), needs=(OVERLAP,)),
        Cell("C1-handles", "C1", _built(_Load("C1", users=4, on="handle")), needs=(OVERLAP, HANDLES)),
        Cell("C2-threads", "C2", _built(_Load("C2", users=8)), needs=(OVERLAP,), quick=False),
        Cell("C2-few-threads", "C2", _built(_Load("C2", users=8, on="pool")), needs=(OVERLAP,)),
        Cell("C3-cancelled", "C3", _built(_Load("C3", users=6, cancelled=True)), needs=(OVERLAP, "async")),
        Cell("C4-failing", "C4", _built(_Load("C4", users=4, on="pool", failing=True)), needs=(OVERLAP,)),
    ]
