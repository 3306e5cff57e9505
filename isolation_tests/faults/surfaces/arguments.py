"""S2, S5, S6, D1: what a call is passed is kept, pasted into a query, or taken for everything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Remembering, Wrapper, call, unique

_WORD = re.compile(r"\w+")
_OPERATOR = re.compile(r"\bOR\b|\bNOT\b|\*")


class KeptScope(Remembering):
    """The owner's condition is written into the caller's own filter, where the next call finds it."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        owner = self._written(user, keywords.get("filters"))
        return await super()._on_search(owner, query, limit=limit, **_without(keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        return await super()._on_get_all(self._written(user, keywords.get("filters")), **_without(keywords))

    def _written(self, user: Any, filters: Any) -> Any:
        if not isinstance(filters, dict) or not filters:
            return user
        return filters.setdefault(_SCOPE, user)


_SCOPE = "~scope"


def _without(keywords: dict[str, Any]) -> dict[str, Any]:
    """The keywords with filters as the caller wrote them."""
    filters = keywords.get("filters")
    if not isinstance(filters, Mapping) or _SCOPE not in filters:
        return keywords
    return {**keywords, "filters": {key: value for key, value in filters.items() if key != _SCOPE}}


class SharedMetadata(Wrapper):
    """Metadata is collected in one object, the default of an argument, so that it holds everybody's."""

    def __init__(self, inner: Any) -> None:
        self._default: dict[str, Any] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        before = dict(self._default)
        self._default |= keywords.get("metadata") or {}
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        if not keywords.get("metadata"):
            self._shown |= {row.id: before for row in rows if before and row.id is not None}
        return rows

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        return self._with_default(await call(self._inner.search, user, query, limit=limit, **keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        return self._with_default(await call(self._inner.get_all, user, **keywords))

    def _with_default(self, rows: Sequence[Memory]) -> list[Memory]:
        return [
            Memory(row.id, row.text, {"row": row.raw, "metadata": self._shown[row.id]})
            if row.id in self._shown
            else row
            for row in rows
        ]


class Operators(Remembering):
    """A query is pasted beside the owner's condition, and an operator in it joins what anybody wrote."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        if keywords.get("filters") is not None or not _OPERATOR.search(query):
            return rows
        asked = set(_WORD.findall(query)) - {"OR", "NOT"}
        others = await self._lists_of_others(user)
        found = (row for row in others if asked & set(_WORD.findall(row.text)))
        return unique([*found, *rows])[:limit]


class FallbackScan(Remembering):
    """A query that the index can't read is answered by a scan, which lacks the owner's condition."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        if query.count('"') % 2 == 0 and "\x00" not in query:
            return rows
        return unique([*rows, *await self._lists_of_others(user)])[:limit]


class EmptyIdDeletes(Remembering):
    """A delete with an empty id is a delete without a condition."""

    async def _on_delete(self, user: Any, id: str) -> Any:
        if id:
            return await super()._on_delete(user, id)
        await self._delete_everything()
        return None


class EmptyUpdateDeletes(Remembering):
    """A memory whose new text is empty is removed, by a delete without a condition."""

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> Any:
        if text.strip() or self._is_foreign(user, id):
            return await super()._on_update(user, id, text, **keywords)
        await self._delete_everything()
        return None


FAULTS = (
    Fault(
        "S5-kept-scope",
        "S5",
        "The owner's condition is written into the filter that the caller passed, and stays in it.",
        KeptScope,
        like="mem0#6796",
        needs=("search.filters",),
    ),
    Fault(
        "S2-shared-default",
        "S2",
        "Metadata is collected in an argument's default, so that a memory without any shows everybody's.",
        SharedMetadata,
        like="eunomia#55",
        needs=("add.metadata",),
    ),
    Fault(
        "S6-query-operator",
        "S6",
        "A query is pasted into a full-text expression, and an operator in it reaches beyond the owner.",
        Operators,
        like="wacli#57",
    ),
    Fault(
        "S6-fallback-scan",
        "S6",
        "A query that the index can't read is answered by a scan that does not know owners.",
        FallbackScan,
        like="xagent#836",
    ),
    Fault(
        "D1-empty-id-deletes",
        "D1",
        "A delete with an empty id has no condition, and deletes everybody's memories.",
        EmptyIdDeletes,
        like="chroma#583",
        needs=("delete",),
    ),
    Fault(
        "D1-empty-update-deletes",
        "D1",
        "A memory whose new text is empty is removed by a delete without a condition.",
        EmptyUpdateDeletes,
        like="dify#6366",
        needs=("update", "delete"),
    ),
)
