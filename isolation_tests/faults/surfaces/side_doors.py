"""X5: routes besides search and get_all lack the owner filter. S3, S5: wrong sessions are accepted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

from isolation_tests.adapter import INTRUSIONS, Memory, Page
from isolation_tests.faults.support.base import Fault, Remembering, Wrapper, call, tag, unique
from isolation_tests.faults.support.merged import MOST_OTHERS, everyone, merged

_BEYOND = "beyond-"


class PastTheEnd(Remembering):
    """After the last page there is one more, with other users' rows."""

    async def _on_page(self, user: Any, cursor: str | None) -> Page:
        if cursor is not None and cursor.startswith(_BEYOND):
            answers = [await call(self._inner.get_all, v) for v in self._others(user)[-MOST_OTHERS:]]
            return Page(unique(chain.from_iterable(answers)))
        page: Page = await call(self._inner.page, user, cursor)
        if page.cursor is None and page.items and self._others(user):
            return Page(page.items, f"{_BEYOND}{len(page.items)}")
        return page


class LastWriter(Remembering):
    """An export also holds the last writer's rows, because both are prepared in one place."""

    def __init__(self, inner: Any) -> None:
        self._wrote: list[Any] = []
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Any:
        rows = await super()._on_add(user, text, **keywords)
        self._wrote = [user]
        return rows

    async def _on_export(self, user: Any) -> list[Memory]:
        own = await call(self._inner.export, user)
        last = [v for v in self._wrote if tag(v) != tag(user) and tag(v) in self._writers]
        return unique(chain(own, *[await call(self._inner.export, v) for v in last]))


class OpenDoor(Wrapper):
    """One way in is open: anyone who uses it reads the victim's memories."""

    def __init__(self, inner: Any, how: str) -> None:
        self._open = how
        super().__init__(inner)

    async def _on_intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        asking = (
            (self._inner.get_all, victim) if how == self._open else (self._inner.intrude, user, victim, how)
        )
        rows: Sequence[Memory] = await call(*asking)
        return rows


FAULTS = (
    Fault(
        "X5-export-global",
        "X5",
        "The export was written for administrators and contains all users' memories.",
        merged(everyone, {"export"}),
        like="mem0#4236",
        needs=("export",),
    ),
    Fault(
        "X5-page-global",
        "X5",
        "The paged list lacks the owner filter that the plain list has.",
        merged(everyone, {"page"}),
        like="Asana MCP 2025",
        needs=("page",),
    ),
    Fault(
        "X5-page-past-end",
        "X5",
        "The last page has a cursor that leads to other users' memories.",
        PastTheEnd,
        needs=("page",),
    ),
    Fault(
        "X5-export-last-writer",
        "X5",
        "An export also contains the memories of the user who wrote last.",
        LastWriter,
        needs=("export",),
    ),
    *(
        Fault(
            f"{'S5' if how.startswith('victim-in-') else 'S3'}-{how}",
            "S5" if how.startswith("victim-in-") else "S3",
            f"A caller who {doing} reads the victim's memories.",
            partial(OpenDoor, how=how),
            needs=("intrude",),
        )
        for how, doing in INTRUSIONS.items()
    ),
)
