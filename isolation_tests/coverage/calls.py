"""What a history has asked, call by call: with which kind of value, by a user in which state, beside whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from isolation_tests.model import BY_ID, WRITING, Event, History, Operation, Outcome, Plan, Step, UserIndex

ORDINARY = "ordinary"
EMPTY_TEXT, ODD_TEXT, FOREIGN_TEXT = "empty text", "odd text", "another's text"
METADATA, LINK, OWN_KEY = "metadata", "linked metadata", "own key"
FOREIGN_NAME, FILTER, EMPTY_FILTER, ODD_FILTER = "another's name", "filter", "empty filter", "odd filter"
ODD_QUERY, SMALL_LIMIT = "odd query", "small limit"
UNKNOWN_ID, ODD_ID, FOREIGN_ID, FOREIGN_PAGE = "unknown id", "odd id", "another's id", "another's page"

NEW, HAS_FACTS, HAS_DELETED = "new", "has facts", "has deleted"
CAME_BACK, SUCCESSOR, NEWCOMER = "came back", "successor", "newcomer"

ALONE, OVERLAPPING, REOPENED = "alone", "overlapping", "after reopening"

_SMALL = 5
_STORING = (Operation.ADD, Operation.UPDATE)
_NO_CALLS = (Operation.REOPEN, Operation.INTRUDE)
_ANSWERED = (Outcome.OK, Outcome.REFUSED)


class Call(NamedTuple):
    """One kind of call. user: the state of the user who makes it. names: how the users' names are related.

    Users are new until they first store something; newcomers never do. A successor's first call comes right
    after another user has left.
    """

    call: str
    value: str
    user: str
    overlap: str
    names: str = ""

    def told(self) -> str:
        """The call in one short text, as evidence keeps it."""
        return "/".join(self).rstrip("/")

    @classmethod
    def read(cls, told: str) -> Call:
        """The call that `told` gave; raises `TypeError` for any other text."""
        return cls(*told.split("/"))


def asked(history: History) -> frozenset[Call]:
    """The calls of a history that were answered or refused; what failed or is not offered asked nothing.

    Calls as a hostile user or without a user, and those that intrude, have laws of their own.
    """
    plan, lives = history.plan, _Lives.of(history)
    calls, reopened = set(), False
    for event in history.events:
        step = plan.steps[event.step]
        # Those whose calls overlap come together, whichever call ends first.
        for number in _beside(plan, event.step):
            lives.meet(plan.steps[number].user)
        reopened = reopened or event.op is Operation.REOPEN
        strange = plan.users[event.user].type == "json" or step.spoiled
        if event.outcome in _ANSWERED and event.op not in _NO_CALLS and not (strange or event.poll):
            overlap = OVERLAPPING if step.lane is not None else REOPENED if reopened else ALONE
            value = ORDINARY if step.op is Operation.SETTLE else _value(step, plan)
            calls.add(Call(event.op.value, value, lives.state(event.user), overlap, plan.relation or ""))
        lives.take(event, step, plan)
    return frozenset(calls)


def _beside(plan: Plan, number: int) -> range:
    """The steps that overlap this one, itself among them."""
    first, last = number, number + 1
    if plan.steps[number].lane is not None:
        while first and plan.steps[first - 1].lane is not None:
            first -= 1
        while last < len(plan.steps) and plan.steps[last].lane is not None:
            last += 1
    return range(first, last)


@dataclass
class _Lives:
    """What became of each user so far. leaver: the user whose leaving was the last write, if it was one."""

    storing: frozenset[UserIndex]
    met: set[UserIndex] = field(default_factory=set)
    stored: set[UserIndex] = field(default_factory=set)
    deleted: set[UserIndex] = field(default_factory=set)
    away: set[UserIndex] = field(default_factory=set)
    back: set[UserIndex] = field(default_factory=set)
    successors: set[UserIndex] = field(default_factory=set)
    leaver: UserIndex | None = None

    @classmethod
    def of(cls, history: History) -> _Lives:
        """Before the first call of a history."""
        storing = (e.user for e in history.events if e.op in _STORING and e.outcome is Outcome.OK)
        return cls(frozenset(storing))

    def meet(self, user: UserIndex) -> None:
        """The user is about to call."""
        if user not in self.met and self.leaver is not None:
            self.successors.add(user)
        self.met.add(user)

    def state(self, user: UserIndex) -> str:
        """The user's state, by the latest thing that happened to them."""
        if user not in self.storing:
            return NEWCOMER
        states = {
            CAME_BACK: self.back,
            HAS_DELETED: self.deleted,
            SUCCESSOR: self.successors,
            HAS_FACTS: self.stored,
        }
        return next((state for state, users in states.items() if user in users), NEW)

    def take(self, event: Event, step: Step, plan: Plan) -> None:
        """What a call changes in its user's life."""
        user = event.user
        if event.op not in WRITING or event.outcome is not Outcome.OK:
            return
        leaves = event.op is Operation.DELETE_ALL and user in self.stored
        self.leaver = user if leaves else None
        if leaves:
            self.away.add(user)
        if leaves or (event.op is Operation.DELETE and _value(step, plan) == ORDINARY):
            self.deleted.add(user)
        if event.op in _STORING:
            self.stored.add(user)
            self.back |= self.away & {user}
            self.away.discard(user)


