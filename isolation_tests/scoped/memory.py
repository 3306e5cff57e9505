"""ScopedMemory and AsyncScopedMemory: one store with one fixed user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, final

from isolation_tests.adapter import Filters, Memory
from isolation_tests.scoped.errors import ForeignRowError, UnknownMemoryError
from isolation_tests.scoped.guards import Owners, bare
from isolation_tests.scoped.naming import storage_key, storage_name
from isolation_tests.scoped.stores import Content, Store, at_once, store_of, waits

__all__ = ["AsyncScopedMemory", "ScopedMemory"]

_OWNER_FIELDS = ("user_id",)
_LIMIT = 20


@dataclass(frozen=True, slots=True)
class _Scope:
    """The logic of a scoped memory, shared by the sync and the async class."""

    store: Store
    owners: Owners

    @property
    def name(self) -> str:
        return self.owners.name

    async def add(
        self, content: Content, metadata: Mapping[str, Any] | None, key: str | None, *, infer: bool | None
    ) -> list[Memory]:
        options: dict[str, Any] = {
            "metadata": None if metadata is None else self.owners.metadata(metadata),
            "key": None if key is None else storage_key(self.name, key),
            "infer": infer,
        }
        return self._own(await self.store.add(self.name, content, **options))

    async def search(self, query: str, limit: int, filters: Filters | None) -> list[Memory]:
        return self._own(await self.store.search(self.name, query, limit, self._narrow(filters)))

    async def get_all(self, filters: Filters | None = None) -> list[Memory]:
        return self._own(await self.store.get_all(self.name, self._narrow(filters)))

    async def delete_all(self) -> None:
        await self.store.delete_all(self.name)

    async def get(self, id: str) -> Memory | None:
        """The user's own memory with this id; None for another user's id and for an absent one."""
        if not isinstance(id, str) or not id:
            return None
        fetched = await self.store.fetch(self.name, id) if self.store.offers("get") else None
        if fetched is not None and fetched.id == id and self.owners.is_own(fetched):
            return fetched
        if self.store.offers("get") and (fetched is None or self.owners.is_foreign(fetched)):
            return None
        # The row names no owner, so it has to be among the rows that the store lists for the user.
        listed = next((row for row in await self.get_all() if row.id == id), None)
        return listed if fetched is None or listed is None else fetched

    async def update(self, id: str, text: str, metadata: Mapping[str, Any] | None) -> None:
        data = None if metadata is None else self.owners.metadata(metadata)
        await self._require("update", id)
        await self.store.update(self.name, id, text, data)

    async def delete(self, id: str) -> None:
        await self._require("delete", id)
        await self.store.delete(self.name, id)

    async def history(self, id: str) -> list[Memory]:
        await self._require("history", id)
        return self._own(await self.store.history(self.name, id))

    async def count(self) -> int:
        return len(await self.get_all())

    async def _require(self, method: str, id: str) -> None:
        if not self.store.offers(method):
            raise NotImplementedError(f"This store has no {method}.")
        if await self.get(id) is None:
            raise UnknownMemoryError

    def _narrow(self, filters: Filters | None) -> dict[str, Any] | None:
        return None if filters is None else self.owners.filters(filters) or None

    def _own(self, rows: Iterable[Memory]) -> list[Memory]:
        checked = list(rows)
        if any(self.owners.is_foreign(row) for row in checked):
            raise ForeignRowError
        return checked


class _Bound:
    """An object whose scope is set once."""

    __slots__ = ("_scope",)
    _scope: _Scope
    _waits: ClassVar[bool]

    def __init__(
        self,
        memory: Any,
        user_id: str,
        *,
        scope: Mapping[str, str] | None = None,
        owner_fields: Sequence[str] = _OWNER_FIELDS,
    ) -> None:
        if hasattr(self, "_scope"):
            self._deny()
        store = store_of(memory, scope)
        if waits(memory) is not self._waits:
            other = "ScopedMemory" if self._waits else "AsyncScopedMemory"
            kind = "sync" if self._waits else "async"
            raise TypeError(f"The methods of {type(memory).__name__} are {kind}; use {other}.")
        owners = Owners(storage_name(user_id, scope), frozenset(map(bare, owner_fields)))
        object.__setattr__(self, "_scope", _Scope(store, owners))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._scope.name})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self._deny()

    def __delattr__(self, name: str) -> NoReturn:
        self._deny()

    def _deny(self) -> NoReturn:
        raise AttributeError(f"A {type(self).__name__} can't be changed; create a new one for another user.")


@final
class ScopedMemory(_Bound):
    """One user's memories, without a way to name another user.

    memory: a sync adapter, mem0.Memory or mem0.MemoryClient. user_id: the session's user, text that is not
    blank, compared exactly. scope: the session's value of each further axis, such as tenant or agent; two
    scopes share nothing, and a store that declares axes needs a value of each. owner_fields: the fields in
    which the store's rows name their owner; an answer with a row that names another owner is withheld
    (`ForeignRowError`).
    Raises ValueError for any other user id or scope, and TypeError for a store that can't be scoped.
    """

    __slots__ = ()
    _waits = False

    def add(
        self,
        content: Content,
        *,
        metadata: Mapping[str, Any] | None = None,
        key: str | None = None,
        infer: bool | None = None,
    ) -> list[Memory]:
        """Store a text (or messages, with mem0) and return what was stored.

        metadata: stored with the text; raises `ScopeError` if it names an owner. key: the user's own id for
        the memory, if the store takes one. infer: for mem0; False stores the text unchanged.
        """
        return at_once(self._scope.add(content, metadata, key, infer=infer))

    def search(self, query: str, *, limit: int = _LIMIT, filters: Filters | None = None) -> list[Memory]:
        """Return at most `limit` of the user's memories, the best match first.

        filters: metadata keys and plain values, all of which must hold; others raise `ScopeError`.
        """
        return at_once(self._scope.search(query, limit, filters))

    def get_all(self, *, filters: Filters | None = None) -> list[Memory]:
        """Return all of the user's memories; filters as in `search`."""
        return at_once(self._scope.get_all(filters))

    def get(self, id: str) -> Memory | None:
        """Return one of the user's memories; None for any other id."""
        return at_once(self._scope.get(id))

    def update(self, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text of one of the user's memories; `UnknownMemoryError` for any other id."""
        at_once(self._scope.update(id, text, metadata))

    def delete(self, id: str) -> None:
        """Delete one of the user's memories; `UnknownMemoryError` for any other id."""
        at_once(self._scope.delete(id))

    def history(self, id: str) -> list[Memory]:
        """Return the versions of one of the user's memories; `UnknownMemoryError` for any other id."""
        return at_once(self._scope.history(id))

    def count(self) -> int:
        """Return how many memories the user's own list has."""
        return at_once(self._scope.count())

    def delete_all(self) -> None:
        """Delete all of the user's memories."""
        at_once(self._scope.delete_all())


@final
class AsyncScopedMemory(_Bound):
    """ScopedMemory over a store whose methods are `async def`: an async adapter or mem0's async classes."""

    __slots__ = ()
    _waits = True

    async def add(
        self,
        content: Content,
        *,
        metadata: Mapping[str, Any] | None = None,
        key: str | None = None,
        infer: bool | None = None,
    ) -> list[Memory]:
        """Store a text (or messages, with mem0) and return what was stored; see `ScopedMemory.add`."""
        return await self._scope.add(content, metadata, key, infer=infer)

    async def search(
        self, query: str, *, limit: int = _LIMIT, filters: Filters | None = None
    ) -> list[Memory]:
        """Return at most `limit` of the user's memories, the best match first; see `ScopedMemory.search`."""
        return await self._scope.search(query, limit, filters)

    async def get_all(self, *, filters: Filters | None = None) -> list[Memory]:
        """Return all of the user's memories; filters as in `search`."""
        return await self._scope.get_all(filters)

    async def get(self, id: str) -> Memory | None:
        """Return one of the user's memories; None for any other id."""
        return await self._scope.get(id)

    async def update(self, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text of one of the user's memories; `UnknownMemoryError` for any other id."""
        await self._scope.update(id, text, metadata)

    async def delete(self, id: str) -> None:
        """Delete one of the user's memories; `UnknownMemoryError` for any other id."""
        await self._scope.delete(id)

    async def history(self, id: str) -> list[Memory]:
        """Return the versions of one of the user's memories; `UnknownMemoryError` for any other id."""
        return await self._scope.history(id)

    async def count(self) -> int:
        """Return how many memories the user's own list has."""
        return await self._scope.count()

    async def delete_all(self) -> None:
        """Delete all of the user's memories."""
        await self._scope.delete_all()
