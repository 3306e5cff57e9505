"""Stores one fact many times for one user, as long as there is time and room in the run's budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.execution.meter import RunEnded
from isolation_tests.execution.plan_run import PlanRun
from isolation_tests.model import Outcome, Step

__all__ = ["fill"]

Answer = tuple[Outcome, Any, BaseException | None]
_CALLS_BETWEEN = 20
"""After so many calls the budget is looked at again."""


def fill(
    run: PlanRun,
    step: Step,
    store: Callable[[str], Answer],
    *,
    text: str,
    foreign: Callable[[Any], bool],
) -> tuple[int, Answer]:
    """Store a text `step.times` times, each time with another number; (how often, the answer to be kept).

    The kept answer is the first that shows somebody else's fact, or else the latest. What fails after some
    were stored is kept as the error of an answer that is OK, so that nobody takes it for a lost write.

    foreign: whether an answer shows somebody else's fact.
    """
    began, before, stored = time.monotonic(), run.filled, 0
    kept: Answer | None = None
    shown = False
    for number in range(step.times or 0):
        run.filled = before + time.monotonic() - began
        late = step.within is not None and run.filled > step.within
        full = number % _CALLS_BETWEEN == 0 and run.room is not None and not run.room()
        if late or full:
            break
        try:
            outcome, answer, error = store(f"{text} ({number + 1})")
        except RunEnded:
            if not stored:
                raise
            break
        if outcome is not Outcome.OK:
            refused = outcome is Outcome.REFUSED and stored
            kept = (Outcome.OK, kept[1] if kept else None, error) if refused else (outcome, answer, error)
            break
        stored += 1
        run.ids_of(step.user).extend(_ids(answer))
        if not shown:
            kept, shown = (outcome, answer, error), foreign(answer)
    run.filled = before + time.monotonic() - began
    return stored, kept or (Outcome.OK, None, None)


def _ids(answer: Any) -> list[str]:
    return [row.id for row in answer or () if isinstance(row, Memory) and row.id is not None]
