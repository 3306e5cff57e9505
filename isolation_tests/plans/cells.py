"""The parts of plans: cells, the material they are built from, and a short function for each kind of step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from isolation_tests.model import Axis, FactSpec, Operation, Plan, Step, UserSpec
from isolation_tests.testdata.facts import People

OWNER_KEYS = ("user_id", "user", "owner", "tenant_id", "namespace")
OVERLAP = "overlap"
"""Capability: calls may overlap, in threads or as tasks of one event loop."""
HANDLES = "handles"
"""Capability: opening the target a second time reaches the same store."""
REOPEN = "reopen"
READ_BY_ID = (Operation.GET, Operation.HISTORY)
"""Capability: what was stored is still there when the target is closed and opened again."""
TWIN = "twin"
"""Capability: another target, named in the target's file, reaches the same store in another way."""
AXIS = "axis-"
"""What the capabilities begin with that stand for a target's axes."""
TOPIC = {"topic": "travel"}
"""Metadata that both users in a filter plan store."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a cell's plan is built from: people, their facts, and the target's capabilities.

    seed: for a plan's own random choices, such as a schedule. aliases: relations whose two names the target
    declares to be the same user. ways: how many values of a call are to occur together in every combination.
    disposable: whether calls may be made that can reach everybody. axes: those that the target declares,
    outer to inner; none if the user is the only one. lacking: core methods that it does not have. volume: how
    many memories are to stand at once. volume_seconds: how long it may take to store them.
    """

    people: People
    capabilities: frozenset[str] = frozenset()
    owner_keys: tuple[str, ...] = OWNER_KEYS
    crowd: int = 300
    rounds: int = 20
    seed: int = 0
    aliases: tuple[str, ...] = ()
    ways: int = 2
    disposable: bool = False
    axes: tuple[Axis, ...] = ()
    lacking: frozenset[str] = frozenset()
    volume: int = 0
    volume_seconds: float = 0.0


MOST_AXES = 4
"""How many axes beside the user checks are made for."""


def axis_need(number: int) -> str:
    """The capability of a target with so many axes beside the user, which are numbered outer to inner."""
    return f"{AXIS}{number}"


EVERY_AXIS = tuple(axis_need(number) for number in range(1, MOST_AXES + 1))
"""The capabilities of a target with as many axes as there are checks for."""


def concerns(needs: Sequence[str], offered: Collection[str]) -> bool:
    """Whether a check is one of a target's at all: whether the target declares the axes that it is about.

    Axes are what a system separates by, so one that it does not have is nothing that it lacks.
    """
    return all(need in offered for need in needs if need.startswith(AXIS))


@dataclass(frozen=True, slots=True)
class Cell:
    """One check of a law. id: stable, part of the check's name. needs: capabilities that it requires.

    tries: the one of these that the check itself tries, whether or not it worked when it was probed.
    """

    id: str
    anomaly: str
    build: Callable[[Material], Plan]
    quick: bool = True
    needs: tuple[str, ...] = ()
    relation: str | None = None
    also: tuple[str, ...] = ()
    tries: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What plans are drawn from.

    capabilities: those that work. destructive: whether users with hostile names may write and delete, and
    calls that may reach everybody are made. shared: the store holds other people's data, which a drawn name
    must not reach. aliased: anomalies of declared aliases.
    """

    capabilities: frozenset[str] = frozenset()
    owner_keys: tuple[str, ...] = OWNER_KEYS
    destructive: bool = True
    shared: bool = False
    aliased: frozenset[str] = frozenset()


def undrawn(_: Material) -> Plan:
    """In place of the plan of a cell whose plans are drawn; raises `NotImplementedError`."""
    raise NotImplementedError("this cell has no fixed plan; draw plans with hunt()")


def ordinary(group: int) -> UserSpec:
    """A user whose name is not related to another user's."""
    return UserSpec(group=group)


def add(user: int, fact: int, **more: Any) -> Step:
    """The user stores the fact."""
    return Step(op=Operation.ADD, user=user, fact=fact, **more)


def settle(user: int, fact: int | None = None, **more: Any) -> Step:
    """Wait until the user sees their own facts; with `fact`, until a search finds that fact too.

    With `hold=True`, first wait as long as a write may take, so that a slow delete is complete.
    """
    return Step(op=Operation.SETTLE, user=user, fact=fact, **more)


def list_all(user: int, **more: Any) -> Step:
    """The user lists all of their memories."""
    return Step(op=Operation.GET_ALL, user=user, **more)


def search(user: int, fact: int | None = None, **more: Any) -> Step:
    """The user searches, by the fact's own text or by `query=`."""
    return Step(op=Operation.SEARCH, user=user, fact=fact, **more)


def delete_all(user: int, **more: Any) -> Step:
    """The user deletes all of their memories."""
    return Step(op=Operation.DELETE_ALL, user=user, **more)


def both_seen(material: Material, reader: int, **more: Any) -> tuple[Step, ...]:
    """Users 0 and 1 each store a fact and see it; then the reader searches for something nobody stored.

    A foreign fact in that search needs no match, filter or repeated search. more: arguments of both adds.
    """
    return (
        add(0, 0, **more),
        add(1, 1, **more),
        settle(0, 0, control=True),
        settle(1, 1, control=True),
        search(reader, query=material.people.neutral_query(), anomaly="S1", control=True),
    )


def facts_of(material: Material, owners: Sequence[int]) -> tuple[FactSpec, ...]:
    """One ordinary fact for each owner, in order."""
    return tuple(FactSpec(text=material.people.fact(), owners=(owner,)) for owner in owners)


BULK = 130
"""More than the pages of 10 to 100 memories at which systems are known to stop."""


def bulk_plan(material: Material, anomaly: str, steps: tuple[Step, ...], needs: tuple[str, ...] = ()) -> Plan:
    """User 0 stores many facts and user 1 stores one (fact number BULK); then come the given steps."""
    return Plan(
        name=f"bulk-{anomaly}",
        anomaly=anomaly,
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (*(0 for _ in range(BULK)), 1)),
        needs=needs,
        steps=(
            *(add(0, fact) for fact in range(BULK)),
            add(1, BULK),
            settle(1, control=True),
            *steps,
        ),
    )
