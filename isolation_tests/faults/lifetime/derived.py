"""M1 to M5: data derived from texts (one copy, one entity, one summary) mixes two users."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.scope.legs import entities
from isolation_tests.faults.support.base import Fault, Handler, Remembering, call, tag
from isolation_tests.faults.support.merged import BY_ID

# An entity gets a summary at its third mention.
_MENTIONS = 3
_SLOT = re.compile(r"([A-Z]\w+ [A-Z]\w+'s [a-z]+(?: [a-z]+)?) is ")


class _Shared(Remembering):
    """Finds other users who have a memory with the same text."""

    def _holders(self, user: Any, text: str) -> list[tuple[Any, str]]:
        """The other users who have the text, each with the id of their memory."""
        return [
            (self._owners[known], known)
            for name, texts in list(self._texts.items())
            if name != tag(user)
            for known, held in list(texts.items())
            if held == text
        ]


class SharedId(_Shared):
    """Equal texts get the id of the first user's memory; each user's calls still act on their own memory."""

    def __init__(self, inner: Any) -> None:
        self._shown: dict[str, str] = {}
        self._real: dict[tuple[str, str], str] = {}
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._by_id, name) if name in BY_ID else super()._handler(name)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        held = self._holders(user, text)
        rows = await super()._on_add(user, text, **keywords)
        for row in rows:
            if held and row.id is not None:
                self._shown[row.id] = held[0][1]
                self._real[tag(user), held[0][1]] = row.id
        return self._as_shown(rows)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        return self._as_shown(await super()._on_search(user, query, limit=limit, **keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        return self._as_shown(await super()._on_get_all(user, **keywords))

    async def _by_id(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        return await self._act(name, user, self._real.get((tag(user), id), id), *args, **keywords)

    def _as_shown(self, rows: Iterable[Memory]) -> list[Memory]:
        return [dataclasses.replace(row, id=self._shown.get(row.id or "", row.id)) for row in rows]


class SharedFate(_Shared):
    """Equal texts are stored once: when one user deletes all memories, other users lose the text too."""

    async def _on_delete_all(self, user: Any) -> None:
        rows: Sequence[Memory] = await call(self._inner.get_all, user)
        shared = [held for row in rows for held in self._holders(user, row.text)]
        await super()._on_delete_all(user)
        for held in shared:
            await self._act("delete", *held)


class Dropped(_Shared):
    """A text that another user already has is not stored again."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        return [] if self._holders(user, text) else await super()._on_add(user, text, **keywords)


class _Derived(Remembering):
    """Records what all users wrote, in order."""

    def _held(self) -> list[tuple[Any, str, str]]:
        """Each memory as (owner, id, text)."""
        known = [pair for texts in list(self._texts.values()) for pair in list(texts.items())]
        return [(self._owners[id], id, text) for id, text in known if id in self._owners]

    def _foreign(self, user: Any) -> list[tuple[Any, str, str]]:
        return [held for held in self._held() if tag(held[0]) != tag(user)]


class EntitySummary(_Derived):
    """The first row about an entity shows a summary of everything that any user wrote about it."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        return self._summed(user, await super()._on_search(user, query, limit=limit, **keywords))

    async def _on_get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        return self._summed(user, await super()._on_get_all(user, **keywords))

    def _summed(self, user: Any, rows: Sequence[Memory]) -> list[Memory]:
        summed = list(rows)
        for number, row in enumerate(rows):
            about = entities(row.text)
            mentions = [text for _, _, text in self._held() if about & entities(text)]
            others = [text for _, _, text in self._foreign(user) if about & entities(text)]
            if others and len(mentions) >= _MENTIONS:
                summed[number] = dataclasses.replace(row, text=" ".join((row.text, *others)))
                break
        return summed


class MergedRow(_Derived):
    """A new fact about an entity is added to the first row about it, whoever owns that row."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        about = entities(text)
        held = [row for row in self._held() if about & entities(row[2])]
        if len(held) < _MENTIONS - 1 or keywords:
            return await super()._on_add(user, text, **keywords)
        owner, first, old = held[0]
        await self._act("update", owner, first, f"{old} {text}")
        return [Memory(first, f"{old} {text}")]


class SharedNode(_Derived):
    """Deleting a user's memories removes their entities, with everything that others wrote about them."""

    async def _on_delete_all(self, user: Any) -> None:
        own = [text for owner, _, text in self._held() if tag(owner) == tag(user)]
        about = frozenset().union(*map(entities, own))
        hanging = [held for held in self._foreign(user) if about & entities(held[2])]
        await super()._on_delete_all(user)
        for owner, known, _ in hanging:
            await self._act("delete", owner, known)


