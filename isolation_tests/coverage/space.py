"""All the calls that can be asked of a target: what it offers, with every kind of value, in every state."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from itertools import product

from isolation_tests.coverage.calls import (
    ALONE,
    CAME_BACK,
    EMPTY_FILTER,
    EMPTY_TEXT,
    FILTER,
    FOREIGN_ID,
    FOREIGN_NAME,
    FOREIGN_PAGE,
    FOREIGN_TEXT,
    HAS_DELETED,
    HAS_FACTS,
    LINK,
    METADATA,
    NEW,
    NEWCOMER,
    ODD_FILTER,
    ODD_ID,
    ODD_QUERY,
    ODD_TEXT,
    ORDINARY,
    OVERLAPPING,
    OWN_KEY,
    REOPENED,
    SMALL_LIMIT,
    SUCCESSOR,
    UNKNOWN_ID,
    Call,
)

OVERLAP, REOPEN = "overlap", "reopen"
"""The capabilities without which calls can't overlap, or follow a second opening."""
CORE = ("add", "search", "get_all", "delete_all")

_STATES = (HAS_FACTS, NEW, HAS_DELETED, CAME_BACK, SUCCESSOR, NEWCOMER)
_WITHOUT_FACTS = (NEW, NEWCOMER)
_LEAVES = {
    HAS_DELETED: {"delete_all", "delete"},
    CAME_BACK: {"delete_all"},
    SUCCESSOR: {"delete_all"},
}
"""One of these calls brings a user into the state."""
_FILTERS = (FILTER, EMPTY_FILTER, ODD_FILTER, FOREIGN_NAME)
_VALUES = {
    "add": (ORDINARY, FOREIGN_TEXT, ODD_TEXT, EMPTY_TEXT, METADATA, LINK, OWN_KEY, FOREIGN_NAME),
    "search": (ORDINARY, FOREIGN_TEXT, ODD_QUERY, SMALL_LIMIT, *_FILTERS),
    "get_all": (ORDINARY, *_FILTERS),
    "delete_all": (ORDINARY,),
    "get": (ORDINARY, FOREIGN_ID, UNKNOWN_ID, ODD_ID),
    "update": (ORDINARY, ODD_TEXT, EMPTY_TEXT, UNKNOWN_ID, FOREIGN_ID),
    "delete": (ORDINARY, UNKNOWN_ID, ODD_ID, FOREIGN_ID),
    "history": (ORDINARY, FOREIGN_ID, UNKNOWN_ID),
    "count": (ORDINARY,),
    "export": (ORDINARY,),
    "page": (ORDINARY, FOREIGN_PAGE),
    "maintain": (ORDINARY,),
}
_NEEDS = {
    **dict.fromkeys((FILTER, EMPTY_FILTER, ODD_FILTER), "filters"),
    **dict.fromkeys((METADATA, LINK), "metadata"),
    OWN_KEY: "key",
}
_NAMES_NEED = {"add": "metadata", "search": "filters", "get_all": "filters"}
"""What another user's name is passed in."""
_WIDE = frozenset({("delete", ODD_ID), ("maintain", ORDINARY)})
"""What may reach everybody, by a fault or by what it is meant to do."""
_ONCE = frozenset(
    {("add", FOREIGN_NAME), ("update", FOREIGN_ID), ("delete", FOREIGN_ID), ("page", FOREIGN_PAGE)}
)
"""What a user with facts asks alone: afterwards nobody can tell who lost or got what by whom."""


def is_asked_once(call: Call) -> bool:
    """Whether a law of its own asks this call, and no other plan does."""
    return (call.call, call.value) in _ONCE


@cache
def possible(
    capabilities: frozenset[str], *, disposable: bool, lacking: Collection[str] = frozenset()
) -> tuple[Call, ...]:
    """All calls that can be asked of a target, however its users are named.

    capabilities: those that work. disposable: whether calls may be made that can reach everybody. lacking:
    core methods that it does not have.
    """
    overlaps = (ALONE, *([OVERLAPPING] if OVERLAP in capabilities else []))
    overlaps += (REOPENED,) if REOPEN in capabilities else ()
    offered = {*CORE, *capabilities} - {*lacking}
    return tuple(
        Call(call, value, user, overlap)
        for call, value in _valued(offered, disposable=disposable)
        for user, overlap in product(_STATES, overlaps)
        if _can(call, value, user)
        and ((call, value) not in _ONCE or (user, overlap) == (HAS_FACTS, ALONE))
        and (user not in _LEAVES or offered & _LEAVES[user])
    )


def _valued(offered: Collection[str], *, disposable: bool) -> Iterator[tuple[str, str]]:
    """Each offered call with each kind of value that it takes."""
    for call, values in _VALUES.items():
        if call not in offered:
            continue
        for value in values:
            need = _NAMES_NEED[call] if value == FOREIGN_NAME else _NEEDS.get(value)
            wide = (call, value) in _WIDE
            if (need is None or need in offered) and (disposable or not wide):
                yield call, value


def _can(call: str, value: str, user: str) -> bool:
    """Whether a user in this state can make the call: what nobody has stored has no id of one's own."""
    if user not in _WITHOUT_FACTS:
        return True
    if call == "update" or (call == "add" and user == NEWCOMER):
        return False
    if call == "delete":
        return value == UNKNOWN_ID
    return call not in ("get", "history") or value != ORDINARY
