"""Questions that are asked again: what makes two of them equal, and whose answer was given for whose."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from isolation_tests.judges.explaining.naming import related
from isolation_tests.model import WRITING, Event, History, Operation, Outcome, Step, UserIndex, owns
from isolation_tests.model.world import World, facts_of_plan

_WORD = re.compile(r"\w+")
_KEPT = (Operation.SEARCH, Operation.GET_ALL)


def question(history: History, event: Event) -> tuple[object, ...]:
    """All that an asking call says besides its user; two calls that are equal in it ask the same.

    A search by a fact's text is another question for its owner, who asks with the canary.
    """
    step = history.plan.steps[event.step]
    if event.op is Operation.SEARCH:
        owned = step.fact is not None and owns(history.plan, event.user, step.fact)
        asked: tuple[object, ...] = (step.query, None if step.query is not None else (step.fact, owned))
        return event.op, *asked, step.limit, _told(step)
    if event.op is Operation.GET_ALL:
        # A settled look at the list asks what a plain one asks; what its step searches for is not part of it.
        return event.op, _told(step)
    return event.op, step.fact, step.absent, step.id_form, step.how, step.victim, step.cursor


def words_of(text: str) -> frozenset[str]:
    """The words of a text without its canary, in lower case."""
    return frozenset(_WORD.findall(text.replace("{canary}", " ").casefold()))


def _told(step: Step) -> str:
    return json.dumps(step.filters, sort_keys=True)


def cached_for_another(history: History, event: Event, world: World) -> str | None:
    """K1 or K2 where the answer is, row by row, one that another user was given before, and else None.

    A missing owner filter also shows foreign facts, but beside the viewer's own: here the viewer has own
    facts and sees none of them, and has seen them alone at another time. K1: the other user had asked the
    same. K2: something else, which only nearness can have taken for the same.
    """
    due, seen = world.own(event.user), facts_of_plan(event)
    named = event.op not in _KEPT or history.plan.users[event.user].literal
    step = history.plan.steps[event.step]
    if named or not due or due & seen or not event.rows or step.filters is not None or step.lane is not None:
        return None
    givers = [
        other
        for other in _before(history, event)
        if other.rows == event.rows
        and other.user != event.user
        and _is_clean(history, other, other.user)
        and _were_apart(history, event, other)
    ]
    if not givers:
        return None
    asked = question(history, event)
    return "K1" if any(question(history, other) == asked for other in givers) else "K2"


def _were_apart(history: History, event: Event, giver: Event) -> bool:
    """Whether the viewer was once answered with own facts alone, with no write of the giver's in between.

    A write could have put the giver's fact in place of the viewer's. Users with related names may be taken
    for one another at all times, which looks like a cache: they must have been told apart by the same call
    when there was something of the other's to show.
    """
    alone = [other for other in history.events if _is_clean(history, other, event.user)]
    if all(writes(history, {giver.user}, other, event) for other in alone):
        return False
    if not related(history, event.user, giver.user):
        return True
    stored = [e.ended for e in history.events if e.op is Operation.ADD and e.user == giver.user]
    return any(other.op is event.op and other.started >= min(stored, default=0.0) for other in alone)


def writes(history: History, users: Collection[int], one: Event, other: Event) -> list[Event]:
    """What these users wrote from the beginning of one of the two calls to the end of the other."""
    began, ended = min(one.started, other.started), max(one.ended, other.ended)
    return [
        event
        for event in history.events
        if event.user in users
        and event.op in WRITING
        and event.outcome is not Outcome.REFUSED
        and event.ended > began
        and event.started < ended
    ]


def actors_between(history: History, user: UserIndex, one: Event, other: Event) -> list[int]:
    """The others who may have written between two answers of the user."""
    others = set(range(len(history.plan.users))) - {user}
    return [event.user for event in writes(history, others, one, other)]


def still_listed(history: History, event: Event, missing: Collection[int]) -> bool:
    """Whether the user's own list shows that the facts were there when they were not found."""
    lists = (
        other
        for other in history.events
        if other.op is Operation.GET_ALL
        and other.user == event.user
        and facts_of_plan(other).issuperset(missing)
    )
    for listed in lists:
        later = listed.started > event.started
        quiet = not writes(history, {event.user}, listed, event)
        if quiet and (later or not actors_between(history, event.user, listed, event)):
            return True
    return False


def _before(history: History, event: Event) -> Iterator[Event]:
    """Answers of the same operation, up to this one; none once calls overlapped, which explains more."""
    for other in history.events:
        if other is event or history.plan.steps[other.step].lane is not None:
            return
        if other.op is event.op and other.outcome is Outcome.OK:
            yield other


def _is_clean(history: History, event: Event, user: UserIndex) -> bool:
    """Whether the user was answered with facts of their own and nobody else's."""
    if event.user != user or event.op not in _KEPT or event.outcome is not Outcome.OK:
        return False
    sighted = event.seen()
    return bool(sighted) and all(s.user is not None and owns(history.plan, user, s.fact) for s in sighted)
