"""X1 to X3: counts, answers to foreign ids, and error messages reveal something about other users."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from isolation_tests.adapter import Memory, Refused
from isolation_tests.faults.support.base import Fault, Handler, Remembering, call, tag
from isolation_tests.faults.support.merged import BY_ID, everyone, merged


class Existence(Remembering):
    """Some by-id calls answer differently for a foreign id than for an absent one."""

    def __init__(self, inner: Any, methods: frozenset[str], *, silent: bool = False) -> None:
        self._methods = methods
        self._silent = silent
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._by_id, name) if name in self._methods else super()._handler(name)

    async def _by_id(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        if not self._is_foreign(user, id):
            return await self._act(name, user, id, *args, **keywords)
        if not self._silent:
            raise Refused("This memory belongs to another user.")
        return None


class Telling(Remembering):
    """A refused by-id call reveals another user: the owner of the id, or the last writer."""

    def __init__(self, inner: Any, tell: Callable[[Any, str], str]) -> None:
        self._tell = tell
        self._last: dict[str, tuple[Any, str]] = {}
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._by_id, name) if name in BY_ID else super()._handler(name)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        # Removed and added again, so that the latest writer is the last entry.
        self._last.pop(tag(user), None)
        self._last[tag(user)] = (user, text)
        return rows

    async def _by_id(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        try:
            answer = await self._act(name, user, id, *args, **keywords)
        except Refused as error:
            raise Refused(self._message(user, id) or str(error)) from error
        message = self._message(user, id) if name in ("get", "history") and not answer else None
        if message is not None:
            raise Refused(message)
        return answer

    def _message(self, user: Any, id: str) -> str | None:
        if self._is_foreign(user, id):
            owner = self._owners[id]
            return self._tell(owner, self._texts[tag(owner)][id])
        others = [written for name, written in list(self._last.items()) if name != tag(user)]
        return self._tell(*others[-1]) if others else None


class LastRequest(Remembering):
    """A refused read quotes the last text that any user wrote."""

    def __init__(self, inner: Any) -> None:
        self._last: tuple[str, str] | None = None
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        self._last = (tag(user), text)
        return rows

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Any:
        return await self._quoting(user, super()._on_search, query, limit=limit, **keywords)

    async def _on_get_all(self, user: Any, **keywords: Any) -> Any:
        return await self._quoting(user, super()._on_get_all, **keywords)

    async def _quoting(self, user: Any, method: Handler, *args: Any, **keywords: Any) -> Any:
        try:
            return await call(method, user, *args, **keywords)
        except Refused as error:
            if self._last is None or self._last[0] == tag(user):
                raise
            raise Refused(f"{error} The request before was: {self._last[1]}") from error


def _telling(tell: Callable[[Any, str], str]) -> Callable[[Any], Telling]:
    return functools.partial(Telling, tell=tell)


def _existence(*methods: str, silent: bool = False) -> Callable[[Any], Existence]:
    return functools.partial(Existence, methods=frozenset(methods), silent=silent)


FAULTS = (
    Fault(
        "X1-count-global",
        "X1",
        "The count of a user's memories includes all users' memories.",
        merged(everyone, {"count"}),
        like="neotoma#1889",
        needs=("count",),
    ),
    *(
        Fault(
            f"X2-existence-{method}",
            "X2",
            f"The call {method} refuses a foreign id with a different message than an absent id.",
            _existence(method),
            like="renfield#170",
            needs=(method,),
        )
        for method in ("get", "update", "delete", "history")
    ),
    *(
        Fault(
            f"X2-silent-{method}",
            "X2",
            f"The call {method} on a foreign id does nothing and reports success; an absent id is refused.",
            _existence(method, silent=True),
            like="fhir-server#2364",
            needs=(method,),
        )
        for method in ("update", "delete")
    ),
    Fault(
        "X3-error-text",
        "X3",
        "A refused by-id call quotes the most similar memory, which belongs to another user.",
        _telling(lambda _owner, text: f"There is no such memory. Did you mean: {text}"),
        like="CVE-2021-36156",
        needs=("get",),
    ),
    Fault(
        "X3-error-name",
        "X3",
        "A refused by-id call names another user.",
        _telling(lambda owner, _text: f"Access denied; ask {owner} to share the memory."),
        needs=("get",),
    ),
    Fault(
        "X3-error-last-request",
        "X3",
        "A refused read quotes the previous request, from a buffer that all users share.",
        LastRequest,
    ),
)
