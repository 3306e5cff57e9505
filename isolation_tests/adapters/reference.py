"""The reference store: an in-memory system that keeps users apart and serves as the model of correctness.

It offers every optional method and keyword of the contract. Each user has their own shelf, found by the exact
name. No call looks at another shelf, so another user's memory is simply unknown.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import hashlib
import heapq
import hmac
import re
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Filters, Memory, Page, Refused
from isolation_tests.adapters.support.sessions import Sessions, intruding

PAGE_SIZE = 10
NO_USER = "There is no such user: pass a text that is not blank."
NO_MEMORY = "There is no such memory: take an id from this user's own memories."
NO_CURSOR = "There is no such page: take the cursor from this user's previous page."
BAD_FILTERS = "These filters are not understood: compare with plain values and join with AND, OR and NOT."

_WORD = re.compile(r"\w+")
_JOINS: dict[str, Callable[[list[bool]], bool]] = {
    "AND": all,
    "OR": any,
    "NOT": lambda branches: not any(branches),
}

_Test = Callable[[Mapping[str, Any]], bool]


@dataclass(slots=True)
class _Row:
    id: str
    number: int
    text: str
    metadata: dict[str, Any]
    key: str | None
    words: frozenset[str]
    versions: list[str]


@dataclass(slots=True)
class _Shelf:
    rows: dict[str, _Row] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    written: int = 0


class ReferenceStore:
    """Every user sees, counts and deletes their own memories and nothing else.

    A user is text that is not blank, compared exactly; anything else is `Refused`. A foreign id and an absent
    id are `Refused` with the same message, and so are a foreign and an unknown cursor. Messages are constant:
    they name nobody and repeat nothing. Safe to call from several threads.
    """

    def __init__(self) -> None:
        """Start with no users."""
        self._lock = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}
        self._secret = secrets.token_bytes(32)
        self._sessions = Sessions()

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> list[Memory]:
        """Store `text` for `user`; the same `key` of the same user replaces that memory and keeps its id."""
        name = _name(user)
        data = copy.deepcopy(dict(metadata or {}))
        with self._lock:
            shelf = self._shelves.setdefault(name, _Shelf())
            row = shelf.rows.get(shelf.keys.get(key, "")) if key is not None else None
            if row is None:
                row = _new_row(shelf, text, data, key)
            else:
                _rewrite(row, text, data)
            return [_memory(row)]

    def search(self, user: Any, query: str, *, limit: int, filters: Filters | None = None) -> list[Memory]:
        """Rank all of the user's memories by the number of words they share with `query`."""
        wanted = _words(query)
        with self._lock:
            rows = self._rows(user, filters)
            best = heapq.nlargest(limit, rows, key=lambda row: len(row.words & wanted))
            return [_memory(row) for row in best]

    def get_all(self, user: Any, *, filters: Filters | None = None) -> list[Memory]:
        """Return all of the user's memories, the oldest first."""
        with self._lock:
            return [_memory(row) for row in self._rows(user, filters)]

    def delete_all(self, user: Any) -> None:
        """Remove the user's shelf: memories, versions and keys."""
        name = _name(user)
        with self._lock:
            self._shelves.pop(name, None)

    def get(self, user: Any, id: str) -> Memory:
        """Return one of the user's memories, or raise `Refused`."""
        with self._lock:
            return _memory(self._row(user, id))

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text of one of the user's memories, and its metadata if given."""
        data = None if metadata is None else copy.deepcopy(dict(metadata))
        with self._lock:
            row = self._row(user, id)
            _rewrite(row, text, row.metadata if data is None else data)

    def delete(self, user: Any, id: str) -> None:
        """Remove one of the user's memories, with its versions and its key."""
        with self._lock:
            row = self._row(user, id)
            shelf = self._shelf(user)
            del shelf.rows[row.id]
            if row.key is not None:
                del shelf.keys[row.key]

    def history(self, user: Any, id: str) -> list[Memory]:
        """Return every text that one of the user's memories has had, the oldest first."""
        with self._lock:
            row = self._row(user, id)
            return [
                Memory(row.id, text, {"id": row.id, "text": text, "version": number})
                for number, text in enumerate(row.versions)
            ]

    def count(self, user: Any) -> int:
        """Return how many memories the user has."""
        with self._lock:
            return len(self._shelf(user).rows)

    def users(self) -> list[str]:
        """Return the users who have memories."""
        with self._lock:
            return [name for name, shelf in self._shelves.items() if shelf.rows]

    def export(self, user: Any) -> list[Memory]:
        """Return all of the user's memories."""
        return self.get_all(user)

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return up to ten of the user's memories, and a cursor that only this user can use."""
        name = _name(user)
        after = self._position(name, cursor)
        with self._lock:
            rest = [row for row in self._shelf(name).rows.values() if row.number > after]
            items = rest[:PAGE_SIZE]
            more = len(rest) > PAGE_SIZE
            return Page(
                [_memory(row) for row in items], self._cursor(name, items[-1].number) if more else None
            )

    def intrude(self, user: Any, victim: Any, how: str) -> list[Memory]:
        """List the memories of the user whose session the request carries."""
        request = intruding(self._sessions, _name(user), _name(victim), how)
        return self.get_all(self._sessions.user_of(request))

    def maintain(self, user: Any) -> None:
        """Rebuild the user's search index; every memory stays."""
        with self._lock:
            for row in self._shelf(user).rows.values():
                row.words = _words(row.text)

    def _shelf(self, user: Any) -> _Shelf:
        return self._shelves.get(_name(user)) or _Shelf()

    def _rows(self, user: Any, filters: Filters | None) -> list[_Row]:
        rows = self._shelf(user).rows.values()
        if filters is None:
            return list(rows)
        # Compiled before any row is read, so that a refusal does not depend on what is stored.
        matches = _compiled(filters)
        return [row for row in rows if matches(row.metadata)]

    def _row(self, user: Any, id: str) -> _Row:
        rows = self._shelf(user).rows
        if not isinstance(id, str) or id not in rows:
            raise Refused(NO_MEMORY)
        return rows[id]

    def _cursor(self, name: str, number: int) -> str:
        claim = f"{number}:{name}".encode("utf-8", "surrogatepass")
        return f"{number}.{hmac.new(self._secret, claim, hashlib.sha256).hexdigest()}"

    def _position(self, name: str, cursor: str | None) -> int:
        if cursor is None:
            return -1
        number = cursor.partition(".")[0] if isinstance(cursor, str) else ""
        if not re.fullmatch("[0-9]{1,18}", number):
            raise Refused(NO_CURSOR)
        given, ours = (
            text.encode("utf-8", "surrogatepass") for text in (cursor, self._cursor(name, int(number)))
        )
        if not hmac.compare_digest(given, ours):
            raise Refused(NO_CURSOR)
        return int(number)


