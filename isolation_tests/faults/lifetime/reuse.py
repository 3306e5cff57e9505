"""D4 and D1: what one user leaves is given to the next, or makes room for others' writes."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Leaving, Remembering, call, tag, unique

_CAP = 1000
_WORD = re.compile(r"\w+")


class Inherited(Remembering):
    """The first new user after one has left takes the leaver's place, with what is still in it.

    surfaces: the calls that read that place.
    """

    def __init__(self, inner: Any, surfaces: tuple[str, ...]) -> None:
        self._surfaces = surfaces
        self._known: set[str] = set()
        self._free: list[dict[str, str]] = []
        self._places: dict[str, dict[str, str]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        if tag(user) not in self._known and self._free:
            self._places[tag(user)] = self._free.pop()
        self._known.add(tag(user))
        return rows

    async def _on_delete_all(self, user: Any) -> None:
        left = dict(self._texts.get(tag(user), {}))
        await super()._on_delete_all(user)
        self._known.discard(tag(user))
        self._places.pop(tag(user), None)
        if left:
            self._free.append(left)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        return self._with_place("search", user, rows)[:limit]

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        return self._with_place("get_all", user, await super()._on_get_all(user, **keywords))

    async def _on_export(self, user: Any) -> Sequence[Memory]:
        return self._with_place("export", user, await call(self._inner.export, user))

    def _with_place(self, surface: str, user: Any, rows: Sequence[Memory]) -> list[Memory]:
        if surface not in self._surfaces:
            return list(rows)
        found = self._places.get(tag(user), {}).items()
        return unique([*(Memory(id, text, {"id": id, "text": text}) for id, text in found), *rows])


class Capped(Remembering):
    """The store holds so many memories; what is over is dropped by age, whoever wrote it."""

    def __init__(self, inner: Any) -> None:
        self._ages: dict[str, Any] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        self._ages |= {row.id: user for row in rows if row.id is not None}
        while len(self._ages) > _CAP:
            oldest = next(iter(self._ages))
            await self._on_delete(self._ages[oldest], oldest)
        return rows

    async def _on_delete(self, user: Any, id: str) -> Any:
        answer = await super()._on_delete(user, id)
        self._ages.pop(id, None)
        return answer

    async def _on_delete_all(self, user: Any) -> None:
        gone = list(self._texts.get(tag(user), {}))
        await super()._on_delete_all(user)
        for id in gone:
            self._ages.pop(id, None)


class Tombstones(Leaving):
    """A user's deleted memories still take their places among the nearest, and are dropped afterwards."""

    def __init__(self, inner: Any) -> None:
        self._dead: dict[str, list[str]] = {}
        super().__init__(inner)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        words = _words(query)
        dead = [len(words & _words(text)) for text in self._dead.get(tag(user), [])]
        ahead = ((row, sum(near >= len(words & _words(row.text)) for near in dead)) for row in rows)
        return [row for place, (row, before) in enumerate(ahead) if place + before < limit]

    def _left(self, user: Any, memories: dict[str, str]) -> None:
        self._dead.setdefault(tag(user), []).extend(memories.values())


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


FAULTS = (
    Fault(
        "D4-place-reused",
        "D4",
        "A user's place is free at once and emptied later, so the next new user finds what is in it.",
        functools.partial(Inherited, surfaces=("get_all", "search")),
        like="agenticos#1362",
    ),
    Fault(
        "D4-number-reused",
        "D4",
        "The number of a deleted account is given again, and the table behind the export still uses it.",
        functools.partial(Inherited, surfaces=("export",)),
        like="supernote#240",
        needs=("export",),
    ),
    Fault(
        "D1-cap-for-everybody",
        "D1",
        "The store holds a thousand memories, and a new one pushes out the oldest, whoever wrote it.",
        Capped,
        like="KiraAI#205",
        needs=("delete",),
    ),
    Fault(
        "completeness-tombstones",
        "completeness",
        "Deleted memories still count among the nearest, so that what was stored anew is crowded out.",
        Tombstones,
        like="seocho#122",
    ),
)
