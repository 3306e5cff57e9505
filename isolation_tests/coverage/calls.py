"""What a history has asked, call by call: with which kind of value, by a user in which state, beside whom."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
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
    plan, lives, values = history.plan, _Lives.of(history), _Values(history.plan)
    groups, calls, reopened = _groups(plan), set(), False
    for event in history.events:
        step = plan.steps[event.step]
        # Those whose calls overlap come together, whichever call ends first.
        lives.meet(groups[event.step])
        reopened = reopened or event.op is Operation.REOPEN
        strange = plan.users[event.user].type == "json" or step.spoiled
        if event.outcome in _ANSWERED and event.op not in _NO_CALLS and not (strange or event.poll):
            overlap = OVERLAPPING if step.lane is not None else REOPENED if reopened else ALONE
            value = ORDINARY if step.op is Operation.SETTLE else values.of(step)
            calls.add(Call(event.op.value, value, lives.state(event.user), overlap, plan.relation or ""))
        lives.take(event, deletes_own=event.op is Operation.DELETE and values.of(step) == ORDINARY)
    return frozenset(calls)


def _groups(plan: Plan) -> list[tuple[UserIndex, ...]]:
    """By step: the users of all the steps that overlap it, or of this one alone."""
    groups: list[tuple[UserIndex, ...]] = []
    for overlapping, group in itertools.groupby(plan.steps, lambda step: step.lane is not None):
        users = [step.user for step in group]
        together = tuple(dict.fromkeys(users))
        groups += [together if overlapping else (user,) for user in users]
    return groups


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

    def meet(self, users: Sequence[UserIndex]) -> None:
        """The users are about to call."""
        if self.leaver is not None:
            self.successors.update(user for user in users if user not in self.met)
        self.met.update(users)

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

    def take(self, event: Event, *, deletes_own: bool) -> None:
        """What a call changes in its user's life."""
        user = event.user
        if event.op not in WRITING or event.outcome is not Outcome.OK:
            return
        leaves = event.op is Operation.DELETE_ALL and user in self.stored
        self.leaver = user if leaves else None
        if leaves:
            self.away.add(user)
        if leaves or deletes_own:
            self.deleted.add(user)
        if event.op in _STORING:
            self.stored.add(user)
            self.back |= self.away & {user}
            self.away.discard(user)


class _Values:
    """The kinds of the values of a plan's calls."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._owners: dict[str, list[tuple[UserIndex, ...]]] = {}
        for fact in plan.facts:
            self._owners.setdefault(_bare(fact.text), []).append(fact.owners)

    def of(self, step: Step) -> str:
        """The kind of the value that sets a call apart; the oddest one, if there are several."""
        if step.filters is not None:
            return _filter(step)
        if step.metadata is not None:
            return _metadata(step.metadata)
        if step.op in BY_ID and (id_ := self._id(step)) != ORDINARY:
            return id_
        if step.op in _STORING:
            return self._text(step)
        if step.op is Operation.SEARCH:
            return self._query(step)
        if step.cursor is not None and self._plan.steps[step.cursor].user != step.user:
            return FOREIGN_PAGE
        return ORDINARY

    def _is_anothers(self, text: str, user: UserIndex) -> bool:
        """Whether another user has a fact with this text, but for the canary."""
        return any(user not in owners for owners in self._owners.get(_bare(text), ()))

    def _is_own(self, fact: int | None, user: UserIndex) -> bool:
        return fact is None or user in self._plan.facts[fact].owners

    def _id(self, step: Step) -> str:
        if step.absent:
            return UNKNOWN_ID
        if step.id_form is not None:
            return ODD_ID
        own = self._is_own(step.fact if step.replaces is None else step.replaces, step.user)
        return ORDINARY if own else FOREIGN_ID

    def _text(self, step: Step) -> str:
        if step.key is not None:
            return OWN_KEY
        if step.text is not None or step.fact is None:
            return EMPTY_TEXT
        if step.odd:
            return ODD_TEXT
        shared = self._is_anothers(self._plan.facts[step.fact].text, step.user)
        return FOREIGN_TEXT if shared else ORDINARY

    def _query(self, step: Step) -> str:
        if step.odd:
            return ODD_QUERY
        if step.query is None:
            foreign = not self._is_own(step.fact or 0, step.user)
        else:
            foreign = self._is_anothers(step.query, step.user)
        return FOREIGN_TEXT if foreign else SMALL_LIMIT if step.limit <= _SMALL else ORDINARY


def _bare(text: str) -> str:
    return text.replace("{canary}", "")


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
