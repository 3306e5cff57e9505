"""D1, D2, D4, S4 and completeness: an index beside the store keeps or loses what the store does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory, Refused
from isolation_tests.faults.support.base import Fault, Leaving, Remembering, call, tag
from isolation_tests.faults.surfaces.starvation import words

_POOL = 1_000
"""More memories than one user has in any plan."""


class Shifted(Leaving):
    """A removed vector lets those behind it move up, but not the table that says whose each of them is."""

    def __init__(self, inner: Any) -> None:
        self._vectors: list[str] = []
        self._table: dict[int, str] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        for row in rows:
            if row.id is not None and row.id not in self._vectors:
                self._table[len(self._vectors)] = row.id
                self._vectors.append(row.id)
        return rows

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        own = {row.id: row for row in rows}
        places = (self._table.get(self._vectors.index(id)) for id in own if id in self._vectors)
        return [own[id] for id in places if id in own]

    def _left(self, _user: Any, memories: dict[str, str]) -> None:
        for id in memories:
            if id in self._vectors:
                self._table.pop(self._vectors.index(id), None)
                self._vectors.remove(id)


class Detached(Remembering):
    """Maintenance for one user rebuilds the lists, and others' newest memories fall out of theirs."""

    def __init__(self, inner: Any) -> None:
        self._hidden: set[str] = set()
        super().__init__(inner)

    async def _on_maintain(self, user: Any) -> Any:
        answer = await call(self._inner.maintain, user)
        for name, texts in list(self._texts.items()):
            if name != tag(user):
                self._hidden |= set(list(texts)[-1:])
        return answer

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_get_all(user, **keywords)
        return [row for row in rows if row.id not in self._hidden]


class NotFoundKept(Remembering):
    """That an id was not found is kept for everybody, and its owner does not find it either."""

    def __init__(self, inner: Any) -> None:
        self._missed: set[str] = set()
        super().__init__(inner)

    async def _on_get(self, user: Any, id: str) -> Any:
        if id in self._missed:
            raise Refused("There is no such memory: take an id from this user's own memories.")
        try:
            return await call(self._inner.get, user, id)
        except Refused:
            self._missed.add(id)
            raise


class NumberReused(Leaving):
    """A new memory gets the number of a deleted one, and with it the versions that were kept under it."""

    def __init__(self, inner: Any) -> None:
        self._free: list[str] = []
        self._versions: dict[str, str] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        for row in rows:
            if row.id is not None and self._free:
                self._versions[row.id] = self._free.pop()
        return rows

    async def _on_history(self, user: Any, id: str) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.history, user, id)
        kept = self._versions.get(id)
        return [*([] if kept is None else [Memory(id, kept, {"id": id, "text": kept})]), *rows]

    def _left(self, _user: Any, memories: dict[str, str]) -> None:
        self._free += memories.values()


class TermsLeft(Leaving):
    """A search goes by the terms of places; a deleted memory's place is free, with its terms still there."""

    def __init__(self, inner: Any) -> None:
        self._terms: list[frozenset[str]] = []
        self._places: dict[str, int] = {}
        self._free: list[int] = []
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        for row in rows:
            if row.id is not None:
                self._indexed(row.id, text)
        return rows

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> Any:
        answer = await super()._on_update(user, id, text, **keywords)
        if id in self._places:
            self._terms[self._places[id]] = words(text)
        return answer

    def _indexed(self, id: str, text: str) -> None:
        if id in self._places:
            self._terms[self._places[id]] = words(text)
            return
        place = self._free.pop() if self._free else len(self._terms)
        left = self._terms[place : place + 1]
        self._terms[place : place + 1] = [words(text).union(*left)]
        self._places[id] = place

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=max(limit, _POOL), **keywords)
        asked = words(query)
        return [row for row in rows if 2 * len(asked & self._of(row)) >= len(asked)][:limit]

    def _of(self, row: Memory) -> frozenset[str]:
        place = self._places.get(row.id or "")
        return words(row.text) if place is None else self._terms[place]

    def _left(self, _user: Any, memories: dict[str, str]) -> None:
        self._free += [self._places.pop(id) for id in memories if id in self._places]


class Unforgotten(Leaving):
    """A delete is not in the file, so that it is undone when the store is opened again."""

    def __init__(self, inner: Any) -> None:
        self._gone: list[tuple[Any, str]] = []
        super().__init__(inner)

    def _left(self, user: Any, memories: dict[str, str]) -> None:
        self._gone += [(user, text) for text in memories.values()]

    def close(self) -> None:
        """Bring back what was deleted, as opening the file again would."""
        for user, text in self._gone:
            self._inner.add(user, text)


FAULTS = (
    Fault(
        "D1-shifted-positions",
        "D1",
        "A removed vector moves the others up, not the table of whose they are, and searches lose hits.",
        Shifted,
        like="haystack#6228",
        needs=("delete",),
    ),
    Fault(
        "D2-detached-rows",
        "D2",
        "Maintenance for one user drops other users' newest memories from their lists.",
        Detached,
        like="nowledge-mem#81",
        needs=("maintain",),
    ),
    Fault(
        "completeness-not-found-kept",
        "completeness",
        "That an id was not found is kept for everybody, so that its owner does not find it either.",
        NotFoundKept,
        like="NuGet#1247",
        needs=("get",),
    ),
    Fault(
        "D4-history-of-reused-number",
        "D4",
        "A new memory gets the number of a deleted one, and shows the versions that were kept under it.",
        NumberReused,
        like="tracim#4016",
        needs=("history", "delete"),
    ),
    Fault(
        "S4-terms-left-behind",
        "S4",
        "A deleted memory's terms stay in the index, and whoever stores next is found by them.",
        TermsLeft,
        like="yetisearch#34",
    ),
    Fault(
        "D4-undone-by-reopening",
        "D4",
        "A delete is not written to the file, and is undone when the store is opened again.",
        Unforgotten,
        like="qdrant#4627",
        needs=("delete",),
    ),
)
