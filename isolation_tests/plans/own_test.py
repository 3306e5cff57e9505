"""The plan of a test that people write themselves: two related users, and looks on every surface.

The test acts between the steps, so the plan grows while it is performed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    READ_BY_ID,
    Material,
    add,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)
from isolation_tests.plans.side_doors import INTRUSION_ANOMALIES, PAGES
from isolation_tests.testdata.relations import Relation

__all__ = ["ALICE", "BOB", "BYSTANDER", "NEWCOMER", "look", "set_up", "somebody"]

ALICE, BOB, BYSTANDER, NEWCOMER = 0, 1, 2, 3
"""The two related users; one who has a fact and is related to nobody; and one who never stores anything."""
_EVERYBODY = (BYSTANDER, NEWCOMER, ALICE, BOB)
# Alice has more, so that her last id is foreign to Bob even if each user's ids are numbered.
_OWNERS = (ALICE, ALICE, BOB, BYSTANDER)


def set_up(material: Material, relation: Relation) -> Plan:
    """Two users with related names, and a bystander, store facts and see them."""
    return Plan(
        name="own-test",
        anomaly=relation.anomaly,
        relation=relation.name,
        users=(*relation.pair(), ordinary(1), ordinary(2)),
        facts=facts_of(material, _OWNERS),
        steps=(
            *(add(owner, fact) for fact, owner in enumerate(_OWNERS)),
            settle(ALICE, 0),
            settle(BOB, 2),
            settle(BYSTANDER, 3),
        ),
    )


def somebody(material: Material) -> Plan:
    """One user stores a fact and sees it, and looks again after whatever comes between the last two steps."""
    return Plan(
        name="control",
        anomaly="D1",
        users=(ordinary(0),),
        facts=facts_of(material, (0,)),
        steps=(add(0, 0), settle(0, 0), settle(0, 0, anomaly="D1")),
    )


def look(
    material: Material, plan: Plan, due: Mapping[int, Collection[int]], *, after_delete: bool
) -> tuple[Step, ...]:
    """Everybody looks on every surface that the target offers, for own facts and for those of the others.

    due: the facts that everybody has now. after_delete: Alice or Bob has deleted all, so if the bystander
    misses something, that delete went too far whatever the names are.
    """
    word = "D1" if after_delete else None
    steps = [settle(BYSTANDER, fact, anomaly=word, control=True) for fact in due[BYSTANDER]]
    steps += [step for user in (ALICE, BOB) for step in _own(user, due[user])]
    for user in _EVERYBODY:
        steps += _lists(material, user, len(plan.steps) + len(steps))
    steps += _searches(material, plan)
    steps += [step for op in READ_BY_ID if op.value in material.capabilities for step in _by_id(op, plan)]
    if Operation.INTRUDE.value in material.capabilities:
        steps += [
            Step(op=Operation.INTRUDE, user=user, victim=victim, how=how, anomaly=anomaly)
            for how, anomaly in INTRUSION_ANOMALIES.items()
            for user, victim in ((ALICE, BOB), (BOB, ALICE), (NEWCOMER, ALICE))
        ]
    return tuple(steps)


def _own(user: int, due: Collection[int]) -> list[Step]:
    """The positive control: the user sees each own fact in a list and in a search, or that all is gone."""
    return [settle(user, fact) for fact in sorted(due)] or [settle(user, hold=True)]


def _lists(material: Material, user: int, at: int) -> Iterator[Step]:
    """The surfaces that list what a user has; the first step has the number `at` in the plan."""
    control = user == NEWCOMER
    yield list_all(user, anomaly="S1" if control else None, control=control)
    if Operation.PAGE.value in material.capabilities:
        yield Step(op=Operation.PAGE, user=user)
        for turn in range(1, PAGES + 1):
            yield Step(op=Operation.PAGE, user=user, cursor=at + turn)
    for op in (Operation.EXPORT, Operation.COUNT):
        if op.value in material.capabilities:
            yield Step(op=op, user=user)


def _searches(material: Material, plan: Plan) -> Iterator[Step]:
    """Everybody searches for the words of every fact, and for the same thing that nobody stored."""
    query = material.people.neutral_query()
    for user in _EVERYBODY:
        control = user == NEWCOMER
        # Some caches keep what was asked twice.
        for _ in range(2):
            yield search(user, query=query, anomaly="S1" if control else None, control=control)
        for fact in range(len(plan.facts)):
            yield search(user, fact)


def _by_id(op: Operation, plan: Plan) -> Iterator[Step]:
    """Everybody goes by every fact's id, and by two that do not exist, which should be answered alike."""
    for user in _EVERYBODY:
        for fact in (0, 0):
            yield Step(op=op, user=user, fact=fact, absent=True)
        for fact in range(len(plan.facts)):
            yield Step(op=op, user=user, fact=fact)
