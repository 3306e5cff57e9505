"""D1: there is room for so many users or memories, and somebody pays for each one more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Remembering, Wrapper, call, tag

ROOM = 400
"""More users than one plan has, and fewer than a run has."""
LATEST = 100
"""More users than one plan opens the store again for, and fewer than a run has."""
WINDOW = 4_000
"""More memories than ever stand at once unless thousands are stored on purpose."""

_SEATS: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
"""The seats of each store, for all of its openings."""


class Seated(Wrapper):
    """A wrapper that gives each user a seat at their first write, for ever."""

    def __init__(self, inner: Any) -> None:
        self._seats: dict[str, Any] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        self._seats.setdefault(tag(user), user)
        return rows


class Room(Seated):
    """Who sat down first of all makes room for a new user."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        if len(self._seats) > ROOM:
            await call(self._inner.delete_all, self._seats.pop(next(iter(self._seats))))
        return rows


class Buckets(Seated):
    """Users share buckets in turn; reads look at the user, and who leaves takes the bucket along."""

    async def _on_delete_all(self, user: Any) -> Any:
        if tag(user) not in self._seats:
            return await call(self._inner.delete_all, user)
        bucket = list(self._seats).index(tag(user)) % ROOM
        for neighbour in list(self._seats.values())[bucket::ROOM]:
            await call(self._inner.delete_all, neighbour)
        return None


class Flushed(Seated):
    """Closing writes to the file what is in memory: those who sat down last, whoever opened the store."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._seats = _SEATS.setdefault(inner, self._seats)

    def close(self) -> None:
        """Forget those who were not written, as opening the file again would."""
        for user in list(self._seats.values())[:-LATEST]:
            self._inner.delete_all(user)


class Window(Remembering):
    """A list reads so many rows of all users, the newest first, and picks the user's own among them."""

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_get_all(user, **keywords)
        if len(self._owners) <= WINDOW:
            return rows
        unread = {*list(self._owners)[:-WINDOW]}
        return [row for row in rows if row.id not in unread]


FAULTS = (
    Fault(
        "D1-oldest-makes-room",
        "D1",
        "There is room for 400 users; the facts of the user who wrote first are dropped for one more.",
        Room,
        like="hermes-webui#5357",
    ),
    Fault(
        "D1-bucket-comes-round",
        "D1",
        "Users share 400 buckets in turn, and a user's delete_all drops the whole bucket.",
        Buckets,
        like="wolverine#3686",
    ),
    Fault(
        "D1-latest-are-flushed",
        "D1",
        "Closing the store writes the facts of the 100 latest users to its file, and no others.",
        Flushed,
        like="nanobot#4957",
    ),
    Fault(
        "D1-window-of-newest",
        "D1",
        "A list reads the newest 4,000 memories of all users, and picks the user's own among them.",
        Window,
        like="zotero-mcp#384",
    ),
)
