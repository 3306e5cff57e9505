"""A finding's history as a sequence diagram: lifelines of users and the system, one message per call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from isolation_tests.model import WRITING, Case, Event, Operation, Outcome, Step, UserIndex
from isolation_tests.reporting.narrative.reproduction import related_user

__all__ = ["Diagram", "Message", "Shown", "diagram", "hit", "parties", "shown_by", "whose"]

OTHERS = "others"
_MOST_MESSAGES = 24
_KEPT_FIRST = 8
_MOST_SHOWN = 4
_LABELS = ("user a", "user b")
_ENDINGS = {
    Outcome.REFUSED: "refused",
    Outcome.INDETERMINATE: "no definite answer",
    Outcome.ERROR: "adapter error",
    Outcome.UNSUPPORTED: "not supported",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A call and its answer.

    lifeline: number of the caller's lifeline, from 1. times: number of equal calls in a row. foreign: the
    answer holds another user's fact. here: the finding shows in this answer. gap: number of calls left out
    before it.
    """

    lifeline: int
    who: str
    call: str
    answer: str
    times: int = 1
    foreign: bool = False
    here: bool = False
    gap: int = 0


@dataclass(frozen=True, slots=True)
class Diagram:
    """Lifelines, the system last, and messages in the order of their calls."""

    lifelines: tuple[str, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the answer that shows the finding. row: its number, from 1; 0: the error text."""

    row: int
    fields: tuple[str, ...]
    whose: str
    text: str


def parties(case: Case) -> tuple[int, ...]:
    """The viewer and the finding's other user, if any: user a and user b."""
    finding = case.finding
    owner = finding.viewer if finding.owner is None else finding.owner
    other = related_user(case) if owner == finding.viewer else owner
    there = range(len(case.history.users))
    return tuple(
        user for user in dict.fromkeys((finding.viewer, other)) if user is not None and user in there
    )


def whose(case: Case, user: int | None) -> str:
    """A plan's user as the page names them."""
    if user is None:
        return "a user of another check"
    mine = parties(case)
    return _LABELS[mine.index(user)] if user in mine else f"user {user} of the plan"


def hit(case: Case) -> Event | None:
    """The call that shows the finding: its step's last one with the owner's fact, else simply its last."""
    finding = case.finding
    events = [event for event in case.history.events if event.step == finding.step]
    showing = [event for event in events if finding.owner in {seen.user for seen in event.seen()}]
    return next(reversed(showing or events), None)


def diagram(case: Case) -> Diagram:
    """All calls up to the one that shows the finding; equal calls are merged, a long middle is left out."""
    last = hit(case)
    mine = parties(case)
    events = [event for event in case.history.events if _matters(case, event, last)]
    lifelines = [_LABELS[place] for place in range(len(mine))]
    if any(event.user not in mine for event in events):
        lifelines.append(OTHERS)
    ordered = sorted(events, key=lambda event: event.started)
    messages = _merged(_message(case, event, mine, last) for event in ordered)
    return Diagram((*lifelines, "the system"), _fitting(messages))


def shown_by(case: Case) -> tuple[Shown, ...]:
    """The rows and fields of the answer that hold another user's fact; if none does, all that hold a fact."""
    event = hit(case)
    if event is None:
        return ()
    rows = [(n, seen, row.text) for n, row in enumerate(event.rows, start=1) for seen in row.sightings]
    rows += [(0, seen, event.error or "") for seen in event.sightings]
    foreign = [row for row in rows if row[1].user != event.user]
    fields: dict[tuple[int, str, str], dict[str, None]] = {}
    for number, seen, text in foreign or rows:
        fields.setdefault((number, whose(case, seen.user), text), {})[seen.where] = None
    return tuple(Shown(row, tuple(where), who, text) for (row, who, text), where in fields.items())[
        :_MOST_SHOWN
    ]


def _matters(case: Case, event: Event, last: Event | None) -> bool:
    if last is None or event is last:
        return True
    if case.history.plan.steps[event.step].lane is None:
        return event.step <= case.finding.step
    return event.started <= last.ended


def _message(case: Case, event: Event, mine: Sequence[int], last: Event | None) -> Message:
    step = case.history.plan.steps[event.step]
    owners = {seen.user for seen in event.seen()}
    foreign = bool(owners - {event.user})
    waiting = step.op is Operation.SETTLE
    lane = "" if step.lane is None else f" (lane {step.lane + 1})"
    return Message(
        lifeline=mine.index(event.user) + 1 if event.user in mine else len(mine) + 1,
        who=_LABELS[mine.index(event.user)] if event.user in mine else OTHERS,
        call=("poll while waiting" if waiting and event is not last else _call(case, event, step)) + lane,
        answer=_answer(case, event, owners),
        foreign=foreign,
        here=event is last,
    )


def _call(case: Case, event: Event, step: Step) -> str:
    fact = "" if step.fact is None else f" fact {step.fact}"
    if step.spoiled:
        return f"{event.op} without a user"
    if event.op is Operation.SEARCH:
        return f"search for{fact or ' other words'}"
    if event.op is Operation.UPDATE and step.replaces is not None:
        return f"update fact {step.replaces} to{fact}"
    if step.absent:
        return f"{event.op} with an unknown id"
    if event.op is Operation.INTRUDE:
        return f"access to {whose(case, step.victim)}'s memories ({step.how})"
    if event.op is Operation.PAGE and step.cursor is not None:
        return f"next page after call {step.cursor + 1}"
    return f"{event.op}{fact if event.op in WRITING or event.op is step.op else ''}"


def _answer(case: Case, event: Event, owners: set[UserIndex | None]) -> str:
    others = [user for user in owners if user != event.user]
    of = f"fact of {', '.join(sorted(whose(case, user) for user in others))}" if others else ""
    if event.outcome is not Outcome.OK:
        ending = _ENDINGS[event.outcome]
        return f"{ending}, with a {of}" if of else ending
    if of:
        return of if event.user not in owners else f"own facts and a {of}"
    if event.number is not None:
        return f"count: {event.number}"
    if event.op in WRITING:
        return "done"
    return "own facts" if owners else "nothing" if not event.rows else "no fact of this run"


def _merged(messages: Iterable[Message]) -> list[Message]:
    """Merge equal messages in a row into one, with their number."""
    merged = []
    for _, group in groupby(messages, key=_kind):
        members = list(group)
        several = len({message.call for message in members}) > 1
        merged.append(
            replace(members[0], times=len(members), call="add a fact" if several else members[0].call)
        )
    return merged


def _kind(message: Message) -> tuple[object, ...]:
    call = "add" if message.call.startswith("add fact ") else message.call
    return (message.lifeline, call, message.answer, message.here)


def _fitting(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The start and the end of a long history, with the number of calls left out between them."""
    if len(messages) <= _MOST_MESSAGES:
        return tuple(messages)
    tail = len(messages) - (_MOST_MESSAGES - _KEPT_FIRST)
    gap = sum(message.times for message in messages[_KEPT_FIRST:tail])
    first = replace(messages[tail], gap=gap)
    return (*messages[:_KEPT_FIRST], first, *messages[tail + 1 :])
