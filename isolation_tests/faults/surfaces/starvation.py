"""S4: the owner filter is applied after the nearest memories are fetched, so a crowd hides a user's own."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from itertools import chain
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Remembering, call, tag
from isolation_tests.faults.support.merged import MOST_OTHERS

_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """The words of a text, in lower case."""
    return frozenset(_WORD.findall(text.casefold()))


def nearness(one: str, other: str) -> float:
    """How similar two texts are, 0 to 1: the share of their words that both have."""
    both = words(one) | words(other)
    return len(words(one) & words(other)) / len(both) if both else 0.0


class PostFilter(Remembering):
    """Fetches the nearest memories of all users, then removes other users' memories.

    pool: maps the requested limit to how many are fetched.
    """

    def __init__(self, inner: Any, pool: Callable[[int], int]) -> None:
        self._pool = pool
        super().__init__(inner)

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        pool = self._pool(limit)
        own = await super()._on_search(user, query, limit=max(limit, pool), **keywords)
        others = self._others(user)[-MOST_OTHERS:]
        answers = [await call(self._inner.search, other, query, limit=pool) for other in others]
        everybody = [(tag(user), row) for row in own]
        everybody += ((name, row) for name, row in chain.from_iterable(map(_tagged, others, answers)))
        nearest = sorted(everybody, key=lambda held: -nearness(query, held[1].text))[:pool]
        return [row for name, row in nearest if name == tag(user)][:limit]


def _tagged(user: Any, rows: list[Memory]) -> list[tuple[str, Memory]]:
    return [(tag(user), row) for row in rows]


def _pool_of(size: int) -> Callable[[Any], PostFilter]:
    return functools.partial(PostFilter, pool=lambda _: size)


FAULTS = (
    *(
        Fault(
            f"S4-pool-of-{size}",
            "S4",
            f"The nearest {size} memories of all users are fetched first and filtered by owner afterwards.",
            _pool_of(size),
            like=like,
        )
        for size, like in ((10, "mem0#6998"), (60, "mem0#7072"), (120, "pgvector#479"), (400, None))
    ),
    Fault(
        "S4-over-fetch",
        "S4",
        "Five times the limit is fetched from all users' memories and filtered by owner afterwards.",
        functools.partial(PostFilter, pool=lambda limit: 5 * limit),
    ),
)
