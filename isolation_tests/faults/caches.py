"""K1 and K2: an answer that was kept for one user is served to another, or is served when it is old."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.base import Fault, Wrapper, call, tag
from isolation_tests.faults.starvation import nearness

NEAR = 0.6
_SERVINGS = 3

Answer = list[Memory]
_Question = tuple[str, int, int]


class _Cache(Wrapper):
    """Keeps answers, each with the user it was made for, until somebody writes."""

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
    """An answer that is asked for twice is kept under the query, the limit and how often the user wrote.

    near: how near a question must be to one that was kept, 1 for equal. equal: whether an equal question
    is looked up too; else only the user's own is, in the store.
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
        """The kept answer to the nearest question that is near enough."""
        found = {
            nearness(asked[0], kept[0]): rows
            for kept, (_, rows) in list(self._kept.items())
            if kept[1:] == asked[1:] and (kept == asked or self._near < 1) and (self._equal or kept != asked)
        }
        best = max(found, default=0.0)
        return found[best] if best >= self._near else None


class ListCache(_Cache):
    """A list that is asked for twice in a row is kept, and answers the next lists, whoever asks.

    Like the search cache it takes two users for one who wrote equally often.
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
    """A memory that was read by its id is kept under the id alone."""

    async def _on_get(self, user: Any, id: str) -> Memory | None:
        kept = self._kept.get(id)
        if kept is None:
            found: Memory | None = await call(self._inner.get, user, id)
            if found is None:
                return None
            kept = self._kept.setdefault(id, (tag(user), [found]))
        return kept[1][0]


class StaleSearch(_Cache):
    """Answers are kept for each user, and a new memory drops those of whoever searched last."""

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
        "The key of the search cache is the query, the limit and the user's version, without the user.",
        SearchCache,
        like="semantic-router#1448",
    ),
    Fault(
        "K1-list-key",
        "K1",
        "A list that one user asked for twice is kept for a while, and answers other users as well.",
        ListCache,
        like="wso2#733",
    ),
    Fault(
        "K1-get-key",
        "K1",
        "A memory that was read by its id is kept under the id, and whoever knows the id gets it.",
        GetCache,
        needs=("get",),
    ),
    Fault(
        "K1-stale",
        "K1",
        "A new memory drops the kept answers of whoever searched last instead of its writer's.",
        StaleSearch,
    ),
    Fault(
        "K2-semantic",
        "K2",
        "A question of which most words are those of a kept one, whoever asked it, gets the kept answer.",
        functools.partial(SearchCache, near=NEAR),
        like="semantic-router#2134",
    ),
    Fault(
        "K2-near-miss",
        "K2",
        "An equal question is looked up by user, and a near one among everybody's.",
        functools.partial(SearchCache, near=NEAR, equal=False),
    ),
)
