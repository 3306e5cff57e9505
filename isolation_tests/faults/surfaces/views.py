"""Faults that only a comparison shows: others change a user's view, or two of a user's surfaces disagree."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from isolation_tests.adapter import Memory, Page, Refused
from isolation_tests.faults.support.base import Fault, Handler, Remembering, Wrapper, call, tag
from isolation_tests.faults.support.merged import BY_ID

PAGE_SIZE = 10
_WINDOW_SECONDS = 0.002


class SharedRanking(Remembering):
    """A search returns the user's own rows in another order after others have written."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        return list(reversed(rows)) if self._others(user) else list(rows)


class SharedStatistics(Remembering):
    """Rows of a search carry a value that is computed from all users' memories."""

    def __init__(self, inner: Any, made: Callable[[int], object]) -> None:
        self._made = made
        super().__init__(inner)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        made = self._made(sum(len(self._texts.get(tag(other), {})) for other in self._others(user)))
        return [replace(row, raw={"row": row.raw, "made": made}) for row in rows]


class ToldTotal(Remembering):
    """A refused by-id call reveals how many memories the store holds."""

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._by_id, name) if name in BY_ID else super()._handler(name)

    async def _by_id(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        try:
            return await self._act(name, user, id, *args, **keywords)
        except Refused as error:
            total = sum(map(len, self._texts.values()))
            raise Refused(f"{error} It is none of the {total} memories in the store.") from error


class ShortPages(Wrapper):
    """The last page lacks its last memory."""

    async def _on_page(self, user: Any, cursor: str | None) -> Page:
        page: Page = await call(self._inner.page, user, cursor)
        short = page.cursor is None and len(page.items) > 1
        return replace(page, items=page.items[:-1]) if short else page


class ShortExport(Wrapper):
    """An export of several memories lacks the last one."""

    async def _on_export(self, user: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.export, user)
        return rows[:-1] if len(rows) > 1 else rows


class ShortCount(Wrapper):
    """A total counts only one page."""

    async def _on_count(self, user: Any) -> int:
        return min(PAGE_SIZE, int(await call(self._inner.count, user)))


class ShortIndex(Wrapper):
    """Ids are looked up only in the first page of the user's memories."""

    async def _on_get(self, user: Any, id: str) -> Memory | None:
        first = list(await call(self._inner.get_all, user))[:PAGE_SIZE]
        held: Memory | None = await call(self._inner.get, user, id)
        return held if held is None or any(row.id == id for row in first) else None


class LostUpdate(Wrapper):
    """Of two overlapping adds by one user, the second overwrites the first with its own list."""

    def __init__(self, inner: Any) -> None:
        self._newest: dict[str, int] = {}
        self._counting = threading.Lock()
        self._number = 0
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        with self._counting:
            self._number += 1
            mine = self._newest[tag(user)] = self._number
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        # Around a sync adapter nothing is awaited, so the thread itself waits.
        await asyncio.sleep(_WINDOW_SECONDS) if self._waits else _doze()
        if self._newest[tag(user)] != mine:
            for row in rows:
                await call(self._inner.delete, user, row.id)
        return rows


def _doze() -> None:
    time.sleep(_WINDOW_SECONDS)


FAULTS = (
    Fault(
        "S2-rank-shared",
        "S2",
        "A rerank leg weights the user's own memories by what others have written.",
        SharedRanking,
    ),
    Fault(
        "X1-score-shared",
        "X1",
        "The scores of a search are computed from statistics over all users' memories.",
        functools.partial(SharedStatistics, made=lambda total: 1 / (1 + total)),
        like="Wang et al., Side-Channel Attacks on Shared Search Indexes, 2017",
    ),
    Fault(
        "X3-error-total",
        "X3",
        "A refused by-id call reveals how many memories the store holds.",
        ToldTotal,
        needs=("get",),
    ),
    Fault(
        "M4-row-touched",
        "M4",
        "A write by one user marks other users' memories.",
        functools.partial(SharedStatistics, made=lambda total: "linked" if total else "alone"),
    ),
    Fault(
        "completeness-short-pages",
        "completeness",
        "The last page of a list lacks the last memory.",
        ShortPages,
        needs=("page",),
    ),
    Fault(
        "completeness-short-export",
        "completeness",
        "The export lacks the last memory.",
        ShortExport,
        needs=("export",),
    ),
    Fault(
        "completeness-short-count",
        "completeness",
        "The total of a user's memories never exceeds ten.",
        ShortCount,
        needs=("count",),
    ),
    Fault(
        "completeness-short-index",
        "completeness",
        "Only the user's first ten memories can be found by id.",
        ShortIndex,
        needs=("get",),
    ),
    Fault(
        "completeness-lost-update",
        "completeness",
        "Of two overlapping adds by one user, the first is lost.",
        LostUpdate,
        needs=("delete",),
    ),
)
