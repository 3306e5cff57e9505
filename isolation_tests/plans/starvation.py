"""Starvation: a search finds a user's own facts however many more similar ones other users store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from isolation_tests.model import FactSpec, Plan
from isolation_tests.plans.cells import Cell, Material, add, list_all, ordinary, search, settle
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


STARVATION_CELLS = [
    Cell("S4-nearer-20", "S4", partial(_starvation, QUICK_RAMP)),
    Cell("S4-ramp", "S4", partial(_starvation, WHOLE_RAMP), quick=False),
]
