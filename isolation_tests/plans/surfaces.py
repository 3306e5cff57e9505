"""Surfaces: all ways to read a user's memories agree, also through another client of the same store."""

from __future__ import annotations

from functools import partial

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    TWIN,
    Cell,
    Material,
    add,
    delete_all,
    facts_of,
    list_all,
    ordinary,
    settle,
)

OWN = 12
"""More than a page of ten."""
PAGES = 3
SURFACES = (Operation.COUNT, Operation.EXPORT, Operation.PAGE, Operation.GET)


def _agreeing(surface: Operation, material: Material) -> Plan:
    """Compares the user's list with one more surface: with all memories, after one delete, and with none."""
    stored = (*(add(0, fact) for fact in range(OWN)), *(add(1, OWN + number) for number in range(3)))
    steps = [*stored, settle(0), settle(1)]
    steps += _looked(surface, range(OWN), len(steps))
    if "delete" in material.capabilities:
        steps += [Step(op=Operation.DELETE, user=0, fact=0), settle(0)]
        steps += _looked(surface, range(1, OWN), len(steps))
    if surface is not Operation.COUNT:
        # Not for totals: a total over all users would then look like the user's deleted memories.
        steps += [delete_all(0), settle(0)]
        steps += _looked(surface, (), len(steps))
    return Plan(
        name=f"surfaces-{surface}",
        anomaly="completeness",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (*(0 for _ in range(OWN)), 1, 1, 1)),
        steps=tuple(steps),
        needs=(surface.value,),
    )


def _looked(surface: Operation, facts: range | tuple[int, ...], at: int) -> list[Step]:
    """Reads the list and then the surface; the first step has the number `at` in the plan."""
    if surface is Operation.GET:
        return [list_all(0), *(Step(op=surface, user=0, fact=fact) for fact in facts)]
    turned = range(at + 1, at + PAGES) if surface is Operation.PAGE and facts else ()
    more = (Step(op=surface, user=0, cursor=before) for before in turned)
    return [list_all(0), Step(op=surface, user=0), *more]


def _twins(material: Material) -> Plan:
    """Each client reads what the other writes, and a delete by one is visible to both."""

    def by_twin(step: Step) -> Step:
        return step.model_copy(update={"lane": 0, "on": "twin"})

    return Plan(
        name="surfaces-twin",
        anomaly="completeness",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1, 0, 1)),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0, 0),
            settle(1, 1),
            *(by_twin(list_all(user)) for user in (0, 1)),
            *(by_twin(add(user, 2 + user)) for user in (0, 1)),
            settle(0, 2),
            settle(1, 3),
            *(by_twin(list_all(user)) for user in (0, 1)),
            by_twin(delete_all(0)),
            settle(0),
            list_all(0, anomaly="D3"),
            list_all(1, anomaly="D1"),
            delete_all(1),
            settle(1, hold=True),
            by_twin(list_all(1, anomaly="D3")),
        ),
        needs=(TWIN,),
    )


_ALSO = ("S1", "X1", "D1", "D3", "D4")
SURFACE_CELLS = [
    *(
        Cell(f"completeness-{op}", "completeness", partial(_agreeing, op), needs=(op.value,), also=_ALSO)
        for op in SURFACES
    ),
    Cell("completeness-twin", "completeness", _twins, needs=(TWIN,), also=_ALSO),
]
