"""Side doors: exports, pages, totals and versions keep to the asking user as search and get_all do."""

from __future__ import annotations

from functools import partial

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import Cell, Material, add, facts_of, list_all, ordinary, search, settle

PAGES = 4
"""Pages that are turned, to come past the last one whatever its size."""
ROUTES = (Operation.EXPORT, Operation.PAGE, Operation.HISTORY)


def _routes(route: Operation, material: Material) -> Plan:
    """The user who wrote first and the one who wrote last both take one route besides search and get_all."""
    clean = (
        search(1, query=material.people.neutral_query(), anomaly="S1", control=True),
        list_all(1, anomaly="S1", control=True),
        list_all(0, anomaly="S1", control=True),
    )
    steps = [
        *(add(0, fact) for fact in (0, 2, 3)),
        add(1, 1),
        settle(0, control=True),
        settle(1, control=True),
        *clean,
    ]
    for user in (0, 1, 0):
        steps += _taken(route, user, len(steps))
    counted = [Step(op=Operation.COUNT, user=user) for user in (0, 1) if "count" in material.capabilities]
    return Plan(
        name=f"side-door-{route}",
        anomaly="X5",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1, 0, 0)),
        needs=(route.value,),
        steps=(*steps, *counted, *clean),
    )


def _taken(route: Operation, user: int, at: int) -> list[Step]:
    """The steps by which the user takes a route, the first of them number `at` of the plan."""
    if route is Operation.PAGE:
        first = Step(op=route, user=user, anomaly="X5")
        return [first, *(Step(op=route, user=user, cursor=at + turn, anomaly="X5") for turn in range(PAGES))]
    fact = user if route is Operation.HISTORY else None
    return [Step(op=route, user=user, fact=fact, anomaly="X5")]


ROUTE_CELLS = [
    Cell(f"X5-{route}", "X5", partial(_routes, route), needs=(route.value,), also=("X1",)) for route in ROUTES
]
