"""Derived data, totals, error texts, completeness and the crowd."""

from __future__ import annotations

from functools import partial
from typing import Any

from isolation_tests.model import FactSpec, Operation, Plan, Step, UserSpec
from isolation_tests.plans.cells import (
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


def _twins(material: Material) -> Plan:
    """Two users store the same text: it stays two memories, and deleting one leaves the other."""
    own = facts_of(material, (0, 1, 2))
    shared = FactSpec(text=material.people.fact(), owners=(0, 1))
    return Plan(
        name="dedup",
        anomaly="M1",
        users=(ordinary(0), ordinary(1), ordinary(2)),
        facts=(*own, shared),
        steps=(
            add(0, 0),
            add(1, 1),
            add(2, 2),
            settle(0, 0, control=True),
            settle(1, 1, control=True),
            settle(2),
            add(0, 3),
            add(1, 3),
            settle(0, anomaly="M1"),
            settle(1, anomaly="M1"),
            list_all(0, anomaly="M1"),
            list_all(1, anomaly="M1"),
            delete_all(0),
            settle(0, anomaly="D3"),
            list_all(2, anomaly="D1", control=True),
            list_all(1, anomaly="M1"),
            # If the same text gets the same id again, ids are made from texts.
            delete_all(1),
            settle(1, anomaly="D3"),
            add(0, 3),
        ),
    )


def _volumes(material: Material) -> Plan:
    """One user has five facts and one has two; each total counts the user's own."""
    return Plan(
        name="counts",
        anomaly="X1",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 0, 0, 0, 0, 1, 1)),
        needs=("count",),
        steps=(
            *(add(0, fact) for fact in range(5)),
            *(add(1, fact) for fact in (5, 6)),
            settle(0),
            settle(1),
            Step(op=Operation.COUNT, user=0),
            Step(op=Operation.COUNT, user=1),
        ),
    )


def _spoken_errors(material: Material) -> Plan:
    """Calls that are likely to fail: their messages reveal nothing about other users."""
    offered = material.capabilities
    foreign = [
        Step(op=op, user=1, fact=0)
        for op in (Operation.GET, Operation.DELETE, Operation.HISTORY)
        if op.value in offered
    ]
    narrowed = [search(1, 0, filters={"": {"": ["@1"]}}, anomaly="S5")] if "filters" in offered else []
    return Plan(
        name="error-text",
        anomaly="X3",
        users=(ordinary(0), ordinary(1), UserSpec(template="null", type="json", hostile=True)),
        facts=facts_of(material, (0, 1)),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0, 0),
            settle(1, 1),
            *narrowed,
            search(1, query="", anomaly="S1"),
            search(2, 0, anomaly="S3"),
            *foreign,
        ),
    )


def _own_facts(material: Material) -> Plan:
    return bulk_plan(material, "completeness", (settle(0, 0), list_all(0)))


def _crowd(material: Material) -> Plan:
    """Many users are present at once, and each sees only their own fact."""
    everybody = range(material.crowd)
    return Plan(
        name="crowd",
        anomaly="S1",
        users=tuple(ordinary(user) for user in everybody),
        facts=facts_of(material, tuple(everybody)),
        steps=(
            *(add(user, user) for user in everybody),
            *(settle(user, user, control=True) for user in everybody),
            *(list_all(user, anomaly="completeness") for user in list(everybody)[::10]),
        ),
    )


def _one_name(material: Material) -> Plan:
    """Two users store facts about people with the same name: their rows and their deletes stay separate."""
    people = material.people
    entity = people.shared_entity()
    about = tuple(FactSpec(text=people.fact_about(entity), owners=(user,)) for user in (0, 0, 1, 1))
    return Plan(
        name="entity-merge",
        anomaly="M2",
        users=(ordinary(0), ordinary(1), ordinary(2)),
        facts=(*facts_of(material, (0, 1, 2)), *about),
        steps=(
            *(add(user, user) for user in range(3)),
            *(settle(user, user, control=True) for user in range(3)),
            search(1, query=people.neutral_query(), anomaly="S1", control=True),
            list_all(1, anomaly="S1", control=True),
            *(add(user, fact) for user, fact in ((0, 3), (1, 5), (0, 4), (1, 6))),
            settle(0, anomaly="M2"),
            settle(1, anomaly="M2"),
            search(0, query=entity, anomaly="S2"),
            search(1, query=entity, anomaly="S2"),
            delete_all(0),
            settle(0, anomaly="D3"),
            list_all(2, anomaly="D1", control=True),
            search(1, query=entity, anomaly="M2"),
            list_all(1, anomaly="M2"),
        ),
    )


def _consolidated(maintainer: int, material: Material) -> Plan:
    """One user's maintenance, which may consolidate, neither takes in nor gives away another user's facts."""
    other, query = 1 - maintainer, material.people.neutral_query()
    exporting = "export" in material.capabilities

    def exported(user: int, **more: Any) -> list[Step]:
        return [Step(op=Operation.EXPORT, user=user, **more)] if exporting else []

    def all_seen(user: int, anomaly: str) -> list[Step]:
        read = [list_all(user, anomaly=anomaly), search(user, query=query, anomaly=anomaly)]
        return [*read, *exported(user, anomaly=anomaly)]

    return Plan(
        name="blend" if maintainer else "misattribution",
        anomaly="M3" if maintainer else "M5",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1, 0, 1)),
        needs=("maintain",),
        steps=(
            # In one cell the maintainer is the last writer; in the other it is not.
            *(add(fact % 2, fact) for fact in range(4)),
            settle(0, control=True),
            settle(1, control=True),
            *(search(user, query=query, anomaly="S1", control=True) for user in (0, 1)),
            *(step for user in (0, 1) for step in exported(user, anomaly="X5", control=True)),
            Step(op=Operation.MAINTAIN, user=maintainer),
            *all_seen(maintainer, "M3"),
            *all_seen(other, "M5"),
        ),
    )


def _contradicted(material: Material) -> Plan:
    """Two users make contradictory statements about one person; each statement stays unchanged."""
    people = material.people
    entity = people.shared_entity()
    said = people.statements(entity)
    return Plan(
        name="foreign-update",
        anomaly="M4",
        users=(ordinary(0), ordinary(1)),
        facts=(
            *facts_of(material, (0, 1)),
            *(FactSpec(text=text, owners=(user,)) for user, text in enumerate(said)),
        ),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0, control=True),
            settle(1, control=True),
            list_all(1, anomaly="S1", control=True),
            add(0, 2),
            settle(0, anomaly="M4"),
            add(1, 3),
            settle(1, anomaly="M4"),
            list_all(0, anomaly="M4"),
            list_all(1, anomaly="M4"),
        ),
    )


TWIN_CELLS = [Cell("M1-same-text", "M1", _twins)]
ENTITY_CELLS = [Cell("M2-shared-name", "M2", _one_name, also=("S2",))]
CONSOLIDATION_CELLS = [
    Cell("M3-maintain", "M3", partial(_consolidated, 1), needs=("maintain",), also=("M5",)),
    Cell("M5-maintain", "M5", partial(_consolidated, 0), needs=("maintain",), also=("M3",)),
]
STATEMENT_CELLS = [Cell("M4-contrary", "M4", _contradicted)]
COUNT_CELLS = [Cell("X1-unequal", "X1", _volumes, needs=("count",))]
ERROR_CELLS = [Cell("X3-errors", "X3", _spoken_errors)]
OWN_CELLS = [Cell("completeness-bulk", "completeness", _own_facts, quick=False)]
CROWD_CELLS = [Cell("S1-crowd", "S1", _crowd, also=("completeness",))]
