"""Plans in which one user has many facts and another has one."""

from __future__ import annotations

from isolation_tests.model import Plan, Step
from isolation_tests.plans.cells import Material, add, facts_of, ordinary, settle

BULK = 130
"""More than the pages of 10 to 100 memories at which systems are known to stop."""


def bulk_plan(material: Material, anomaly: str, steps: tuple[Step, ...], needs: tuple[str, ...] = ()) -> Plan:
    """User 0 stores many facts and user 1 stores one (fact number BULK); then come the given steps."""
    return Plan(
        name=f"bulk-{anomaly}",
        anomaly=anomaly,
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (*(0 for _ in range(BULK)), 1)),
        needs=needs,
        steps=(
            *(add(0, fact) for fact in range(BULK)),
            add(1, BULK),
            settle(1, control=True),
            *steps,
        ),
    )