def _value(step: Step, plan: Plan) -> str:
    """The kind of the value that sets a call apart; the oddest one, if there are several."""
    if step.filters is not None:
        return _filter(step)
    if step.metadata is not None:
        return _metadata(step.metadata)
    if step.op in BY_ID and (id_ := _id(step, plan)) != ORDINARY:
        return id_
    if step.op in _STORING:
        return _text(step, plan)
    if step.op is Operation.SEARCH:
        return _query(step, plan)
    if step.op is Operation.PAGE and step.cursor is not None and plan.steps[step.cursor].user != step.user:
        return FOREIGN_PAGE
    return ORDINARY


def _filter(step: Step) -> str:
    if not step.filters:
        return EMPTY_FILTER
    if _refers(step.filters, "@"):
        return FOREIGN_NAME
    return ODD_FILTER if step.odd else FILTER


def _metadata(metadata: dict[str, Any]) -> str:
    return LINK if _refers(metadata, "~") else FOREIGN_NAME if _refers(metadata, "@") else METADATA


def _refers(value: Any, sign: str) -> bool:
    """Whether a symbol of this kind stands anywhere in a value."""
    if isinstance(value, dict):
        return any(_refers(inner, sign) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_refers(inner, sign) for inner in value)
    return isinstance(value, str) and value[:1] == sign and value[1:].isdigit()


def _id(step: Step, plan: Plan) -> str:
    fact = step.fact if step.replaces is None else step.replaces
    if step.absent:
        return UNKNOWN_ID
    if step.id_form is not None:
        return ODD_ID
    return ORDINARY if fact is None or step.user in plan.facts[fact].owners else FOREIGN_ID


def _text(step: Step, plan: Plan) -> str:
    if step.key is not None:
        return OWN_KEY
    if step.text is not None or step.fact is None:
        return EMPTY_TEXT
    if step.odd:
        return ODD_TEXT
    text = plan.facts[step.fact].text
    others = (fact for fact in plan.facts if step.user not in fact.owners)
    return FOREIGN_TEXT if any(fact.text == text for fact in others) else ORDINARY


def _query(step: Step, plan: Plan) -> str:
    if step.odd:
        return ODD_QUERY
    others = [fact for fact in plan.facts if step.user not in fact.owners]
    texts = {fact.text.replace("{canary}", "") for fact in others}
    if step.query in texts or (step.query is None and plan.facts[step.fact or 0] in others):
        return FOREIGN_TEXT
    return SMALL_LIMIT if step.limit <= _SMALL else ORDINARY
