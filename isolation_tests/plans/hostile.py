"""Hostile values in place of a user: reading, writing and deleting with None, wildcards and other values."""

from __future__ import annotations

from collections.abc import Callable

from isolation_tests.model import FactSpec, Plan, Step, UserSpec
from isolation_tests.plans.cells import (
    Cell,
    Material,
    add,
    delete_all,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)
from isolation_tests.testdata.relations import HOSTILE_VALUES, HostileValue


def hostile_cells(kind: str) -> list[Cell]:
    """A cell for each hostile value. kind: reads, writes or deletes."""
    build = {"reads": _hostile_read, "writes": _hostile_write, "deletes": _hostile_delete}[kind]
    return [
        Cell(
            id=f"{value.anomaly}-{value.name}-{kind}",
            anomaly=value.anomaly,
            build=_bind_value(build, value),
            quick=value.quick,
            relation=value.name,
        )
        for value in HOSTILE_VALUES
    ]


def _bind_value(
    build: Callable[[Material, HostileValue], Plan], value: HostileValue
) -> Callable[[Material], Plan]:
    return lambda material: build(material, value)


def _hostile_plan(value: HostileValue, facts: tuple[FactSpec, ...], steps: tuple[Step, ...]) -> Plan:
    """User 0 is ordinary, user 1 has the hostile value, users 2 and 3 are ordinary controls."""
    return Plan(
        name=value.name,
        anomaly=value.anomaly,
        relation=value.name,
        users=(ordinary(0), value.spec(group=0), ordinary(1), ordinary(2)),
        facts=facts,
        steps=steps,
    )


def _hostile_read(material: Material, value: HostileValue) -> Plan:
    steps = (
        add(0, 0),
        settle(0, 0),
        search(2, query=material.people.neutral_query(), anomaly="S1", control=True),
        list_all(2, anomaly="S1", control=True),
        search(1, 0, anomaly=value.anomaly),
        list_all(1, anomaly=value.anomaly),
    )
    return _hostile_plan(value, facts_of(material, (0,)), steps)


def _hostile_write(material: Material, value: HostileValue) -> Plan:
    steps = (
        add(2, 1),
        settle(2, 1),
        add(0, 2),
        settle(0, 2, control=True),
        add(1, 0),
        list_all(2, anomaly=value.anomaly),
        search(2, 0, anomaly=value.anomaly),
        list_all(1, anomaly=value.anomaly),
    )
    return _hostile_plan(value, facts_of(material, (1, 2, 0)), steps)


def _hostile_delete(material: Material, value: HostileValue) -> Plan:
    steps = (
        add(0, 0),
        add(2, 1),
        add(3, 2),
        settle(0, 0),
        settle(2, 1, control=True),
        delete_all(3),
        list_all(0, anomaly="D1", control=True),
        delete_all(1),
        settle(1, hold=True),
        list_all(0, anomaly=value.anomaly),
        list_all(2, anomaly=value.anomaly),
    )
    return _hostile_plan(value, facts_of(material, (0, 2, 3)), steps)


TYPED_PAIRS: tuple[tuple[str, str, str], ...] = (
    ("one-true", "1", "true"),
    ("one-text", "1", '"1"'),
    ("zero-false", "0", "false"),
    ("true-text", "true", '"true"'),
)
"""Pairs of literals that a loose comparison treats as equal: (name, a, b) as JSON."""


def typed_cells() -> list[Cell]:
    """Two literals of different types: neither reads what the other writes."""
    return [
        Cell(f"A6-{name}-{way}", "A6", _bind_typed(name, *pair), quick=False, relation=name)
        for name, a, b in TYPED_PAIRS
        for way, pair in (("a-writes", (a, b)), ("b-writes", (b, a)))
    ]


def _bind_typed(name: str, writer: str, reader: str) -> Callable[[Material], Plan]:
    return lambda material: _typed_plan(material, name, writer, reader)


def _typed_plan(material: Material, name: str, writer: str, reader: str) -> Plan:
    users = [UserSpec(template=t, type="json", hostile=True) for t in (writer, reader)]
    return Plan(
        name=name,
        anomaly="A6",
        relation=name,
        users=(*users, ordinary(1), ordinary(2)),
        facts=facts_of(material, (0, 1, 2)),
        steps=(
            add(2, 2),
            settle(2, 2, control=True),
            add(0, 0),
            *(list_all(user, anomaly="S1", control=True) for user in (2, 3)),
            *(
                search(user, query=material.people.neutral_query(), anomaly="S1", control=True)
                for user in (2, 3)
            ),
            list_all(1, anomaly="A6"),
            search(1, 0, anomaly="A6"),
        ),
    )
