"""D4 and O7, delayed: another call restores deleted memories, and a cursor outlives its list."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory, Page
from isolation_tests.faults.support.base import Fault, Handler, Remembering, call, tag


class Restored(Remembering):
    """Memories that a user deleted, and saw gone, come back at a certain call.

    method: that call. foreign: whether only another user's call counts.
    """

    def __init__(self, inner: Any, method: str, *, foreign: bool) -> None:
        self._method, self._foreign = method, foreign
        self._deleted: dict[str, list[str]] = {}
        self._aside: dict[str, tuple[Any, list[str]]] = {}
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        handler = super()._handler(name)
        if name != self._method:
            return handler
        return functools.partial(self._restoring, handler or getattr(self._inner, name))

    async def _restoring(self, method: Handler, user: Any, *args: Any, **keywords: Any) -> Any:
        answer = await call(method, user, *args, **keywords)
        for name, (owner, texts) in list(self._aside.items()):
            if not (self._foreign and name == tag(user)):
                self._aside.pop(name, None)
                for text in texts:
                    await super()._on_add(owner, text)
        return answer

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_get_all(user, **keywords)
        if not rows and tag(user) in self._deleted:
            self._aside[tag(user)] = (user, self._deleted.pop(tag(user)))
        return rows

    async def _on_delete_all(self, user: Any) -> None:
        texts = list(self._texts.get(tag(user), {}).values())
        await super()._on_delete_all(user)
        self._aside.pop(tag(user), None)
        self._deleted[tag(user)] = texts


class LooseCursor(Remembering):
    """Only its owner can use a cursor until the owner makes a certain call; then anyone can.

    The cursor opens the list as it was when the cursor was issued.
    """

    def __init__(self, inner: Any, method: str) -> None:
        self._method = method
        self._given: dict[str, tuple[Any, list[Memory]]] = {}
        self._loose: set[str] = set()
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        self._loosen("add", user)
        return rows

    async def _on_delete_all(self, user: Any) -> None:
        await super()._on_delete_all(user)
        self._loosen("delete_all", user)

    def _loosen(self, method: str, user: Any) -> None:
        if method == self._method:
            self._loose |= {cursor for cursor, (owner, _) in self._given.items() if tag(owner) == tag(user)}

    async def _on_page(self, user: Any, cursor: str | None) -> Page:
        owner, rows = self._given.get(cursor or "", (user, []))
        if cursor in self._loose and tag(owner) != tag(user):
            return Page(rows)
        page: Page = await call(self._inner.page, user, cursor)
        if page.cursor is not None and page.cursor not in self._given:
            shown = {row.id for row in page.items}
            everything = await call(self._inner.get_all, user)
            self._given[page.cursor] = (user, [row for row in everything if row.id not in shown])
        return page


FAULTS = (
    Fault(
        "D4-ghost-foreign-write",
        "D4",
        "Another user's next write restores deleted memories from a batch that still held them.",
        functools.partial(Restored, method="add", foreign=True),
    ),
    Fault(
        "D4-ghost-foreign-read",
        "D4",
        "Another user's next search repairs the store from a copy that still holds deleted memories.",
        functools.partial(Restored, method="search", foreign=True),
    ),
    Fault(
        "D4-ghost-maintain",
        "D4",
        "Maintenance restores deleted memories from the snapshot that it starts with.",
        functools.partial(Restored, method="maintain", foreign=False),
        needs=("maintain",),
    ),
    Fault(
        "O7-cursor-after-write",
        "O7",
        "When its owner writes, a cursor moves to a snapshot that anyone can continue.",
        functools.partial(LooseCursor, method="add"),
        needs=("page",),
    ),
    Fault(
        "O7-cursor-after-delete",
        "O7",
        "When its owner deletes all, a cursor loses its owner, and anyone can read its snapshot.",
        functools.partial(LooseCursor, method="delete_all"),
        needs=("page",),
    ),
)
