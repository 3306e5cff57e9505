"""O1 to O4 and O7: anyone with an id or a cursor is treated as its owner."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from isolation_tests.adapter import Page
from isolation_tests.faults.support.base import Fault, Handler, Remembering, Wrapper, call


class Unchecked(Remembering):
    """One by-id call does not check who owns the id."""

    def __init__(self, inner: Any, method: str) -> None:
        self._method = method
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return self._by_id if name == self._method else super()._handler(name)

    async def _by_id(self, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        return await self._act(self._method, self._owners.get(id, user), id, *args, **keywords)


class UnboundCursor(Wrapper):
    """A cursor continues the list that it came from, whoever uses it."""

    def __init__(self, inner: Any) -> None:
        self._cursors: dict[str, Any] = {}
        super().__init__(inner)

    async def _on_page(self, user: Any, cursor: str | None) -> Page:
        owner = user if cursor is None else self._cursors.get(cursor, user)
        page: Page = await call(self._inner.page, owner, cursor)
        if page.cursor is not None:
            self._cursors.setdefault(page.cursor, owner)
        return page


def _unchecked(method: str) -> Callable[[Any], Unchecked]:
    return functools.partial(Unchecked, method=method)


FAULTS = (
    Fault(
        "O1-get-unchecked",
        "O1",
        "Reading by id does not check the owner.",
        _unchecked("get"),
        like="CVE-2026-59705",
        needs=("get",),
    ),
    Fault(
        "O2-update-unchecked",
        "O2",
        "Writing by id does not check the owner.",
        _unchecked("update"),
        like="CVE-2026-44570",
        needs=("update",),
    ),
    Fault(
        "O3-delete-unchecked",
        "O3",
        "Deleting by id does not check the owner.",
        _unchecked("delete"),
        like="CVE-2026-54015",
        needs=("delete",),
    ),
    Fault(
        "O4-history-unchecked",
        "O4",
        "Reading a memory's versions by id does not check the owner.",
        _unchecked("history"),
        like="chroma#7462",
        needs=("history",),
    ),
    Fault(
        "O7-cursor-unbound",
        "O7",
        "Only the cursor decides whose list continues.",
        UnboundCursor,
        like="e2a#782",
        needs=("page",),
    ),
)
