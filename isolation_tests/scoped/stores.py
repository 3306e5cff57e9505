"""One interface to all stores that can be scoped: any adapter of the contract, and mem0's four classes.

The module recognises them by their signatures, without importing mem0. Handlers are coroutines. With a sync
store, nothing in them waits, so they finish at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from isolation_tests.adapter import CORE_METHODS, USER_AXIS, Memory, Refused
from isolation_tests.scoped.errors import ScopeError
from isolation_tests.scoped.naming import storage_value

__all__ = ["Content", "Store", "at_once", "further_axes", "store_of", "waits"]

_FIRST_LIMIT = 1000
_PAGE_SIZE = 100
_T = TypeVar("_T")
Content = str | Sequence[Mapping[str, Any]]
_Data = Mapping[str, Any] | None


def waits(memory: object) -> bool:
    """Whether a store's methods are `async def`."""
    methods = (getattr(memory, name, None) for name in CORE_METHODS)
    return any(inspect.iscoroutinefunction(inspect.unwrap(each)) for each in methods if callable(each))


def at_once(running: Coroutine[Any, Any, _T]) -> _T:
    """Run a handler of a sync store to its end."""
    try:
        running.send(None)
    except StopIteration as done:
        answer: _T = done.value
        return answer
    running.close()
    raise TypeError("A sync store returned an awaitable; make all of its methods `async def`.")


