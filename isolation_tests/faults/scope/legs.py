"""S2: one leg of the retrieval lacks the owner filter."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Remembering, call, tag
from isolation_tests.faults.support.merged import MOST_OTHERS, interleaved

_WORD = re.compile(r"[^\W\d_][\w'-]+")


def entities(text: str) -> frozenset[str]:
    """Names in a text: two capitalised words in a row, such as "Marguerite Oyelaran"."""
    return frozenset(
        f"{first[0]} {second[0]}"
        for first, second in pairwise(_WORD.finditer(text))
        if first[0][0].isupper() and second[0][0].isupper() and text[first.end() : second.start()] == " "
    )


class _EntityIndex(Remembering):
    """One index of entities for all users: a shared name finds other users' rows."""

    def __init__(self, inner: Any) -> None:
        self._mentions: dict[str, dict[str, Any]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_add(user, text, **keywords)
        self._index(user, text)
        return rows

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> Any:
        answer = await super()._on_update(user, id, text, **keywords)
        self._index(user, text)
        return answer

    def _index(self, user: Any, text: str) -> None:
        for entity in entities(text):
            self._mentions.setdefault(entity, {})[tag(user)] = user

    async def _foreign(self, user: Any, text: str, limit: int) -> list[list[Memory]]:
        """What each other user wrote about the entities in a text."""
        wanted = entities(text)
        mentions = [self._mentions.get(entity, {}) for entity in wanted]
        others = {name: v for users in mentions for name, v in list(users.items()) if name != tag(user)}
        answers = [
            await call(self._inner.search, v, " ".join(sorted(wanted)), limit=limit)
            for v in list(others.values())[-MOST_OTHERS:]
        ]
        return [[row for row in rows if wanted & entities(row.text)] for rows in answers]


class KeywordLeg(_EntityIndex):
    """A search mixes the user's own hits with all users' rows about the entities in the query."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        own = await super()._on_search(user, query, limit=limit, **keywords)
        return interleaved([own, *await self._foreign(user, query, limit)])[:limit]


class EntitiesField(_EntityIndex):
    """Hits are the user's own, but a field of each holds all users' texts about its entities."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        own = await super()._on_search(user, query, limit=limit, **keywords)
        texts = [row.text for rows in await self._foreign(user, query, limit) for row in rows]
        return [_explained(row, query, texts) for row in own]


def _explained(row: Memory, query: str, texts: Sequence[str]) -> Memory:
    matched = entities(row.text) & entities(query)
    related = {entity: [text for text in texts if entity in entities(text)] for entity in matched}
    return dataclasses.replace(row, raw={"memory": row.raw, "entities": related}) if related else row


FAULTS = (
    Fault(
        "S2-keyword-leg",
        "S2",
        "The keyword leg of the search has no owner filter, so it finds all rows about the same name.",
        KeywordLeg,
        like="graphiti#632",
    ),
    Fault(
        "S2-entities-field",
        "S2",
        "A search hit has a field with entities from a graph that does not know owners.",
        EntitiesField,
        like="mem0#1805",
    ),
)
