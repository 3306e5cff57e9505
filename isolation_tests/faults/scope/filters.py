"""S5 and a part of S6: the caller's filters widen or replace the scope, or are read as query syntax."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from isolation_tests.adapter import Filters, Memory
from isolation_tests.faults.support.base import Fault, Remembering, call, tag, unique
from isolation_tests.faults.support.merged import MOST_OTHERS, interleaved
from isolation_tests.faults.support.sql import selected

OWNER_KEYS = ("user_id", "user", "owner", "tenant", "tenant_id", "namespace")

# Maps (viewer, filters, other users) to the users whose rows are added, each with filters (None: all rows).
Widen = Callable[[Any, Filters, Sequence[Any]], list[tuple[Any, Filters | None]]]


class Widened(Remembering):
    """With filters, a read also returns other users' rows; without filters, it is correct."""

    def __init__(self, inner: Any, widen: Widen) -> None:
        self._widen = widen
        super().__init__(inner)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        own = await super()._on_search(user, query, limit=limit, **keywords)
        ask = functools.partial(self._inner.search, query=query, limit=limit)
        return interleaved([own, *await self._foreign(user, ask, **keywords)])[:limit]

    async def _on_get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        own = await super()._on_get_all(user, **keywords)
        return unique(chain(own, *await self._foreign(user, self._inner.get_all, **keywords)))

    async def _foreign(
        self, user: Any, ask: Callable[..., Any], *, filters: Filters | None = None, **keywords: Any
    ) -> list[Sequence[Memory]]:
        wider = self._widen(user, filters, self._others(user)) if filters else []
        answers = []
        for v, others in wider[-MOST_OTHERS:]:
            given = keywords if others is None else {**keywords, "filters": others}
            answers.append(await call(ask, v, **given))
        return answers


def _or_widens(_viewer: Any, filters: Filters, others: Sequence[Any]) -> list[tuple[Any, Filters | None]]:
    return [(v, branch) for branch in filters.get("OR", ()) for v in others]


def _not_widens(_viewer: Any, filters: Filters, others: Sequence[Any]) -> list[tuple[Any, Filters | None]]:
    return [(v, {"NOT": filters["NOT"]}) for v in others if "NOT" in filters]


def _owner_replaces(
    _viewer: Any, filters: Filters, others: Sequence[Any]
) -> list[tuple[Any, Filters | None]]:
    named = {tag(value) for key, value in _leaves(filters, joins=("AND", "OR")) if key in OWNER_KEYS}
    rest = {key: value for key, value in filters.items() if key not in (*OWNER_KEYS, "AND", "OR")}
    return [(v, rest or None) for v in others if tag(v) in named]


def _leaves(filters: Any, joins: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The comparisons in a filter, including those inside the given joins."""
    for key, value in filters.items() if isinstance(filters, Mapping) else ():
        if key in joins and isinstance(value, list):
            for branch in value:
                yield from _leaves(branch, joins)
        else:
            yield key, value


def _pasted(condition: str) -> Widen:
    """Pastes or binds the key and value of each comparison after an owner filter without brackets."""

    def widen(viewer: Any, filters: Filters, others: Sequence[Any]) -> list[tuple[Any, Filters | None]]:
        found: dict[str, Any] = {}
        for key, value in _leaves(filters, joins=("AND", "OR", "NOT")):
            bound = {"user": viewer if isinstance(viewer, str) else None, "value": str(value)}
            pasted = condition.replace("{key}", key).replace("{value}", str(value))
            found |= {tag(v): v for v in selected(f"user_id = :user AND {pasted}", bound, others)}
        return [(v, None) for v in found.values()]

    return widen


def _widened(widen: Widen) -> Callable[[Any], Widened]:
    return lambda adapter: Widened(adapter, widen)


_NEEDS = ("search.filters",)

FAULTS = (
    Fault(
        "S5-or-widens",
        "S5",
        "A caller's OR is added to the owner filter without brackets, so any user's rows can match.",
        _widened(_or_widens),
        like="meho#1813",
        needs=_NEEDS,
    ),
    Fault(
        "S5-not-widens",
        "S5",
        "A caller's NOT is evaluated without the owner filter, so any user's rows can match.",
        _widened(_not_widens),
        needs=_NEEDS,
    ),
    Fault(
        "S5-owner-key-replaces",
        "S5",
        "The caller's filters are merged over the scope, so an owner key in them selects another user.",
        _widened(_owner_replaces),
        like="graphiti fa3a4274",
        needs=_NEEDS,
    ),
    Fault(
        "S6-sql-filter-value",
        "S6",
        "A filter's value is pasted into SQL, and a quote in it ends the SQL text.",
        _widened(_pasted("value = '{value}'")),
        needs=_NEEDS,
    ),
    Fault(
        "S6-sql-filter-key",
        "S6",
        "A filter's key is pasted into SQL, and a quote in it ends the SQL text.",
        _widened(_pasted("key = '{key}'")),
        needs=_NEEDS,
    ),
    Fault(
        "S6-json-path",
        "S6",
        "A filter's key is pasted into a JSON path in SQL; a quote and a bracket in it end the path.",
        _widened(_pasted("json_extract(value, '$.{key}') = :value")),
        like="CVE-2025-67644",
        needs=_NEEDS,
    ),
)
