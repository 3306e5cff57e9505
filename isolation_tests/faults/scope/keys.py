"""O5, O6 and a part of A5: the caller's data or key decides who owns a memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.scope.filters import OWNER_KEYS
from isolation_tests.faults.support.base import Fault, Remembering, Wrapper, call, is_missing, tag

# Maps (user, key) to the place where the memory is stored.
Place = Callable[[Any, str], str]


def _named_owner(user: Any, metadata: Mapping[str, Any] | None) -> Any:
    named = [metadata[key] for key in OWNER_KEYS if key in metadata] if metadata else []
    return next((name for name in named if isinstance(name, str) and not is_missing(name)), user)


class AddRebinds(Wrapper):
    """An owner key in the metadata of `add` wins over the user."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Any:
        owner = _named_owner(user, keywords.get("metadata"))
        return await call(self._inner.add, owner, text, **keywords)


class UpdateRebinds(Wrapper):
    """An owner key in the metadata of `update` moves the memory to that user."""

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> None:
        await call(self._inner.update, user, id, text, **keywords)
        metadata = keywords.get("metadata")
        owner = _named_owner(user, metadata)
        if tag(owner) != tag(user):
            await call(self._inner.delete, user, id)
            await call(self._inner.add, owner, text, metadata=metadata)


class Unqualified(Remembering):
    """Each key has one place; if another user has taken it, a new memory replaces theirs or is dropped."""

    def __init__(self, inner: Any, place: Place, *, drops: bool = False) -> None:
        self._place = place
        self._drops = drops
        self._taken: dict[str, tuple[Any, str]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        key = keywords.get("key")
        if key is None:
            return await super()._on_add(user, text, **keywords)
        place = self._place(user, key)
        held = self._taken.get(place)
        if held is not None and not self._is_foreign(user, held[1]):
            held = None
        if held is not None and self._drops:
            return []
        rows = await super()._on_add(user, text, **keywords)
        if rows and rows[0].id is not None:
            self._taken[place] = (user, rows[0].id)
        if held is not None:
            await self._act("delete", *held)
        return rows


def _by_key(_user: Any, key: str) -> str:
    return key


def _joined(user: Any, key: str) -> str:
    return f"{user}:{key}"


FAULTS = (
    Fault(
        "A5-joined-with-key",
        "A5",
        'Memories are stored at `user:key`, so ("a:b", "c") and ("a", "b:c") overwrite each other.',
        functools.partial(Unqualified, place=_joined),
        like="memanto#1317",
        needs=("add.key", "delete"),
    ),
    Fault(
        "O5-add-rebinds",
        "O5",
        "The caller's metadata is merged over the scope, so an owner key in it stores for another user.",
        AddRebinds,
        like="mem0#6277",
        needs=("add.metadata",),
    ),
    Fault(
        "O5-update-rebinds",
        "O5",
        "An update stores all of the caller's metadata, so an owner key in it gives the memory away.",
        UpdateRebinds,
        like="micronaut-data#3940",
        needs=("update.metadata", "delete", "add.metadata"),
    ),
    Fault(
        "O6-key-overwrites",
        "O6",
        "Keys are unique among all users, so the second user overwrites the first user's memory.",
        functools.partial(Unqualified, place=_by_key),
        like="agno#8334",
        needs=("add.key", "delete"),
    ),
    Fault(
        "O6-key-dropped",
        "O6",
        "Keys are unique among all users, so the second user's memory is silently dropped.",
        functools.partial(Unqualified, place=_by_key, drops=True),
        like="ash#2713",
        needs=("add.key",),
    ),
)
