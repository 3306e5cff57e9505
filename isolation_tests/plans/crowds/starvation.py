"""Starvation: a search finds a user's own facts however many more similar ones other users store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from isolation_tests.model import FactSpec, Operation, Plan, Step
from isolation_tests.plans.cells import Cell, Material, add, facts_of, list_all, ordinary, search, settle
from isolation_tests.testdata.facts import question

OWN = 3
LIMIT = 10
QUICK_RAMP = (20,)
WHOLE_RAMP = (20, 80, 150, 500)
"""How many more similar facts others have at each step; the last is more than systems fetch at once."""


def _starvation(ramp: Sequence[int], material: Material) -> Plan:
    """User 0 repeats a search before and after each step in which users 1 and 2 store more similar facts."""
    people = material.people
    subject = people.subject()
    others = [1 + number % 2 for number in range(ramp[-1])]
    # The question is more similar to the others' facts. The bare subject suits systems that match all words.
    asked = [search(0, query=query, limit=LIMIT, anomaly="S4") for query in (question(subject), subject)]
    steps = [*(add(0, fact) for fact in range(OWN)), settle(0, 0), *asked]
    for low, high in pairwise((0, *ramp)):
        steps += [add(others[number], OWN + number) for number in range(low, high)]
        steps += [settle(1), settle(2), *asked, list_all(0, anomaly="completeness")]
    return Plan(
        name=f"starvation-{ramp[-1]}",
        anomaly="S4",
        users=(ordinary(0), ordinary(1), ordinary(2)),
        facts=(
            *(FactSpec(text=people.fact_far(subject), owners=(0,)) for _ in range(OWN)),
            *(FactSpec(text=people.fact_near(subject), owners=(user,)) for user in others),
        ),
        steps=tuple(steps),
    )


_WITNESS, _OTHERS, _EACH = 0, 40, 4


def _crowd(material: Material) -> Plan:
    """User 0 stores a few facts; then others store four times a crowd; then user 0 looks on every surface."""
    many = _EACH * material.crowd
    owners = [_WITNESS] * OWN + [1 + number % _OTHERS for number in range(many)]
    looked = [op for op in (Operation.COUNT, Operation.EXPORT) if op in material.capabilities]
    by_id = [Step(op=Operation.GET, user=_WITNESS, fact=0, anomaly="D1")] * ("get" in material.capabilities)
    return Plan(
        name="old-among-many",
        anomaly="D1",
        users=tuple(ordinary(user) for user in range(_OTHERS + 1)),
        facts=facts_of(material, owners),
        steps=(
            *(add(_WITNESS, fact) for fact in range(OWN)),
            settle(_WITNESS, 0, control=True),
            *(add(owner, OWN + number) for number, owner in enumerate(owners[OWN:])),
            settle(_WITNESS, 0, anomaly="D1"),
            *(Step(op=op, user=_WITNESS, anomaly="D1") for op in looked),
            *by_id,
        ),
    )


CROWD_CELLS = [Cell("D1-old-among-many", "D1", _crowd, quick=False, also=("S4", "completeness"))]
STARVATION_CELLS = [
    Cell("S4-nearer-20", "S4", partial(_starvation, QUICK_RAMP)),
    Cell("S4-ramp", "S4", partial(_starvation, WHOLE_RAMP), quick=False),
]
