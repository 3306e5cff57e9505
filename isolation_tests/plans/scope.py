"""The scope filter, every leg of a search, and the caller's own filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from isolation_tests.model import FactSpec, Operation, Plan
from isolation_tests.plans.cells import (
    TOPIC,
    Cell,
    Material,
    add,
    both_seen,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)


def _scope_drop(material: Material) -> Plan:
    return Plan(
        name="scope-drop",
        anomaly="S1",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1)),
        steps=(
            *both_seen(material, 1),
            list_all(1, anomaly="S1", control=True),
            search(1, 0, anomaly="S2"),
        ),
    )


def _empty_reader(material: Material) -> Plan:
    """A user without memories sees nothing: a system must not fall back to other users' rows."""
    return Plan(
        name="scope-drop-newcomer",
        anomaly="S1",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0,)),
        steps=(
            add(0, 0),
            settle(0, 0),
            list_all(1, anomaly="S1"),
            search(1, query=material.people.neutral_query(), anomaly="S1"),
        ),
    )


def _legs(material: Material) -> Plan:
    """Two users mention one person: every leg and field of a search keeps to the user's own memories."""
    people = material.people
    entity = people.shared_entity()
    facts = tuple(FactSpec(text=people.fact_about(entity), owners=(user,)) for user in (0, 1))
    return Plan(
        name="leg-unscoped",
        anomaly="S2",
        users=(ordinary(0), ordinary(1)),
        facts=facts,
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0),
            settle(1),
            search(1, query=people.neutral_query(), anomaly="S1", control=True),
            list_all(1, anomaly="S1", control=True),
            search(1, query=entity, anomaly="S2"),
            search(1, 0, anomaly="S2"),
            search(0, query=f"What do we know about {entity}?", anomaly="S2"),
        ),
    )


SCOPE_CELLS = [
    Cell("S1-two-users", "S1", _scope_drop, also=("S2",)),
    Cell("S1-newcomer", "S1", _empty_reader),
]
LEG_CELLS = [Cell("S2-shared-entity", "S2", _legs)]

PRECEDENCE: dict[str, Callable[[Sequence[str]], list[dict[str, Any]]]] = {
    "or": lambda _: [{"OR": [TOPIC, {"topic": "food"}]}],
    "or-last": lambda _: [{"OR": [{"topic": "no such topic"}, TOPIC]}],
    "not": lambda _: [{"NOT": {"topic": "no such topic"}}, {"NOT": [{"topic": "no such topic"}]}],
    "and": lambda _: [{"AND": [TOPIC]}],
    "owner-key": lambda keys: [{key: "@0"} for key in keys],
    "or-owner-key": lambda keys: [{"OR": [TOPIC, {key: "@0"}]} for key in keys],
    "not-owner-key": lambda keys: [{"NOT": {key: "@1"}} for key in keys],
}
"""Shapes of a caller's filter; each must only narrow the caller's own memories."""

INJECTED_VALUES = (
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR "1"="1',
    "travel' OR topic LIKE '%",
    "%",
    "*",
    "travel OR *:*",
    '{"$ne": null}',
    "$.*",
    "'}) RETURN n //",
)


def filter_cells() -> list[Cell]:
    """S5: each shape of a filter, in search and in get_all."""
    return [
        Cell(f"S5-{name}-{op}", "S5", _bind_filter(shape, "S5", op), needs=("filters", "metadata"))
        for name, shape in PRECEDENCE.items()
        for op in (Operation.SEARCH, Operation.GET_ALL)
    ]


def injection_cells() -> list[Cell]:
    """S6: filter values and keys that a query language would read as syntax."""

    def values(_: Sequence[str]) -> list[dict[str, Any]]:
        return [{"topic": value} for value in INJECTED_VALUES]

    def keys(_: Sequence[str]) -> list[dict[str, Any]]:
        return [{f"topic{tail}": "travel"} for tail in ("' OR '1'='1", '" OR "1"="1', "') OR 1=1 --", ".$ne")]

    def operators(_: Sequence[str]) -> list[dict[str, Any]]:
        return [{"topic": {"$ne": "x"}}, {"$or": [TOPIC, {"topic": {"$exists": True}}]}, {"$where": "1"}]

    return [
        Cell(f"S6-filter-{name}-{op}", "S6", _bind_filter(shape, "S6", op), needs=("filters", "metadata"))
        for name, shape in (("values", values), ("keys", keys), ("operators", operators))
        for op in (Operation.SEARCH, Operation.GET_ALL)
    ]


def _bind_filter(
    shape: Callable[[Sequence[str]], list[dict[str, Any]]], anomaly: str, op: Operation
) -> Callable[[Material], Plan]:
    return lambda material: _filter_plan(material, shape(material.owner_keys), anomaly, op)


def _filter_plan(material: Material, filters: list[dict[str, Any]], anomaly: str, op: Operation) -> Plan:
    """User 1 applies each filter; nothing of user 0 may show, who stored a fact with the same topic."""
    asked = [
        search(1, 0, filters=one, anomaly=anomaly)
        if op is Operation.SEARCH
        else list_all(1, filters=one, anomaly=anomaly)
        for one in filters
    ]
    return Plan(
        name=f"{anomaly}-filters",
        anomaly=anomaly,
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1)),
        needs=("filters", "metadata"),
        steps=(
            *both_seen(material, 1, metadata=TOPIC),
            search(1, 0, anomaly="S2", control=True),
            *asked,
        ),
    )
