"""Credentials: a missing, bad or other user's credential never opens a user's memories."""

from __future__ import annotations

from functools import partial

from isolation_tests.adapter import INTRUSIONS
from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import Cell, Material, add, facts_of, ordinary, settle


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


def intrusion_cells() -> list[Cell]:
    """S3: the credential is missing, altered or expired. S5: it is valid, but the request names a victim."""
    anomalies = {how: "S5" if how.startswith("victim-in-") else "S3" for how in INTRUSIONS}
    return [
        Cell(f"{anomaly}-{how}", anomaly, partial(_intrusion, how, anomaly), needs=("intrude",))
        for how, anomaly in anomalies.items()
    ]