class Blend(_Derived):
    """Maintenance joins a user's newest memory with another user's newest memory."""

    async def _on_maintain(self, user: Any) -> None:
        await call(self._inner.maintain, user)
        own = [text for owner, _, text in self._held() if tag(owner) == tag(user)]
        others = [text for _, _, text in self._foreign(user)]
        if own and others:
            await super()._on_add(user, self._joined(own[-1], others[-1]))

    def _joined(self, own: str, other: str) -> str:
        return f"{own} {other}"


class NewestRows(Blend):
    """Maintenance copies the newest row of the whole store into the user's memories."""

    def _joined(self, own: str, other: str) -> str:
        del own
        return other


class LastActive(_Derived):
    """Maintenance writes its summary for the user who wrote last, not for the user it was started for."""

    def __init__(self, inner: Any) -> None:
        self._last: list[Any] = []
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        self._last = [user]
        return rows

    async def _on_maintain(self, user: Any) -> None:
        await call(self._inner.maintain, user)
        own = [text for owner, _, text in self._held() if tag(owner) == tag(user)]
        for writer in self._last:
            if own and tag(writer) != tag(user) and tag(writer) in self._writers:
                await super()._on_add(writer, f"In short: {' '.join(own)}")


class _Contradicted(_Derived):
    """Finds other users' statements that contradict a statement."""

    def _contrary(self, user: Any, text: str) -> list[tuple[Any, str, str]]:
        said = set(_SLOT.findall(text))
        return [held for held in self._foreign(user) if said & set(_SLOT.findall(held[2]))]


class UpdatesForeign(_Contradicted):
    """A statement rewrites the memory that it contradicts, whoever owns it."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        contrary = self._contrary(user, text)
        if not contrary:
            return await super()._on_add(user, text, **keywords)
        owner, known, _ = contrary[-1]
        await self._act("update", owner, known, text)
        return [Memory(known, text)]


class RemovesForeign(_Contradicted):
    """A statement removes the memories that it contradicts, whoever owns them."""

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        contrary = self._contrary(user, text)
        rows = await super()._on_add(user, text, **keywords)
        for owner, known, _ in contrary:
            await self._act("delete", owner, known)
        return rows


FAULTS = (
    Fault(
        "M1-shared-id",
        "M1",
        "Equal texts are recognised by their hash, and the second user gets the first user's id.",
        SharedId,
        like="XMem#199",
    ),
    Fault(
        "M1-shared-fate",
        "M1",
        "Equal texts are stored once, and all users lose the text when one of them deletes all memories.",
        SharedFate,
        needs=("delete",),
    ),
    Fault(
        "M1-dropped",
        "M1",
        "A text that another user already has is not stored again, and its second owner never sees it.",
        Dropped,
        like="eliza#13257",
    ),
    Fault(
        "M2-entity-summary",
        "M2",
        "A row about an entity shows a summary that includes all users' mentions of it.",
        EntitySummary,
        like="seocho#579",
    ),
    Fault(
        "M2-merged-row",
        "M2",
        "A new fact about an entity is added to the first row about that name, whoever owns it.",
        MergedRow,
        like="mem0#5441",
        needs=("update",),
    ),
    Fault(
        "M2-shared-node",
        "M2",
        "Deleting a user's memories removes their entities, with everything that others wrote about them.",
        SharedNode,
        needs=("delete",),
    ),
    Fault(
        "M3-blend",
        "M3",
        "Maintenance joins a user's newest memory with another user's newest memory.",
        Blend,
        like="hal0#1300",
        needs=("maintain",),
    ),
    Fault(
        "M3-newest-rows",
        "M3",
        "Maintenance copies the newest row of the whole store into the user's memories.",
        NewestRows,
        needs=("maintain",),
    ),
    Fault(
        "M4-updates-foreign",
        "M4",
        "A statement rewrites the memory that it contradicts, whoever owns it.",
        UpdatesForeign,
        like="mem0#2170",
        needs=("update",),
    ),
    Fault(
        "M4-removes-foreign",
        "M4",
        "A statement removes the memories that it contradicts, whoever owns them.",
        RemovesForeign,
        needs=("delete",),
    ),
    Fault(
        "M5-last-active",
        "M5",
        "Maintenance writes its summary for the user who wrote last.",
        LastActive,
        like="cognee v1.2.2.dev3",
        needs=("maintain",),
    ),
)
