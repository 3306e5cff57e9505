"""ScopedMemory as an adapter: a system whose application uses only the wrapper."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from isolation_tests.adapter import CORE_METHODS
from isolation_tests.scoped.memory import AsyncScopedMemory, ScopedMemory
from isolation_tests.scoped.stores import further_axes, waits

__all__ = ["ScopedAdapter"]

_Values = Mapping[str, str] | None
_OFFERED = (*CORE_METHODS, "get", "update", "delete", "history", "count")


class ScopedAdapter:
    """An adapter that creates a ScopedMemory over another adapter for every call.

    It has the other adapter's methods and keywords, except those that can't be made safe: export, page,
    users, maintain and intrude. It has the other adapter's axes, too, and none of them can be omitted. A bad
    user, scope, filter or id is `Refused`; `ForeignRowError` stays an error.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        further = further_axes(inner)
        self.axes = None if further is None else dict.fromkeys(inner.axes, "refused")
        front = self._later if waits(inner) else self._now
        for name in _OFFERED:
            offered = getattr(inner, name, None)
            if callable(offered):
                # `__wrapped__` makes inspect.signature show the inner keywords, which the suite looks for.
                setattr(self, name, functools.update_wrapper(functools.partial(front, name), offered))
        if callable(close := getattr(inner, "close", None)):
            self.close = close

    def _now(self, name: str, user: Any, *args: Any, scope: _Values = None, **keywords: Any) -> Any:
        return getattr(ScopedMemory(self._inner, user, scope=scope), name)(*args, **keywords)

    async def _later(self, name: str, user: Any, *args: Any, scope: _Values = None, **keywords: Any) -> Any:
        return await getattr(AsyncScopedMemory(self._inner, user, scope=scope), name)(*args, **keywords)
