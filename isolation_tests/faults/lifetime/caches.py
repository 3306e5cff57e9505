"""K1 and K2: an answer cached for one user is served to another user, or after it is out of date."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Wrapper, call, tag
from isolation_tests.faults.surfaces.starvation import nearness

NEAR = 0.6
_SERVINGS = 3

Answer = list[Memory]
_Question = tuple[str, int, int]


class _Cache(Wrapper):
    """Caches answers, each with its user, until anyone writes."""

    def __init__(self, inner: Any) -> None:
        self._kept: dict[Any, tuple[str, Answer]] = {}
        self._written: dict[str, int] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Any:
        return await self._write(user, self._inner.add, user, text, **keywords)

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> Any:
        return await self._write(user, self._inner.update, user, id, text, **keywords)

    async def _on_delete(self, user: Any, id: str) -> Any:
        return await self._write(user, self._inner.delete, user, id)

    async def _on_delete_all(self, user: Any) -> None:
        await self._write(user, self._inner.delete_all, user)
        self._written.pop(tag(user), None)

    async def _on_maintain(self, user: Any) -> Any:
        return await self._write(user, self._inner.maintain, user)

    async def _write(self, user: Any, method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        answer = await call(method, *args, **keywords)
        self._written[tag(user)] = self._written.get(tag(user), 0) + 1
        self._kept.clear()
        return answer


class SearchCache(_Cache):
    """Caches an answer at the second request, under the query, the limit and how often the user wrote.

    near: how similar a query must be to a cached one; 1 means equal. equal: whether an equal query is looked
    up among all users' answers too; if not, it goes to the store.
    """

    def __init__(self, inner: Any, near: float = 1.0, *, equal: bool = True) -> None:
        self._near, self._equal = near, equal
        self._asked: set[tuple[str, _Question]] = set()
        super().__init__(inner)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        asked: _Question = (query, limit, self._written.get(tag(user), 0))
        if not keywords and asked[2] and (found := self._found(asked)) is not None:
            return found
        rows = list(await call(self._inner.search, user, query, limit=limit, **keywords))
        if not keywords and (tag(user), asked) in self._asked:
            self._kept.setdefault(asked, (tag(user), rows))
        self._asked.add((tag(user), asked))
        return rows

    def _found(self, asked: _Question) -> Answer | None:
        """The cached answer to the most similar query, if it is similar enough."""
        found = {
            nearness(asked[0], kept[0]): rows
            for kept, (_, rows) in list(self._kept.items())
            if kept[1:] == asked[1:] and (kept == asked or self._near < 1) and (self._equal or kept != asked)
        }
        best = max(found, default=0.0)
        return found[best] if best >= self._near else None


class ListCache(_Cache):
    """Caches a list at the second request in a row, and returns it for the next lists of any user.

    Like the search cache, it confuses users who wrote equally often.
    """

    def __init__(self, inner: Any) -> None:
        self._last: tuple[str, int] | None = None
        self._left: dict[int, int] = {}
        super().__init__(inner)

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        written = self._written.get(tag(user), 0)
        if keywords or not written:
            fresh: Sequence[Memory] = await call(self._inner.get_all, user, **keywords)
            return fresh
        kept = self._kept.get(written)
        if kept is not None and self._left.get(written, 0) > 0:
            self._left[written] -= 1
            return kept[1]
        rows = list(await call(self._inner.get_all, user))
        if rows and self._last == (tag(user), written):
            self._kept[written] = (tag(user), rows)
            self._left[written] = _SERVINGS
        self._last = (tag(user), written)
        return rows


class GetCache(_Cache):
    """Caches a memory that was read by id, with only the id as the key."""

    async def _on_get(self, user: Any, id: str) -> Memory | None:
        kept = self._kept.get(id)
        if kept is None:
            found: Memory | None = await call(self._inner.get, user, id)
            if found is None:
                return None
            kept = self._kept.setdefault(id, (tag(user), [found]))
        return kept[1][0]


class StaleSearch(_Cache):
    """Caches answers per user, but a new memory invalidates those of the user who searched last."""

    def __init__(self, inner: Any) -> None:
        self._searched: Any = None
        super().__init__(inner)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        self._searched = user
        key = (tag(user), query, limit)
        if keywords or key not in self._kept:
            rows = list(await call(self._inner.search, user, query, limit=limit, **keywords))
            if keywords:
                return rows
            self._kept[key] = (tag(user), rows)
        return self._kept[key][1]

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Any:
        answer = await call(self._inner.add, user, text, **keywords)
        for key, (owner, _) in list(self._kept.items()):
            if owner == tag(self._searched):
                self._kept.pop(key, None)
        return answer


FAULTS = (
    Fault(
        "K1-search-key",
        "K1",
        "The key of the search cache has the query, the limit and the user's version, but not the user.",
        SearchCache,
        like="semantic-router#1448",
    ),
    Fault(
        "K1-list-key",
        "K1",
        "A list that one user read twice is cached for a while and served to other users as well.",
        ListCache,
        like="wso2#733",
    ),
    Fault(
        "K1-get-key",
        "K1",
        "A memory that was read by id is cached under the id, and anyone who knows the id gets it.",
        GetCache,
        needs=("get",),
    ),
    Fault(
        "K1-stale",
        "K1",
        "A new memory invalidates the cached answers of the user who searched last, not the writer's.",
        StaleSearch,
    ),
    Fault(
        "K2-semantic",
        "K2",
        "A query that shares most words with any user's cached query gets the cached answer.",
        functools.partial(SearchCache, near=NEAR),
        like="semantic-router#2134",
    ),
    Fault(
        "K2-near-miss",
        "K2",
        "The cache looks for equal queries per user, but for similar queries among all users.",
        functools.partial(SearchCache, near=NEAR, equal=False),
    ),
)
