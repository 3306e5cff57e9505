"""Many facts of one user beside one of another."""

from __future__ import annotations

from isolation_tests.model import Plan, Step
from isolation_tests.plans.cells import Material, add, facts_of, ordinary, settle

BULK = 130
"""More than the pages of 10 to 100 memories that systems are known to stop at."""


def bulk_plan(material: Material, anomaly: str, steps: tuple[Step, ...], needs: tuple[str, ...] = ()) -> Plan:
    """User 0 stores many facts, user 1 one (fact number BULK); then the given steps."""
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
