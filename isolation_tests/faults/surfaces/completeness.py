"""Completeness: a user's own facts are missing, because a list ends early or a fix went too far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Wrapper, call

PAGE_SIZE = 20


class FirstPage(Wrapper):
    """Returns only the first page of a list."""

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.get_all, user, **keywords)
        return rows[:PAGE_SIZE]


class Overfix(Wrapper):
    """Reads for names with wildcard characters find nothing, to avoid finding too much."""

    async def _on_search(self, user: Any, query: str, **keywords: Any) -> Sequence[Memory]:
        return self._allowed(user, await call(self._inner.search, user, query, **keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        return self._allowed(user, await call(self._inner.get_all, user, **keywords))

    def _allowed(self, user: Any, rows: Sequence[Memory]) -> Sequence[Memory]:
        return [] if isinstance(user, str) and any(c in user for c in "_%*") else rows


FAULTS = (
    Fault(
        "completeness-page-of-20",
        "completeness",
        "The list of all memories ends after 20.",
        FirstPage,
    ),
    Fault(
        "completeness-overfix",
        "completeness",
        "Names with wildcard characters are escaped only when reading, so users do not find their own facts.",
        Overfix,
        like="langgraphjs#2721",
    ),
)
