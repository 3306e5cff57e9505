"""foreign-id-is-unknown: another user's id is answered exactly as an id that does not exist.

Outcome, kind of error and error text are compared between calls of one user and one operation: some with
a foreign id, some with a random id of the same shape (existence, CWE-204).
"""

from __future__ import annotations

from collections import defaultdict

from isolation_tests.model import BY_ID, Event, Finding, History, Judgement, Law, Operation, Step


def judge(history: History) -> Judgement:
    """Each by-id call whose answer tells a foreign id from an absent one."""
    absent: dict[tuple[int, Operation], Event] = {}
    foreign: dict[tuple[int, Operation], list[Event]] = defaultdict(list)
    for event in history.events:
        step = history.plan.steps[event.step]
        if event.op not in BY_ID:
            continue
        if step.absent:
            absent[event.user, event.op] = event
        elif _is_foreign(history, step):
            foreign[event.user, event.op].append(event)
    findings = [
        _finding(history, event, absent[key])
        for key, events in foreign.items()
        if key in absent
        for event in events
        if _told(event) != _told(absent[key])
    ]
    return Judgement(findings=tuple(findings))


def _is_foreign(history: History, step: Step) -> bool:
    addressed = step.fact if step.replaces is None else step.replaces
    return addressed is not None and step.user not in history.plan.facts[addressed].owners


def _told(event: Event) -> tuple[object, ...]:
    return event.outcome, event.error_kind, event.error, bool(event.rows)


def _finding(history: History, event: Event, absent: Event) -> Finding:
    def said(answer: Event) -> str:
        return f"{answer.outcome} ({answer.error})" if answer.error else f"{answer.outcome}"

    addressed = history.plan.steps[event.step]
    fact = addressed.fact if addressed.replaces is None else addressed.replaces
    return Finding(
        anomaly="X2",
        law=Law.FOREIGN_ID_IS_UNKNOWN,
        operation=event.op,
        relation=history.plan.relation,
        viewer=event.user,
        owner=None if fact is None else history.plan.facts[fact].owners[0],
        step=event.step,
        where="outcome",
        story=f"{event.op} answers {said(event)} to a foreign id and {said(absent)} to an absent one",
    )
