"""Side doors: exports, pages, totals, versions and bad credentials never return another user's data."""

from __future__ import annotations

from functools import partial

from isolation_tests.adapter import INTRUSIONS
from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import Cell, Material, add, facts_of, list_all, ordinary, search, settle

PAGES = 4
"""How many pages to read, so that the last one is reached whatever its size."""
ROUTES = (Operation.EXPORT, Operation.PAGE, Operation.HISTORY)


def _routes(route: Operation, material: Material) -> Plan:
    """The first writer and the last writer both read by one more route than search and get_all."""
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
    """The steps with which the user reads by a route; the first one has the number `at` in the plan."""
    if route is Operation.PAGE:
        first = Step(op=route, user=user, anomaly="X5")
        return [first, *(Step(op=route, user=user, cursor=at + turn, anomaly="X5") for turn in range(PAGES))]
    fact = user if route is Operation.HISTORY else None
    return [Step(op=route, user=user, fact=fact, anomaly="X5")]


ROUTE_CELLS = [
    Cell(f"X5-{route}", "X5", partial(_routes, route), needs=(route.value,), also=("X1",)) for route in ROUTES
]


def _intrusion(how: str, anomaly: str, material: Material) -> Plan:
    return Plan(
        name=f"intrusion-{how}",
        anomaly=anomaly,
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1)),
        needs=("intrude",),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0, 0),
            settle(1, 1),
            Step(op=Operation.INTRUDE, user=1, victim=0, how=how, anomaly=anomaly),
            # If the session was mistaken for the victim's, that must not last.
            Step(op=Operation.GET_ALL, user=1, anomaly=anomaly),
        ),
    )


INTRUSION_ANOMALIES = {how: "S5" if how.startswith("victim-in-") else "S3" for how in INTRUSIONS}
"""S3: the credential is missing, altered or expired. S5: it is valid, but the request names a victim."""


def intrusion_cells() -> list[Cell]:
    """A cell for each way in."""
    return [
        Cell(f"{anomaly}-{how}", anomaly, partial(_intrusion, how, anomaly), needs=("intrude",))
        for how, anomaly in INTRUSION_ANOMALIES.items()
    ]