class AsyncReferenceStore:
    """The same store for async callers; other calls can run before and after each call."""

    def __init__(self, store: ReferenceStore) -> None:
        for name in (*CORE_METHODS, *OPTIONAL_METHODS):
            setattr(self, name, _interleaved(getattr(store, name)))


def _interleaved(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def later(*args: Any, **keywords: Any) -> Any:
        await asyncio.sleep(0)
        answer = method(*args, **keywords)
        await asyncio.sleep(0)
        return answer

    return later


_SHARED = ReferenceStore()


def open_memory() -> ReferenceStore:
    """Open an empty reference store."""
    return ReferenceStore()


def open_shared_memory() -> ReferenceStore:
    """Open the reference store that all openings in this process share."""
    return _SHARED


def open_async_memory() -> AsyncReferenceStore:
    """Open the shared store for async callers."""
    return AsyncReferenceStore(_SHARED)


def _name(user: Any) -> str:
    if not isinstance(user, str) or not user.strip():
        raise Refused(NO_USER)
    return user


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def shared_words(text: str, query: str) -> int:
    """How many words a text shares with a query: what a search ranks by."""
    return len(_words(text) & _words(query))


def _new_row(shelf: _Shelf, text: str, metadata: dict[str, Any], key: str | None) -> _Row:
    row = _Row(str(uuid.uuid4()), shelf.written, text, metadata, key, _words(text), [text])
    # Numbered within the shelf, because a common counter would reveal how much other users write.
    shelf.written += 1
    shelf.rows[row.id] = row
    if key is not None:
        shelf.keys[key] = row.id
    return row


def _rewrite(row: _Row, text: str, metadata: dict[str, Any]) -> None:
    row.text, row.metadata, row.words = text, metadata, _words(text)
    row.versions.append(text)


def _memory(row: _Row) -> Memory:
    metadata = copy.deepcopy(row.metadata) if row.metadata else {}
    return Memory(row.id, row.text, {"id": row.id, "text": row.text, "metadata": metadata, "key": row.key})


def _compiled(filters: Any) -> _Test:
    if not isinstance(filters, Mapping):
        raise Refused(BAD_FILTERS)
    tests = [_term(key, value) for key, value in filters.items()]
    return lambda metadata: all(test(metadata) for test in tests)


def _term(key: Any, value: Any) -> _Test:
    if key in _JOINS:
        if not isinstance(value, list) or not value:
            raise Refused(BAD_FILTERS)
        join, branches = _JOINS[key], [_compiled(branch) for branch in value]
        return lambda metadata: join([branch(metadata) for branch in branches])
    if not isinstance(key, str) or not isinstance(value, str | int | float | None):
        raise Refused(BAD_FILTERS)
    # Types are compared too, because in Python True equals 1.
    return lambda metadata: key in metadata and (type(metadata[key]), metadata[key]) == (type(value), value)
