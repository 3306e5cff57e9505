"""Related names: every relation in both directions, and all pairs at once so that a leak shows early."""

from __future__ import annotations

from collections.abc import Callable

from isolation_tests.model import Operation, Plan
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
from isolation_tests.testdata.relations import RELATIONS, Relation


def name_cells(operation: Operation) -> list[Cell]:
    """A cell for each relation and direction. operation: search, get_all or delete_all."""
    build = _delete_plan if operation is Operation.DELETE_ALL else _read_plan
    return [
        Cell(
            id=f"{relation.anomaly}-{relation.name}-{operation}-{direction}",
            anomaly=relation.anomaly,
            build=_bind_names(build, relation, operation, actor),
            quick=relation.quick and actor == 0,
            relation=relation.name,
            also=("D1", "D3") if operation is Operation.DELETE_ALL else ("S1",),
        )
        for relation in RELATIONS
        for actor, direction in ((0, "a-acts"), (1, "b-acts"))
    ]


def _bind_names(
    build: Callable[[Material, Relation, Operation, int], Plan],
    relation: Relation,
    operation: Operation,
    actor: int,
) -> Callable[[Material], Plan]:
    return lambda material: build(material, relation, operation, actor)


def _read_plan(material: Material, relation: Relation, operation: Operation, viewer: int) -> Plan:
    """The viewer and an unrelated control user read; only the owner may see fact 0."""
    owner, control, query = 1 - viewer, 2, material.people.neutral_query()
    searching = operation is Operation.SEARCH
    probes = (
        (
            search(control, query=query, anomaly="S1", control=True),
            search(control, 0, anomaly="S2", control=True),
            search(viewer, 0, anomaly=relation.anomaly),
            search(viewer, query=query, anomaly=relation.anomaly),
        )
        if searching
        else (list_all(control, anomaly="S1", control=True), list_all(viewer, anomaly=relation.anomaly))
    )
    return Plan(
        name=f"{relation.name}-{operation}",
        anomaly=relation.anomaly,
        relation=relation.name,
        users=(*relation.pair(), ordinary(1)),
        facts=facts_of(material, (owner, viewer, control)),
        steps=(
            add(owner, 0),
            add(viewer, 1),
            add(control, 2),
            settle(control, 2 if searching else None, control=True),
            settle(owner, 0 if searching else None),
            settle(viewer, 1 if searching else None),
            *probes,
        ),
    )


def _delete_plan(material: Material, relation: Relation, operation: Operation, actor: int) -> Plan:
    """The actor deletes all; the related victim and an unrelated control user keep everything.

    The effect of a hostile name may go beyond its relation. Then the control is an ordinary user's delete
    before it.
    """
    victim, control = 1 - actor, 2
    if relation.hostile:
        return _hostile_delete_plan(material, relation, actor)
    return Plan(
        name=f"{relation.name}-{operation}",
        anomaly=relation.anomaly,
        relation=relation.name,
        users=(*relation.pair(), ordinary(1)),
        facts=facts_of(material, (actor, victim, control)),
        steps=(
            add(actor, 0),
            add(victim, 1),
            add(control, 2),
            settle(control, control=True),
            settle(actor),
            settle(victim),
            delete_all(actor),
            settle(actor, anomaly="D3", hold=True),
            list_all(control, anomaly="D1", control=True),
            list_all(victim, anomaly=relation.anomaly),
        ),
    )


def _hostile_delete_plan(material: Material, relation: Relation, actor: int) -> Plan:
    victim, bystander, ordinary_actor = 1 - actor, 2, 3
    return Plan(
        name=f"{relation.name}-{Operation.DELETE_ALL}",
        anomaly=relation.anomaly,
        relation=relation.name,
        users=(*relation.pair(), ordinary(1), ordinary(2)),
        facts=facts_of(material, (actor, victim, bystander, ordinary_actor)),
        steps=(
            *(add(user, fact) for fact, user in enumerate((actor, victim, bystander, ordinary_actor))),
            settle(bystander, control=True),
            settle(ordinary_actor, control=True),
            settle(actor),
            settle(victim),
            delete_all(ordinary_actor),
            settle(ordinary_actor, control=True),
            list_all(bystander, anomaly="D1", control=True),
            delete_all(actor),
            settle(actor, anomaly="D3", hold=True),
            list_all(bystander, anomaly=relation.anomaly),
            list_all(victim, anomaly=relation.anomaly),
        ),
    )


def _all_pairs(material: Material) -> Plan:
    """The pairs arrive one by one. When both users of a pair have stored a fact, each lists their memories.

    The plan leaves declared aliases, and names that users outside the run may have, to the matrix.
    """
    relations = [
        relation
        for relation in RELATIONS
        if relation.name not in material.aliases
        and not relation.hostile
        and relation.a_type == relation.b_type == "str"
    ]
    users = [ordinary(0)]
    steps = [add(0, 0), settle(0, control=True)]
    for group, relation in enumerate(relations, start=1):
        a, b = len(users), len(users) + 1
        users += relation.pair(group)
        steps += [add(a, a), settle(a), add(b, b), settle(b)]
        steps.append(list_all(a))
    steps.append(settle(0, anomaly="S1", control=True))
    return Plan(
        name="all-pairs",
        anomaly="A1",
        users=tuple(users),
        facts=facts_of(material, range(len(users))),
        steps=tuple(steps),
    )


_NAMED = tuple(sorted({relation.anomaly for relation in RELATIONS if not relation.hostile}))


PAIR_CELLS = [Cell("A1-all-pairs", "A1", _all_pairs, also=("S1", "completeness", *_NAMED))]