async def _call(method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    given = {name: value for name, value in keywords.items() if value is not None}
    answer = method(*args, **given)
    return await answer if inspect.isawaitable(answer) else answer


def _parameters(method: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(method).parameters


def _takes_user(method: Callable[..., Any], keywords: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(method).bind("user", **keywords)
    except TypeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Adapter:
    """An adapter of the contract. scope: the values of its further axes; None if it has no such axes."""

    memory: Any
    scope: Mapping[str, str] | None = None

    async def add(
        self, name: str, content: Content, *, infer: bool | None = None, **options: Any
    ) -> list[Memory]:
        if not isinstance(content, str):
            raise ScopeError("This store takes a text, not messages.")
        if infer is not None:
            raise ScopeError("This store has no choice of `infer`: leave it out.")
        return list(await _call(self.memory.add, name, content, scope=self._own(), **options))

    async def search(self, name: str, query: str, limit: int, filters: _Data) -> list[Memory]:
        keywords = {"limit": limit, "filters": filters, "scope": self._own()}
        return list(await _call(self.memory.search, name, query, **keywords))

    async def get_all(self, name: str, filters: _Data) -> list[Memory]:
        return list(await _call(self.memory.get_all, name, filters=filters, scope=self._own()))

    async def delete_all(self, name: str) -> None:
        await _call(self.memory.delete_all, name, scope=self._own())

    async def fetch(self, name: str, id: str) -> Memory | None:
        try:
            row: Memory | None = await _call(self.memory.get, name, id, scope=self._own())
        except Refused:
            return None
        return row

    async def update(self, name: str, id: str, text: str, metadata: _Data) -> None:
        await _call(self.memory.update, name, id, text, metadata=metadata, scope=self._own())

    async def delete(self, name: str, id: str) -> None:
        await _call(self.memory.delete, name, id, scope=self._own())

    async def history(self, name: str, id: str) -> list[Memory]:
        return list(await _call(self.memory.history, name, id, scope=self._own()))

    def offers(self, method: str) -> bool:
        return callable(getattr(self.memory, method, None))

    def _own(self) -> dict[str, str] | None:
        # A copy, because a store may write into what it is passed.
        return None if self.scope is None else dict(self.scope)


@dataclass(frozen=True, slots=True)
class _Mem0:
    """What mem0's classes have in common. Their by-id calls take no user."""

    memory: Any

    async def add(
        self, name: str, content: Content, *, key: str | None = None, **options: Any
    ) -> list[Memory]:
        if key is not None:
            raise ScopeError("mem0 takes no key: leave it out.")
        messages = content if isinstance(content, str) else [dict(each) for each in content]
        return _memories(await _call(self.memory.add, messages, user_id=name, **options))

    async def delete_all(self, name: str) -> None:
        await _call(self.memory.delete_all, user_id=name)

    async def fetch(self, name: str, id: str) -> Memory | None:  # noqa: ARG002
        try:
            row = await _call(self.memory.get, id)
        except Exception as error:
            if type(error).__name__ != "MemoryNotFoundError":
                raise
            return None
        return _memory(row) if row else None

    async def delete(self, name: str, id: str) -> None:  # noqa: ARG002
        await _call(self.memory.delete, id)

    async def history(self, name: str, id: str) -> list[Memory]:  # noqa: ARG002
        rows = await _call(self.memory.history, id)
        return [Memory(id, row.get("new_memory") or row.get("old_memory") or "", row) for row in rows]

    def offers(self, method: str) -> bool:
        return callable(getattr(self.memory, method, None))


class _OpenSource(_Mem0):
    """mem0.Memory and mem0.AsyncMemory, 1.x and 2.x."""

    __slots__ = ()

    async def search(self, name: str, query: str, limit: int, filters: _Data) -> list[Memory]:
        scope = self._scope(self.memory.search, name, limit, filters)
        return _memories(await _call(self.memory.search, query, **scope))

    async def get_all(self, name: str, filters: _Data) -> list[Memory]:
        limit = _FIRST_LIMIT
        while True:
            scope = self._scope(self.memory.get_all, name, limit, filters)
            rows = _memories(await _call(self.memory.get_all, **scope))
            if len(rows) < limit:
                return rows
            limit *= 10

    async def update(self, name: str, id: str, text: str, metadata: _Data) -> None:  # noqa: ARG002
        await _call(self.memory.update, id, text, metadata=metadata)

    @staticmethod
    def _scope(method: Callable[..., Any], name: str, limit: int, filters: _Data) -> dict[str, Any]:
        """The arguments for user, limit and filters in this release; the user is last, as order matters."""
        named = _parameters(method)
        scope: dict[str, Any] = {"top_k" if "top_k" in named else "limit": limit}
        if "threshold" in named:
            # Only the limit decides how much is found, so that no score hides a memory from its owner.
            scope["threshold"] = 0.0
        if "user_id" in named:
            return scope | {"user_id": name, "filters": dict(filters) if filters else None}
        return scope | {"filters": {**(filters or {}), "user_id": name}}


class _Hosted(_Mem0):
    """mem0.MemoryClient and mem0.AsyncMemoryClient, 1.x and 2.x."""

    __slots__ = ()

    async def search(self, name: str, query: str, limit: int, filters: _Data) -> list[Memory]:
        scope = self._scope(name, filters)
        return _memories(await _call(self.memory.search, query, filters=scope, top_k=limit, threshold=0.0))

    async def get_all(self, name: str, filters: _Data) -> list[Memory]:
        found: dict[str | None, Memory] = {}
        page = 1
        while True:
            answer = await _call(
                self.memory.get_all, filters=self._scope(name, filters), page=page, page_size=_PAGE_SIZE
            )
            rows = _memories(answer)
            more = answer.get("next") if isinstance(answer, Mapping) and "next" in answer else rows
            # A server without pages returns the same rows for ever.
            if not more or all(row.id in found for row in rows):
                return list((found | {row.id: row for row in rows}).values())
            found |= {row.id: row for row in rows}
            page += 1

    async def update(self, name: str, id: str, text: str, metadata: _Data) -> None:  # noqa: ARG002
        await _call(self.memory.update, id, text=text, metadata=metadata)

    @staticmethod
    def _scope(name: str, filters: _Data) -> dict[str, Any]:
        narrow = [{"metadata": {key: value}} for key, value in (filters or {}).items()]
        return {"AND": [{"user_id": name}, *narrow]} if narrow else {"user_id": name}


def _memories(answer: Any) -> list[Memory]:
    """The rows of an answer. Other parts, such as a graph's relations, name no owner and are left out."""
    rows = answer.get("results", ()) if isinstance(answer, Mapping) else answer
    return [_memory(row) for row in rows or () if isinstance(row, Mapping) and row.get("id")]


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(str(row["id"]), str(row.get("memory") or ""), row)


Store = _Adapter | _OpenSource | _Hosted
"""A store as the scope calls it: always with a name. `fetch` returns None if there is no such id."""


def further_axes(memory: Any) -> tuple[str, ...] | None:
    """The axes that a store declares beside the user, outer to inner; None if it declares none."""
    axes = getattr(memory, "axes", None)
    named = tuple(axis for axis in axes if axis != USER_AXIS) if isinstance(axes, Mapping) else ()
    return named or None


def store_of(memory: Any, scope: Mapping[str, Any] | None = None) -> Store:
    """The interface to a store; raises TypeError if it is neither an adapter nor one of mem0's classes.

    scope: a value of each axis that the store declares; `ScopeError` if one is missing or unknown. A store
    that declares no axes is called without a scope.
    """
    if all(callable(getattr(memory, name, None)) for name in CORE_METHODS):
        first = next(iter(_parameters(memory.add)), None)
        if first == "messages":
            named = _parameters(memory.get_all)
            hosted = "top_k" not in named and "limit" not in named
            return _Hosted(memory) if hosted else _OpenSource(memory)
        if _takes_user(memory.get_all, {} if further_axes(memory) is None else {"scope": {}}):
            return _Adapter(memory, _stored_scope(memory, scope or {}))
    raise TypeError(
        "ScopedMemory needs an adapter (isolation_tests.adapter.MemoryAdapter) or mem0's Memory, "
        f"AsyncMemory, MemoryClient or AsyncMemoryClient, not a {type(memory).__name__}."
    )


def _stored_scope(memory: Any, scope: Mapping[str, Any]) -> dict[str, str] | None:
    axes = further_axes(memory)
    if axes is None:
        return None
    if missing := [axis for axis in axes if axis not in scope]:
        raise ScopeError(f"The store separates by {', '.join(axes)}: give the scope a value of {missing[0]}.")
    if unknown := sorted(scope.keys() - {*axes}):
        raise ScopeError(f"The store has no axis {unknown[0]}: it separates by {', '.join(axes)}.")
    return {axis: storage_value(axis, scope[axis]) for axis in axes}
