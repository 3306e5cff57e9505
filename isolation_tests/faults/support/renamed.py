"""Users who are merged because the system changes their names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from isolation_tests.faults.support.base import Handler, Wrapper, call


class Renamed(Wrapper):
    """Makes every call with the user that `rename` returns; users of other types are accepted too."""

    def __init__(self, inner: Any, rename: Callable[[Any], Any]) -> None:
        self._rename = rename
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return None if name == "users" else functools.partial(self._call, name)

    async def _call(self, name: str, user: Any, *args: Any, **keywords: Any) -> Any:
        return await call(getattr(self._inner, name), self._rename(user), *args, **keywords)


def renamed(rename: Callable[[Any], Any]) -> Callable[[Any], Renamed]:
    """A function that plants a `Renamed` of this kind."""
    return lambda adapter: Renamed(adapter, rename)
