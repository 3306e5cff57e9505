"""All pairs of related names at once, so that a leak by name shows early in a run."""

from __future__ import annotations

from isolation_tests.model import Plan
from isolation_tests.plans.cells import Cell, Material, add, facts_of, list_all, ordinary, settle
from isolation_tests.testdata.relations import RELATIONS


def _plan(material: Material) -> Plan:
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
PAIR_CELLS = [Cell("A1-all-pairs", "A1", _plan, also=("S1", "completeness", *_NAMED))]
