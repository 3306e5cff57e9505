"""ScopedMemory as an adapter: a system whose application uses only the wrapper."""

from __future__ import annotations

import functools
from typing import Any

from isolation_tests.adapter import CORE_METHODS
from isolation_tests.scoped.memory import AsyncScopedMemory, ScopedMemory
from isolation_tests.scoped.stores import waits

__all__ = ["ScopedAdapter"]

_OFFERED = (*CORE_METHODS, "get", "update", "delete", "history", "count")


class ScopedAdapter:
    """An adapter that creates a ScopedMemory over another adapter for every call.

    It has the other adapter's methods and keywords, except those that can't be made safe: export, page,
    users, maintain and intrude. A bad user, filter or id is `Refused`; `ForeignRowError` stays an error.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        front = self._later if waits(inner) else self._now
        for name in _OFFERED:
            offered = getattr(inner, name, None)
            if callable(offered):
                # `__wrapped__` makes inspect.signature show the inner keywords, which the suite looks for.
                setattr(self, name, functools.update_wrapper(functools.partial(front, name), offered))
        if callable(close := getattr(inner, "close", None)):
            self.close = close

    def _now(self, name: str, user: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(ScopedMemory(self._inner, user), name)(*args, **keywords)

    async def _later(self, name: str, user: Any, *args: Any, **keywords: Any) -> Any:
        return await getattr(AsyncScopedMemory(self._inner, user), name)(*args, **keywords)
