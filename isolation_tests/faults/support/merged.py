"""Users who are merged: on every chosen surface, a user also reads and deletes what others wrote."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any

from isolation_tests.adapter import Memory, Page, Refused
from isolation_tests.faults.support.base import Handler, Remembering, call, tag, unique

BY_ID = frozenset({"get", "update", "delete", "history"})
READS = frozenset({"search", "get_all", "export", "count", "page", "get", "history"})
ALL = READS | {"delete_all", "update", "delete"}
# Only the latest other users count, because a long run has thousands of users and would get slower.
MOST_OTHERS = 50

Sees = Callable[[Any, Any], bool]
Resolve = Callable[[Any, Sequence[Any]], list[Any]]


def seeing(sees: Sees) -> Resolve:
    """The other users that a viewer is merged with, by a predicate (viewer, other)."""
    return lambda viewer, others: [v for v in others if sees(viewer, v)]


def everyone(_viewer: Any, others: Sequence[Any]) -> list[Any]:
    """All other users, for any viewer."""
    return list(others)


def opens(special: Callable[[Any], bool]) -> Resolve:
    """All other users for special viewers, and none for the rest."""
    return lambda viewer, others: list(others) if special(viewer) else []


def names(sees: Callable[[str, str], bool]) -> Resolve:
    """Like `seeing`, but only among users that are text."""
    return seeing(lambda u, v: isinstance(u, str) and isinstance(v, str) and sees(u, v))


def folded(fold: Callable[[str], str]) -> Resolve:
    """Merges users that are text and that `fold` makes equal; a name that folds to nothing matches none."""
    cached = functools.lru_cache(maxsize=10_000)(fold)
    return names(lambda u, v: bool(cached(u)) and cached(u) == cached(v))


def interleaved(answers: Iterable[Sequence[Memory]]) -> list[Memory]:
    """The best row of each answer first, then the second best, and so on; each id once."""
    ranks = zip_longest(*answers)
    return unique(row for rank in ranks for row in rank if row is not None)


class Merged(Remembering):
    """Acts for the user and for every user that the user is merged with.

    resolve: maps (viewer, other writers) to the users that the viewer is merged with; it may raise `Refused`
    for a name that it can't read. surfaces: the methods on which that happens. override: whether a viewer
    that the inner adapter refuses is served anyway, if there is data to serve.
    """

    def __init__(
        self, inner: Any, resolve: Resolve, surfaces: Iterable[str] = ALL, *, override: bool = False
    ) -> None:
        self._resolve = resolve
        self._surfaces = frozenset(surfaces)
        self._override = override
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        if name in BY_ID & self._surfaces:
            return functools.partial(self._by_id, name)
        keeps_records = hasattr(Remembering, f"_on_{name}")
        return super()._handler(name) if name in self._surfaces or keeps_records else None

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        # A name that `resolve` can't read is refused before anything is stored under it.
        self._resolve(user, [])
        return await super()._on_add(user, text, **keywords)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        ask = functools.partial(super()._on_search, query=query, limit=limit, **keywords)
        return interleaved(await self._each("search", user, ask))[:limit]

    async def _on_get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        ask = functools.partial(super()._on_get_all, **keywords)
        return unique(chain.from_iterable(await self._each("get_all", user, ask)))

    async def _on_delete_all(self, user: Any) -> None:
        await self._each("delete_all", user, super()._on_delete_all)

    async def _on_export(self, user: Any) -> list[Memory]:
        ask = functools.partial(call, self._inner.export)
        return unique(chain.from_iterable(await self._each("export", user, ask)))

    async def _on_count(self, user: Any) -> int:
        return sum(await self._each("count", user, functools.partial(call, self._inner.count)))

    async def _on_page(self, user: Any, cursor: str | None) -> Page:
        try:
            page: Page = await call(self._inner.page, user, cursor)
        except Refused:
            if not self._override or not self._taken_for(user):
                raise
            page = Page([])
        if page.cursor is not None:
            return page
        more = [await call(self._inner.get_all, v) for v in self._taken_for(user)]
        return Page(unique(chain(page.items, *more)))

    async def _by_id(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        owner = self._owners.get(id, user)
        taken_for = {tag(v) for v in self._taken_for(user)}
        actor = owner if tag(owner) in taken_for else user
        return await self._act(name, actor, id, *args, **keywords)

    async def _each(self, surface: str, user: Any, ask: Callable[[Any], Awaitable[Any]]) -> list[Any]:
        others = self._taken_for(user) if surface in self._surfaces else []
        answers = []
        try:
            answers.append(await ask(user))
        except Refused:
            if not self._override or not others:
                raise
        return answers + [await ask(v) for v in others]

    def _taken_for(self, user: Any) -> list[Any]:
        return self._resolve(user, self._others(user))[-MOST_OTHERS:]


def merged(
    resolve: Resolve, surfaces: Iterable[str] = ALL, *, override: bool = False
) -> Callable[[Any], Merged]:
    """A function that plants a `Merged` of this kind."""
    return lambda adapter: Merged(adapter, resolve, surfaces, override=override)
