"""The reference store with more axes than the user: a tenant around it, and agents and sessions within.

It offers every optional method and keyword of the contract. Each complete scope has its own shelf of the
reference store. What a call means that omits an axis is data, in `AXES`: it decides which shelves are opened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from isolation_tests.adapter import Filters, Memory, Page, Refused
from isolation_tests.adapters.reference import NO_CURSOR, NO_MEMORY, NO_USER, ReferenceStore, shared_words

_Answer = TypeVar("_Answer")

AXES = {"tenant": "refused", "user": "refused", "agent": "none", "session": "all"}
"""The store's axes, outer to inner, each with what a call means that omits it."""
NO_SCOPE = "There is no such scope: give the axes that may not be omitted, each as a text that is not blank."


class ReferenceAxesStore:
    """Every scope sees, counts and deletes the memories of its own scope and nothing else.

    A call that omits the agent reaches what was stored without one; a call that omits the session reaches all
    sessions. A call that omits the tenant is `Refused`, and so is a value that is no text. A foreign id and
    an absent id are `Refused` with the same message. Safe to call from several threads.
    """

    def __init__(self, axes: Mapping[str, str] = AXES) -> None:
        """Start with no scopes. axes: others than the usual ones."""
        self.axes = dict(axes)
        self._shelves = ReferenceStore()

    def add(
        self,
        user: Any,
        text: str,
        *,
        scope: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> list[Memory]:
        """Store `text` in the scope; the same `key` of one scope replaces that memory and keeps its id."""
        return self._shelves.add(self._own(user, scope), text, metadata=metadata, key=key)

    def search(
        self,
        user: Any,
        query: str,
        *,
        scope: Mapping[str, Any],
        limit: int,
        filters: Filters | None = None,
    ) -> list[Memory]:
        """Rank all memories that the scope reaches by the number of words they share with `query`."""
        shelves = self._reached(user, scope)
        found = [
            row
            for shelf in shelves
            for row in self._shelves.search(shelf, query, limit=limit, filters=filters)
        ]
        return sorted(found, key=lambda row: -shared_words(row.text, query))[:limit]

    def get_all(self, user: Any, *, scope: Mapping[str, Any], filters: Filters | None = None) -> list[Memory]:
        """Return all memories that the scope reaches."""
        shelves = self._reached(user, scope)
        return [row for shelf in shelves for row in self._shelves.get_all(shelf, filters=filters)]

    def delete_all(self, user: Any, *, scope: Mapping[str, Any]) -> None:
        """Remove every shelf that the scope reaches."""
        for shelf in self._reached(user, scope):
            self._shelves.delete_all(shelf)

    def get(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> Memory:
        """Return one of the scope's memories, or raise `Refused`."""
        return self._by_id(user, scope, lambda shelf: self._shelves.get(shelf, id))

    def update(
        self,
        user: Any,
        id: str,
        text: str,
        *,
        scope: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the text of one of the scope's memories, and its metadata if given."""
        self._by_id(user, scope, lambda shelf: self._shelves.update(shelf, id, text, metadata=metadata))

    def delete(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> None:
        """Remove one of the scope's memories."""
        self._by_id(user, scope, lambda shelf: self._shelves.delete(shelf, id))

    def history(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> list[Memory]:
        """Return every text that one of the scope's memories has had, the oldest first."""
        return self._by_id(user, scope, lambda shelf: self._shelves.history(shelf, id))

    def count(self, user: Any, *, scope: Mapping[str, Any]) -> int:
        """Return how many memories the scope reaches."""
        return sum(self._shelves.count(shelf) for shelf in self._reached(user, scope))

    def users(self) -> list[str]:
        """Return the users who have memories in any scope."""
        return sorted({json.loads(shelf)["user"] for shelf in self._shelves.users()})

    def export(self, user: Any, *, scope: Mapping[str, Any]) -> list[Memory]:
        """Return all memories that the scope reaches."""
        return self.get_all(user, scope=scope)

    def page(self, user: Any, cursor: str | None, *, scope: Mapping[str, Any]) -> Page:
        """Return up to ten of the scope's memories, shelf by shelf, and a cursor for this scope only."""
        shelves = self._reached(user, scope)
        number, _, within = (cursor if isinstance(cursor, str) else "0").partition("/")
        if not number.isdecimal() or (cursor is not None and int(number) >= len(shelves)):
            raise Refused(NO_CURSOR)
        if not shelves:
            return Page([])
        at = int(number)
        page = self._shelves.page(shelves[at], within or None)
        if page.cursor is not None:
            return Page(page.items, f"{at}/{page.cursor}")
        return Page(page.items, f"{at + 1}/" if at + 1 < len(shelves) else None)

    def intrude(self, user: Any, victim: Any, how: str, *, scope: Mapping[str, Any]) -> list[Memory]:
        """List the memories of the scope whose session the request carries."""
        return self._shelves.intrude(self._own(user, scope), self._own(victim, scope), how)

    def maintain(self, user: Any, *, scope: Mapping[str, Any]) -> None:
        """Rebuild the search index of all that the scope reaches; every memory stays."""
        for shelf in self._reached(user, scope):
            self._shelves.maintain(shelf)

    def _by_id(self, user: Any, scope: Mapping[str, Any], act: Callable[[str], _Answer]) -> _Answer:
        for shelf in self._reached(user, scope):
            try:
                return act(shelf)
            except Refused:
                continue
        raise Refused(NO_MEMORY)

    def _values(self, user: Any, scope: Mapping[str, Any]) -> dict[str, str | None]:
        """The scope's value of each axis, None for an omitted one; raises `Refused` for what is no scope."""
        given = {**scope, "user": user}
        if not isinstance(user, str) or not user.strip():
            raise Refused(NO_USER)
        if given.keys() - self.axes.keys():
            raise Refused(NO_SCOPE)
        values = {axis: given.get(axis) for axis in self.axes}
        for axis, value in values.items():
            missing = axis not in given
            if (missing and self.axes[axis] == "refused") or not (missing or _is_name(value)):
                raise Refused(NO_SCOPE)
        return values

    def _own(self, user: Any, scope: Mapping[str, Any]) -> str:
        """The shelf of one complete scope. JSON keeps any two scopes apart, whatever their values hold."""
        return json.dumps(self._values(user, scope))

    def _reached(self, user: Any, scope: Mapping[str, Any]) -> list[str]:
        """The shelves that a call in this scope opens."""
        values = self._values(user, scope)
        own = json.dumps(values)
        fixed = {
            axis: value for axis, value in values.items() if value is not None or self.axes[axis] != "all"
        }
        if len(fixed) == len(values):
            return [own]
        shelves = sorted(self._shelves.users())
        return [shelf for shelf in shelves if fixed.items() <= json.loads(shelf).items()]


_SHARED = ReferenceAxesStore()


def open_shared_memory() -> ReferenceAxesStore:
    """Open the reference store with axes that all openings in this process share."""
    return _SHARED


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
