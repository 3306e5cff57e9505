"""LangGraph's long-term stores: one namespace for each user, in memory, on SQLite or on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import Filters, Memory, Page
from isolation_tests.adapters.support.langgraph_stores import (
    Namespace,
    Opened,
    answered,
    memory_of,
    open_async_store,
    open_store,
    value_of,
)

__all__ = ["AsyncLangGraph", "LangGraph", "open_async_memory", "open_memory"]

_PAGE = 10
_LISTED = 100
_NAMESPACE = "memories.{user}"


@contextmanager
def open_memory(
    *, store: str = "memory", namespace: str = _NAMESPACE, scan: str = "off", dsn: str | None = None
) -> Iterator[LangGraph]:
    """Open a new store, and remove it afterwards.

    store: "memory", "sqlite" or "postgres". namespace: labels joined by dots, one of them {user}; the
    vendor's documentation shows memories.{user} and {user}.memories. scan: pgvector's hnsw.iterative_scan:
    "off" (its default), "strict_order" or "relaxed_order". dsn: your own Postgres, in which a schema is
    created and dropped; without it, a Postgres is started for the run. Raises `BadOption`.
    """
    labels = Namespace.parse(namespace)
    with open_store(store, scan=scan, dsn=dsn) as opened:
        yield LangGraph(opened, labels)


@asynccontextmanager
async def open_async_memory(
    *, store: str = "memory", namespace: str = _NAMESPACE, scan: str = "off", dsn: str | None = None
) -> AsyncIterator[AsyncLangGraph]:
    """Open a store's asynchronous variant; the options are those of `open_memory`."""
    labels = Namespace.parse(namespace)
    async with open_async_store(store, scan=scan, dsn=dsn) as opened:
        yield AsyncLangGraph(opened, labels)


class LangGraph:
    """The store's own calls; an id is the item's key within the user's namespace."""

    def __init__(self, opened: Opened, namespace: Namespace) -> None:
        self._opened, self._store, self._namespace = opened, opened.store, namespace

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Put the text under a fresh key, or under the caller's."""
        key, value = key or str(uuid4()), value_of(text, metadata)
        with answered(self._opened):
            self._store.put(self._namespace.of(user), key, value)
        return [Memory(key, text, value)]

    def search(
        self, user: Any, query: str, *, limit: int, filters: Filters | None = None
    ) -> Sequence[Memory]:
        """Search the user's namespace: by meaning if the store has an index, else the newest first."""
        with answered(self._opened):
            found = self._store.search(self._namespace.of(user), query=query, filter=filters, limit=limit)
        return [memory_of(item) for item in found]

    def get_all(self, user: Any, *, filters: Filters | None = None) -> Sequence[Memory]:
        """Search without a query, page by page, because the store has no other list."""
        found: list[Memory] = []
        while True:
            with answered(self._opened):
                items = self._store.search(
                    self._namespace.of(user), filter=filters, limit=_LISTED, offset=len(found)
                )
            found += [memory_of(item) for item in items]
            if len(items) < _LISTED:
                return found

    def delete_all(self, user: Any) -> None:
        """List the namespace and delete each key, because the store has no call that deletes them all."""
        for memory in self.get_all(user):
            with answered(self._opened):
                self._store.delete(self._namespace.of(user), memory.id)

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the item with this key in the user's namespace; None if there is none."""
        with answered(self._opened):
            item = self._store.get(self._namespace.of(user), id)
        return None if item is None else memory_of(item)

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Put the new text under the same key of the user's namespace."""
        with answered(self._opened):
            self._store.put(self._namespace.of(user), id, value_of(text, metadata))

    def delete(self, user: Any, id: str) -> None:
        """Delete this key from the user's namespace."""
        with answered(self._opened):
            self._store.delete(self._namespace.of(user), id)

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return ten items of the user's namespace; the cursor is how many came before."""
        start = int(cursor or 0)
        with answered(self._opened):
            items = self._store.search(self._namespace.of(user), limit=_PAGE, offset=start)
        return _page(items, start)


class AsyncLangGraph:
    """The same calls on the store's asynchronous variant."""

    def __init__(self, opened: Opened, namespace: Namespace) -> None:
        self._opened, self._store, self._namespace = opened, opened.store, namespace

    async def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Put the text under a fresh key, or under the caller's."""
        key, value = key or str(uuid4()), value_of(text, metadata)
        with answered(self._opened):
            await self._store.aput(self._namespace.of(user), key, value)
        return [Memory(key, text, value)]

    async def search(
        self, user: Any, query: str, *, limit: int, filters: Filters | None = None
    ) -> Sequence[Memory]:
        """Search the user's namespace: by meaning if the store has an index, else the newest first."""
        with answered(self._opened):
            namespace = self._namespace.of(user)
            found = await self._store.asearch(namespace, query=query, filter=filters, limit=limit)
        return [memory_of(item) for item in found]

    async def get_all(self, user: Any, *, filters: Filters | None = None) -> Sequence[Memory]:
        """Search without a query, page by page, because the store has no other list."""
        found: list[Memory] = []
        while True:
            with answered(self._opened):
                items = await self._store.asearch(
                    self._namespace.of(user), filter=filters, limit=_LISTED, offset=len(found)
                )
            found += [memory_of(item) for item in items]
            if len(items) < _LISTED:
                return found

    async def delete_all(self, user: Any) -> None:
        """List the namespace and delete each key, because the store has no call that deletes them all."""
        for memory in await self.get_all(user):
            with answered(self._opened):
                await self._store.adelete(self._namespace.of(user), memory.id)

    async def get(self, user: Any, id: str) -> Memory | None:
        """Return the item with this key in the user's namespace; None if there is none."""
        with answered(self._opened):
            item = await self._store.aget(self._namespace.of(user), id)
        return None if item is None else memory_of(item)

    async def update(
        self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Put the new text under the same key of the user's namespace."""
        with answered(self._opened):
            await self._store.aput(self._namespace.of(user), id, value_of(text, metadata))

    async def delete(self, user: Any, id: str) -> None:
        """Delete this key from the user's namespace."""
        with answered(self._opened):
            await self._store.adelete(self._namespace.of(user), id)

    async def page(self, user: Any, cursor: str | None) -> Page:
        """Return ten items of the user's namespace; the cursor is how many came before."""
        start = int(cursor or 0)
        with answered(self._opened):
            items = await self._store.asearch(self._namespace.of(user), limit=_PAGE, offset=start)
        return _page(items, start)


def _page(items: Sequence[Any], start: int) -> Page:
    more = len(items) == _PAGE
    return Page([memory_of(item) for item in items], str(start + _PAGE) if more else None)
