"""Plans that try each capability before the suite relies on it."""

from __future__ import annotations

from functools import partial
from typing import Any

from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    HANDLES,
    OVERLAP,
    REOPEN,
    TOPIC,
    TWIN,
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

TRIED = ("get", "history", "export", "page", "count", "update", "delete", "maintain")
"""Capabilities that a law of their own tries, whether or not their probe worked."""
_ALSO = ("S1", "D1", "D3", "D4", "O1", "O2", "O3", "O4", "X1", "X5")


def probe_plan(capability: str, material: Material) -> Plan | None:
    """A plan whose last step shows that a claimed capability works; None if no plan can show it."""
    own: dict[str, tuple[Step, ...]] = {
        "get": (Step(op=Operation.GET, user=0, fact=0),),
        "history": (Step(op=Operation.HISTORY, user=0, fact=0),),
        "export": (Step(op=Operation.EXPORT, user=0),),
        "page": (Step(op=Operation.PAGE, user=0),),
        "count": (Step(op=Operation.COUNT, user=0),),
        "update": (Step(op=Operation.UPDATE, user=0, fact=1, replaces=0), settle(0), list_all(0)),
        "delete": (Step(op=Operation.DELETE, user=0, fact=0), settle(0), list_all(0)),
        "filters": (search(0, 0, filters=dict(TOPIC)), list_all(0, filters=dict(TOPIC))),
        "metadata": (list_all(0),),
        "key": (list_all(0),),
        OVERLAP: (list_all(0, lane=0), list_all(0)),
        HANDLES: (list_all(0, lane=1, on="handle"), list_all(0)),
        TWIN: (list_all(0, lane=0, on="twin"), list_all(0)),
        REOPEN: (Step(op=Operation.REOPEN, user=0), settle(0), list_all(0)),
        "maintain": (Step(op=Operation.MAINTAIN, user=0),),
    }
    if capability not in own:
        return None
    more: dict[str, Any] = {"metadata": dict(TOPIC)} if "metadata" in material.capabilities else {}
    if capability == "key":
        more["key"] = "probe-{base}"
    return Plan(
        name=f"probe-{capability}",
        anomaly="completeness",
        users=(ordinary(0),),
        facts=facts_of(material, (0, 0)),
        steps=(add(0, 0, **more), settle(0), *own[capability]),
    )


def _probe(capability: str, material: Material) -> Plan:
    """The probe; then its user leaves, and a newcomer stores a fact and looks on every surface."""
    plan = probe_plan(capability, material)
    if plan is None:
        raise LookupError(f"there is no probe for {capability}")
    new, text = 1, len(plan.facts)
    surfaces = [
        op for op in (Operation.COUNT, Operation.EXPORT, Operation.PAGE) if op in material.capabilities
    ]
    looked = [list_all(new), search(new, 0), *(Step(op=op, user=new) for op in surfaces)]
    return plan.model_copy(
        update={
            "users": (*plan.users, ordinary(new)),
            "facts": (*plan.facts, *facts_of(material, (new,))),
            "steps": (*plan.steps, *looked, delete_all(0), add(new, text), settle(new), *looked),
        }
    )


PROBE_CELLS = [
    Cell(f"completeness-{name}", "completeness", partial(_probe, name), needs=(name,), tries=name, also=_ALSO)
    for name in TRIED
]
