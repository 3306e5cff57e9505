"""What the probe of a capability says of it."""

from __future__ import annotations

from collections.abc import Callable

from isolation_tests.judges.judging import judge
from isolation_tests.model import History, Operation, Outcome, Plan
from isolation_tests.plans.compared import patient
from isolation_tests.plans.probes import TRIED


def tried(capability: str, plan: Plan, perform: Callable[[Plan], History]) -> str:
    """What the probe of a capability says of it: "ok", or why it does not work.

    Where a write may take a while to show, what does not show is asked once more after that while.
    """
    history = perform(plan)
    said = history.cut or lacks(capability, history)
    if said == "ok" or history.cut or not history.consistency:
        return said
    again = perform(patient(plan))
    return again.cut or lacks(capability, again)


def lacks(capability: str, history: History) -> str:
    """Why a capability does not work, by the history of its probe; "ok" if it does."""
    judged = judge(history)
    last = history.events[-1]
    if last.op is Operation.GET_ALL and last.outcome is Outcome.UNSUPPORTED:
        return _without_a_list(history)
    if last.outcome is not Outcome.OK:
        return f"{last.op} of the user's own memory: {last.outcome} ({last.error_kind}: {last.error})"
    shown = last.rows or last.number or last.op.value in ("delete", "maintain", "get_all")
    if not shown:
        return f"{last.op} did not show the user's own memory"
    # What these show of others, or lose, is a finding of the law that tries them: nothing is lacking.
    if capability in TRIED and judged.findings:
        return "ok"
    return next(iter((*judged.errors, *judged.doubts, *(found.story for found in judged.findings))), "ok")


def _without_a_list(history: History) -> str:
    """Whether all but the list worked, which the target does not have."""
    failed = (event for event in history.events if event.outcome not in (Outcome.OK, Outcome.UNSUPPORTED))
    return next(
        (f"{event.op}: {event.outcome} ({event.error_kind}: {event.error})" for event in failed), "ok"
    )
