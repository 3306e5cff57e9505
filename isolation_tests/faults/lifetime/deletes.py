"""D1 to D4: a delete affects other users, stops early, or leaves something behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Handler, Remembering, Wrapper, call, tag, unique
from isolation_tests.faults.support.merged import everyone, merged

PAGE_SIZE = 100


class WideReset(Remembering):
    """Maintenance for one user resets the whole store."""

    async def _on_maintain(self, user: Any) -> None:
        await call(self._inner.maintain, user)
        for v in self._others(user):
            await self._on_delete_all(v)


class PartialDelete(Wrapper):
    """Deletes the first page of memories and keeps the rest."""

    async def _on_delete_all(self, user: Any) -> None:
        rows: Sequence[Memory] = await call(self._inner.get_all, user)
        await call(self._inner.delete_all, user)
        for row in rows[PAGE_SIZE:]:
            await call(self._inner.add, user, row.text)


class _Ghosts(Wrapper):
    """Keeps the memories that each user deleted with `delete_all`."""

    def __init__(self, inner: Any) -> None:
        self._deleted: dict[str, list[Memory]] = {}
        super().__init__(inner)

    async def _on_delete_all(self, user: Any) -> None:
        rows: Sequence[Memory] = await call(self._inner.get_all, user)
        await call(self._inner.delete_all, user)
        self._deleted[tag(user)] = unique([*self._deleted.get(tag(user), ()), *rows])


class GhostSearch(_Ghosts):
    """The search index still has deleted memories."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        live = await call(self._inner.search, user, query, limit=limit, **keywords)
        return unique([*live, *self._deleted.get(tag(user), ())])[:limit]


class GhostById(_Ghosts):
    """One by-id call still returns deleted memories."""

    def __init__(self, inner: Any, method: str) -> None:
        self._method = method
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return self._by_id if name == self._method else super()._handler(name)

    async def _by_id(self, user: Any, id: str) -> Any:
        found = [row for row in self._deleted.get(tag(user), ()) if row.id == id]
        if not found:
            return await call(getattr(self._inner, self._method), user, id)
        return found[0] if self._method == "get" else found


class GhostReadd(_Ghosts):
    """The next memory that a user adds restores the deleted ones."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Any:
        added = await call(self._inner.add, user, text, **keywords)
        for row in self._deleted.pop(tag(user), ()):
            if row.text != text:
                await call(self._inner.add, user, row.text)
        return added


FAULTS = (
    Fault(
        "D1-delete-everyone",
        "D1",
        "Deleting all of a user's memories resets the whole store.",
        merged(everyone, {"delete_all"}),
        like="mem0#3746",
    ),
    Fault(
        "D2-wide-reset",
        "D2",
        "Maintenance for one user deletes all other users' memories.",
        WideReset,
        like="mem0#6279",
        needs=("maintain",),
    ),
    Fault(
        "D3-partial-page",
        "D3",
        "Deleting all memories stops after the first 100.",
        PartialDelete,
        like="mem0#4957",
    ),
    Fault(
        "D4-ghost-search",
        "D4",
        "Deleted memories stay in the search index.",
        GhostSearch,
        like="mem0#3245",
    ),
    Fault(
        "D4-ghost-get",
        "D4",
        "Deleted memories can still be read by id.",
        lambda adapter: GhostById(adapter, "get"),
        needs=("get",),
    ),
    Fault(
        "D4-ghost-history",
        "D4",
        "Versions of deleted memories can still be read.",
        lambda adapter: GhostById(adapter, "history"),
        like="mem0#3695",
        needs=("history",),
    ),
    Fault(
        "D4-ghost-readd",
        "D4",
        "The next memory that a user adds restores the deleted ones.",
        GhostReadd,
        like="ruflo#2815",
    ),
)
