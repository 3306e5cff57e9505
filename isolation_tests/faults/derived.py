"""M1: equal texts of two users are stored once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.base import Fault, Handler, Remembering, call, tag
from isolation_tests.faults.merged import BY_ID


class _Shared(Remembering):
    """Finds the others whose memories have the very same text."""

    def _holders(self, user: Any, text: str) -> list[tuple[Any, str]]:
        """The other users who have the text, each with the id of theirs."""
        return [
            (self._owners[known], known)
            for name, texts in list(self._texts.items())
            if name != tag(user)
            for known, held in list(texts.items())
            if held == text
        ]


class SharedId(_Shared):
    """Equal text gets the id that the first user's memory has; each user's call on it acts on their own."""

    def __init__(self, inner: Any) -> None:
        self._shown: dict[str, str] = {}
        self._real: dict[tuple[str, str], str] = {}
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._by_id, name) if name in BY_ID else super()._handler(name)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        held = self._holders(user, text)
        rows = await super()._on_add(user, text, **keywords)
        for row in rows:
            if held and row.id is not None:
                self._shown[row.id] = held[0][1]
                self._real[tag(user), held[0][1]] = row.id
        return self._as_shown(rows)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        return self._as_shown(await super()._on_search(user, query, limit=limit, **keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        return self._as_shown(await super()._on_get_all(user, **keywords))

    async def _by_id(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        return await self._act(name, user, self._real.get((tag(user), id), id), *args, **keywords)

    def _as_shown(self, rows: Iterable[Memory]) -> list[Memory]:
        return [dataclasses.replace(row, id=self._shown.get(row.id or "", row.id)) for row in rows]


class SharedFate(_Shared):
    """Equal text is kept once: when one user deletes all of theirs, it is gone for the others too."""

    async def _on_delete_all(self, user: Any) -> None:
        rows: Sequence[Memory] = await call(self._inner.get_all, user)
        shared = [held for row in rows for held in self._holders(user, row.text)]
        await super()._on_delete_all(user)
        for held in shared:
            await self._act("delete", *held)


class Dropped(_Shared):
    """A text that another user has is taken for stored already, and is not stored again."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        return [] if self._holders(user, text) else await super()._on_add(user, text, **keywords)


FAULTS = (
    Fault(
        "M1-shared-id",
        "M1",
        "Equal text is recognised by its hash, and the answer carries the first user's id.",
        SharedId,
        like="XMem#199",
    ),
    Fault(
        "M1-shared-fate",
        "M1",
        "Equal text is kept once, and is gone for everyone when one user deletes all of theirs.",
        SharedFate,
        needs=("delete",),
    ),
    Fault(
        "M1-dropped",
        "M1",
        "Text that another user has already is not stored again, and its second owner never sees it.",
        Dropped,
        like="eliza#13257",
    ),
)
