"""S1, S2, S5 and O6 by odd values of ordinary calls: blank texts, links, filters of nothing, one key."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Handler, Remembering, Wrapper, call, tag, unique

_WORD = re.compile(r"\w+")


class BlankEcho(Wrapper):
    """A text with nothing in it is not stored, and the answer is built from the last memory that was."""

    def __init__(self, inner: Any) -> None:
        self._last: list[Memory] = []
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        if self._last and not _WORD.search(text):
            return self._last
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        self._last = list(rows)
        return rows


class Linked(Remembering):
    """A read follows the ids that stand in a memory's metadata, whoever owns them."""

    def __init__(self, inner: Any) -> None:
        self._links: dict[str, tuple[str, ...]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        links = tuple(link for link in _texts_in(keywords.get("metadata")) if link in self._owners)
        self._links |= {row.id: links for row in rows if links and row.id is not None}
        return rows

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        return self._followed(await super()._on_search(user, query, limit=limit, **keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        return self._followed(await super()._on_get_all(user, **keywords))

    def _followed(self, rows: Sequence[Memory]) -> list[Memory]:
        return [
            row
            if row.id is None or row.id not in self._links
            else Memory(row.id, row.text, {"row": row.raw, "linked": self._behind(self._links[row.id])})
            for row in rows
        ]

    def _behind(self, links: Sequence[str]) -> list[str]:
        return [texts[link] for link in links for texts in list(self._texts.values()) if link in texts]


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(inner)


class NullFilter(Remembering):
    """A filter without a value makes the whole condition true, that of the owner too."""

    def __init__(self, inner: Any) -> None:
        self._keys: set[str] = set()
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        self._keys |= {*(keywords.get("metadata") or {})}
        return await super()._on_add(user, text, **keywords)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        if self._is_open(keywords.get("filters")):
            return (await self._everything(user))[:limit]
        return await super()._on_search(user, query, limit=limit, **keywords)

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        if self._is_open(keywords.get("filters")):
            return await self._everything(user)
        return await super()._on_get_all(user, **keywords)

    async def _everything(self, user: Any) -> list[Memory]:
        own = await call(self._inner.get_all, user)
        return unique([*own, *await self._lists_of_others(user)])

    def _is_open(self, filters: Any) -> bool:
        """Whether a key that memories have is asked for without a value, and nothing else."""
        plain = isinstance(filters, Mapping) and len(filters) == 1
        return plain and all(key in self._keys and value is None for key, value in filters.items())


class Unowned(Remembering):
    """An update writes the row without its owner, and a search also finds rows without one."""

    def __init__(self, inner: Any) -> None:
        self._public: dict[str, str] = {}
        super().__init__(inner)

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> Any:
        answer = await super()._on_update(user, id, text, **keywords)
        self._public[id] = text
        return answer

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        if keywords.get("filters") is not None:
            return rows
        words = set(_WORD.findall(query.casefold()))
        found = [
            (id, text) for id, text in self._public.items() if words & set(_WORD.findall(text.casefold()))
        ]
        return unique([*rows, *(Memory(id, text, {"id": id, "text": text}) for id, text in found)])[:limit]

    async def _on_delete(self, user: Any, id: str) -> Any:
        answer = await super()._on_delete(user, id)
        self._public.pop(id, None)
        return answer

    async def _on_delete_all(self, user: Any) -> None:
        gone = list(self._texts.get(tag(user), {}))
        await super()._on_delete_all(user)
        for id in gone:
            self._public.pop(id, None)


class Coalesced(Wrapper):
    """Writes with a key wait for the next call of another kind; until then, one key holds one write."""

    def __init__(self, inner: Any) -> None:
        self._waiting: dict[str, tuple[Any, str]] = {}
        super().__init__(inner)

    def _handler(self, name: str) -> Handler:
        return functools.partial(self._through, name)

    async def _through(self, name: str, *args: Any, **keywords: Any) -> Any:
        key = keywords.get("key") if name == "add" else None
        if key is None:
            self._waiting.clear()
            return await call(getattr(self._inner, name), *args, **keywords)
        rows: Sequence[Memory] = await call(self._inner.add, *args, **keywords)
        before = self._waiting.get(key)
        if before is not None and tag(before[0]) != tag(args[0]):
            await call(self._inner.delete, *before)
        if rows and rows[0].id is not None:
            self._waiting[key] = args[0], rows[0].id
        return rows


FAULTS = (
    Fault(
        "S1-blank-echo",
        "S1",
        "A text with nothing in it is answered with the memory that was stored last, whoever stored it.",
        BlankEcho,
        like="open-webui#4601",
    ),
    Fault(
        "S1-update-drops-owner",
        "S1",
        "An update writes the memory without its owner, and every search finds what has no owner.",
        Unowned,
        like="agno#5735",
        needs=("update",),
    ),
    Fault(
        "S2-follows-links",
        "S2",
        "A read follows the ids that stand in a memory's metadata, and does not ask whose they are.",
        Linked,
        like="caura#1148",
        needs=("add.metadata",),
    ),
    Fault(
        "S5-null-opens",
        "S5",
        "A filter without a value makes the condition true, and the owner's condition with it.",
        NullFilter,
        like="ai-memory-mcp#2990",
        needs=("search.filters", "add.metadata"),
    ),
    Fault(
        "O6-waiting-writes",
        "O6",
        "Writes that wait are merged by the caller's key alone, so another user's write takes the place.",
        Coalesced,
        like="deer-flow#2547",
        needs=("add.key", "delete"),
    ),
)
