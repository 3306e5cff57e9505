"""Deletes: they spare other users, remove all of a user's own memories, and are permanent."""

from __future__ import annotations

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    READ_BY_ID,
    Cell,
    Material,
    add,
    bulk_plan,
    delete_all,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)

_ONE_LEAVES = (
    *(add(user, user) for user in range(3)),
    *(settle(user) for user in range(3)),
    delete_all(0),
    settle(0, hold=True),
)
"""Three users store a fact each, and the first of them deletes all."""


def first_delete(material: Material) -> Plan:
    """Delete one own user beside two own bystanders: what a store with data to keep gets first."""
    return Plan(
        name="first-delete",
        anomaly="D1",
        users=(ordinary(0), ordinary(1), ordinary(2)),
        facts=facts_of(material, (0, 1, 2)),
        steps=(
            *_ONE_LEAVES,
            list_all(1, anomaly="D1"),
            list_all(2, anomaly="D1"),
        ),
    )


def _collateral(material: Material) -> Plan:
    return Plan(
        name="collateral",
        anomaly="D1",
        users=(ordinary(0), ordinary(1), ordinary(2)),
        facts=facts_of(material, (0, 1, 2)),
        steps=(
            *_ONE_LEAVES,
            list_all(1, anomaly="D1"),
            search(1, 1, anomaly="D1"),
            list_all(2, anomaly="D1"),
            delete_all(0),
            list_all(1, anomaly="D1"),
        ),
    )


def _maintained(material: Material) -> Plan:
    maintain = Step(op=Operation.MAINTAIN, user=0)
    return Plan(
        name="wide-reset",
        anomaly="D2",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1)),
        needs=("maintain",),
        steps=(add(0, 0), add(1, 1), settle(0), settle(1), maintain, list_all(1, anomaly="D2")),
    )


def _whole(material: Material) -> Plan:
    return bulk_plan(
        material,
        "D3",
        (settle(0), delete_all(0), settle(0), list_all(0, anomaly="D3"), list_all(1, anomaly="D1")),
    )


def _ghost(material: Material) -> Plan:
    """After a delete, every surface is empty; neither a later write nor an equal text restores anything."""
    offered = material.capabilities
    by_id = [Step(op=op, user=0, fact=0) for op in READ_BY_ID if op in offered]
    whole = [
        Step(op=op, user=0)
        for op in (Operation.COUNT, Operation.EXPORT, Operation.PAGE)
        if op.value in offered
    ]
    return Plan(
        name="ghost",
        anomaly="D4",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 0, 1, 0, 1, 1, 1)),
        steps=(
            add(0, 0),
            add(0, 1),
            # More facts than user 0 deletes, so that a total over all users does not look like a ghost.
            *(add(1, fact) for fact in (2, 4, 5, 6)),
            settle(0, 0),
            settle(1),
            delete_all(0),
            settle(0, 0),
            search(0, 0, anomaly="D4"),
            *by_id,
            *whole,
            add(0, 3),
            settle(0),
            list_all(0, anomaly="D4"),
            search(0, 1, anomaly="D4"),
            add(0, 0),
            settle(0),
            list_all(0, anomaly="D4"),
            search(0, 1, anomaly="D4"),
            *(step for step in whole if step.op is not Operation.PAGE),
        ),
    )


def _ghost_of_one(material: Material) -> Plan:
    offered = material.capabilities
    by_id = [Step(op=op, user=0, fact=0) for op in READ_BY_ID if op in offered]
    return Plan(
        name="ghost-of-one",
        anomaly="D4",
        users=(ordinary(0),),
        facts=facts_of(material, (0, 0)),
        needs=("delete",),
        steps=(
            add(0, 0),
            add(0, 1),
            settle(0, 0),
            Step(op=Operation.DELETE, user=0, fact=0),
            settle(0, 1, anomaly="D4"),
            search(0, 0, anomaly="D4"),
            *by_id,
        ),
    )


def _ghost_of_later(material: Material) -> Plan:
    """After a delete, nothing brings memories back: no write by another user, no maintenance, no read."""
    offered = material.capabilities
    whole = [
        Step(op=op, user=0, anomaly="D4") for op in (Operation.EXPORT, Operation.PAGE) if op.value in offered
    ]
    by_id = [Step(op=Operation.GET, user=0, fact=0, anomaly="D4")] if "get" in offered else []
    again = (list_all(0, anomaly="D4"), search(0, 0, anomaly="D4"), *whole, *by_id)
    maintained = [
        step
        for user in (0, 1)
        if "maintain" in offered
        for step in (Step(op=Operation.MAINTAIN, user=user), *again)
    ]
    return Plan(
        name="ghost-of-later",
        anomaly="D4",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 0, 1, 1)),
        steps=(
            add(0, 0),
            add(0, 1),
            add(1, 2),
            settle(0, 0),
            settle(1, 2),
            delete_all(0),
            settle(0, 0),
            *again,
            # Everything has been read since the delete; a cached or repaired memory would show now.
            list_all(1, anomaly="D1"),
            search(1, 2),
            *again,
            add(1, 3),
            settle(1, 3),
            *again,
            *maintained,
        ),
    )


COLLATERAL_CELLS = [Cell("D1-unrelated", "D1", _collateral)]
MAINTAIN_CELLS = [Cell("D2-maintain", "D2", _maintained, needs=("maintain",))]
PARTIAL_CELLS = [Cell("D3-bulk", "D3", _whole, quick=False, also=("completeness",))]
GHOST_CELLS = [
    Cell("D4-delete-all", "D4", _ghost),
    Cell("D4-later", "D4", _ghost_of_later, also=("D3",)),
    Cell("D4-delete", "D4", _ghost_of_one, needs=("delete",)),
]
