"""counts-own: a total counts the user's own memories and nobody else's."""

from __future__ import annotations

from isolation_tests.judges.world import walk
from isolation_tests.model import Finding, History, Judgement, Law


def judge(history: History) -> Judgement:
    """Each total that is larger than what the user stored and still has.

    Where the user has deleted something, its ghost explains the surplus better than a stranger's fact.
    """
    findings = [
        Finding(
            anomaly=step.anomaly or ("D4" if world.lost(event.user) else "X1"),
            law=Law.COUNTS_OWN,
            operation=event.op,
            relation=history.plan.relation,
            viewer=event.user,
            owner=None,
            step=event.step,
            where="count",
            story=f"user {event.user} has {len(world.own(event.user))} facts and {event.op} says {event.number}",
        )
        for event, step, world in walk(history)
        if event.number is not None
        and not event.poll
        and not world.doubtful
        and event.number > len(world.own(event.user))
    ]
    return Judgement(findings=tuple(findings))
