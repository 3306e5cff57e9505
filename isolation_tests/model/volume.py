"""How many memories stood at once: what a history of a plan that stores many has reached, and why no more."""

from __future__ import annotations

from isolation_tests.core.plural import counted
from isolation_tests.model.history import History, Outcome

__all__ = ["nothing_stored", "reached", "told"]


def reached(history: History) -> int:
    """How many memories the adds with times have stored."""
    return sum(event.number or 0 for event in history.events if _fills(history, event.step))


def told(history: History) -> str:
    """How many memories of how many users stood at once, in one phrase; empty for a plan that stores few."""
    if not history.plan.fills:
        return ""
    adding = [event for event in history.events if _fills(history, event.step)]
    users = len({event.user for event in adding if event.number})
    asked = sum(step.times or 0 for step in history.plan.steps)
    stored = reached(history)
    what = f"{stored:,} memories of {counted(users, 'user')} stood at once"
    return what if stored >= asked else f"{what}, not {asked:,}, because {_why(history)}"


def nothing_stored(history: History) -> tuple[str, ...]:
    """The doubt about a history in which not one of many memories was stored."""
    began = any(_fills(history, event.step) for event in history.events)
    if not began or reached(history):
        return ()
    return (f"not one of the many memories was stored, because {_why(history)}",)


def _why(history: History) -> str:
    """Why no more were stored."""
    steps = history.plan.steps
    adding = [event for event in history.events if _fills(history, event.step)]
    if any(event.error_kind and event.outcome in (Outcome.OK, Outcome.REFUSED) for event in adding):
        return "the target refused more"
    if any(event.error_kind for event in adding):
        return "storing more failed"
    took = sum(event.ended - event.started for event in adding)
    within = min((step.within for step in steps if step.within is not None), default=None)
    if within is not None and took >= within:
        return f"the {within:g} s for it were over"
    return "the run's budget has to last for the other checks"


def _fills(history: History, step: int) -> bool:
    return history.plan.steps[step].times is not None
