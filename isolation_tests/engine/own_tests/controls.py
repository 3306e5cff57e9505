"""The positive controls of a look: each surface shows people what is their own, or proves nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from isolation_tests.model import WRITING, Event, History, Operation, Outcome
from isolation_tests.model.world import facts_of_plan

__all__ = ["unasked", "unshown"]

_SHOWING = (
    Operation.GET_ALL,
    Operation.SEARCH,
    Operation.EXPORT,
    Operation.PAGE,
    Operation.COUNT,
    Operation.GET,
    Operation.HISTORY,
)


def unshown(history: History, first: int, due: Mapping[int, Collection[int]]) -> Iterator[str]:
    """Why surfaces that were asked from this step on prove nothing: nobody saw what is their own there.

    due: the facts that each user has. A surface that says that the system has no such thing is left out.
    """
    steps = history.plan.steps
    events = [event for event in history.events if event.step >= first]
    asked = dict.fromkeys(step.op for step in steps[first:] if step.op in _SHOWING)
    for op in asked:
        answers = [event for event in events if event.op is op]
        if not answers:
            yield f"{op} was not asked, because the memory gave no id to ask with"
        elif any(event.outcome is Outcome.UNSUPPORTED for event in answers):
            continue
        for user, facts in due.items():
            if answers and facts and not any(_shows(event, user, facts) for event in answers):
                yield f"user {user} got nothing of their own from {op}"


def unasked(history: History) -> Iterator[str]:
    """Why a plan proves nothing: a call that it is about was not made, or the system does not have it.

    What a refusal leaves nothing to ask with need not be asked: a name or text that is refused harms nobody.
    """
    lacking = (event for event in history.events if event.outcome is Outcome.UNSUPPORTED)
    yield from (f"the memory has no such {event.op}" for event in lacking)
    if any(event.outcome is Outcome.REFUSED and event.op in WRITING for event in history.events):
        return
    asked = {history.plan.steps[event.step].op for event in history.events}
    for op in dict.fromkeys(step.op for step in history.plan.steps):
        if op not in asked and op not in (Operation.SETTLE, Operation.REOPEN):
            yield f"{op} was not asked, because the memory gave no id to ask with"


def _shows(event: Event, user: int, facts: Collection[int]) -> bool:
    own = event.user == user and event.outcome is Outcome.OK
    return own and bool(event.number or facts_of_plan(event) & {*facts})
