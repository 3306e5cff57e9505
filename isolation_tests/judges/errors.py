"""silent-errors: an error message never names another user."""

from __future__ import annotations

from isolation_tests.judges.finding import found
from isolation_tests.model import History, Judgement, Law


def judge(history: History) -> Judgement:
    """Each error text that gives away the name of a user who did not make the call."""
    findings = [
        found(
            history,
            event,
            anomaly="X3",
            law=Law.SILENT_ERRORS,
            owner=named,
            where="error",
            story=f"the error that user {event.user} got from {event.op} names user {named}",
        )
        for event in history.events
        for named in event.names
    ]
    return Judgement(findings=tuple(findings))
