"""foreign-id-is-unknown: another user's id is answered exactly as an id that does not exist.

Outcome, kind of error and error text are compared between calls of one user and one operation: some with
a foreign id, some with a random id of the same shape (existence, CWE-204).
"""

from __future__ import annotations

from collections import defaultdict

from isolation_tests.judges.explaining.naming import addresses_foreign
from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import walk
from isolation_tests.model import BY_ID, Event, Finding, History, Judgement, Law, Operation, Outcome

_DEFINITE = (Outcome.OK, Outcome.REFUSED)
_UNASKED = (
    "each user's memories are numbered by themselves and every id that was tried is also one of the "
    "caller's own: nothing was asked about foreign ids"
)

_NOBODYS = (
    "ids here are so short that one of nobody's may be somebody's, so none was tried in a store that is not "
    "disposable: whether a foreign id is answered as an absent one was not asked"
)


def judge(history: History) -> Judgement:
    """Each by-id call whose answer tells a foreign id from an absent one."""
    absent: dict[tuple[int, Operation], list[Event]] = defaultdict(list)
    foreign: dict[tuple[int, Operation], list[Event]] = defaultdict(list)
    ambiguous = 0
    for event, step, world in walk(history):
        if event.op not in BY_ID or step.id_form is not None:
            continue
        if step.absent:
            absent[event.user, event.op].append(event)
        elif not addresses_foreign(history, step):
            continue
        elif world.addressed(step) in world.live.get(event.user, set()):
            ambiguous += 1
        else:
            foreign[event.user, event.op].append(event)
    findings = [
        _finding(history, event, absent[key][-1])
        for key, events in foreign.items()
        if key in absent
        for event in events
        if _differs(event, absent[key])
    ]
    hunted = history.plan.anomaly in ("O1", "O2", "O3", "O4")
    unasked = (_UNASKED,) if hunted and ambiguous and not foreign else ()
    if (hunted or history.plan.anomaly == "X2") and _lacks_nobodys(history):
        unasked = (*unasked, _NOBODYS)
    return Judgement(findings=tuple(findings), doubts=unasked)


def _lacks_nobodys(history: History) -> bool:
    """Whether a call by an id of nobody's was not made, although an id of that fact was known."""
    made = {event.step for event in history.events}
    known = {s.fact for event in history.events for row in event.rows if row.id for s in row.sightings}
    asked = [n for n, step in enumerate(history.plan.steps) if step.absent]
    left = (history.plan.steps[n] for n in asked if n not in made and history.cut is None)
    return any((step.fact if step.replaces is None else step.replaces) in known for step in left)


def _differs(foreign: Event, absent: list[Event]) -> bool:
    """Whether the answer is none of those that an absent id gets.

    Texts that differ from one absent id to the next (a time, a request's number) are left out. What the
    adapter could not make sense of, or nobody can know, is told elsewhere and proves nothing here.
    """
    definite = [event for event in absent if event.outcome in _DEFINITE]
    if foreign.outcome not in _DEFINITE or not definite:
        return False
    steady = len({event.error for event in definite}) == 1
    return _told(foreign, steady=steady) not in {_told(event, steady=steady) for event in definite}


def _told(event: Event, *, steady: bool) -> tuple[object, ...]:
    said = bool(event.rows), event.number
    return event.outcome, event.error_kind, event.error if steady else None, *said


def _finding(history: History, event: Event, absent: Event) -> Finding:
    def said(answer: Event) -> str:
        return f"{answer.outcome} ({answer.error})" if answer.error else f"{answer.outcome}"

    addressed = history.plan.steps[event.step]
    fact = addressed.fact if addressed.replaces is None else addressed.replaces
    return found(
        history,
        event,
        anomaly="X2",
        law=Law.FOREIGN_ID_IS_UNKNOWN,
        owner=None if fact is None else history.plan.facts[fact].owners[0],
        where="outcome",
        story=f"{event.op} answers {said(event)} to a foreign id and {said(absent)} to an absent one",
    )
