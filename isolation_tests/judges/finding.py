"""How a judge says what it saw: one finding of one event."""

from __future__ import annotations

from isolation_tests.model import Event, Finding, History, Law, UserIndex


def found(
    history: History,
    event: Event,
    *,
    anomaly: str,
    law: Law,
    owner: UserIndex | None,
    story: str,
    where: str = "",
) -> Finding:
    """What an event shows of a history; where: the operation's name if not said."""
    return Finding(
        anomaly=anomaly,
        law=law,
        operation=event.op,
        relation=history.plan.relation,
        viewer=event.user,
        owner=owner,
        step=event.step,
        where=where or event.op.value,
        story=story,
    )
