"""Seeded faults that show only among very many users: the reference store with one leak.

    isolation-tests scale isolation_tests.scale.planted:one_pair --disposable --users 100000 \
        -O first=4000 -O second=70000

No plan of the suite has so many users, so these are not among the faults of `calibrate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.core.errors import UsageProblem

__all__ = ["late", "one_pair", "untouched"]


class _Counting(ReferenceStore):
    """A right store that numbers its users in the order of their first writes, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.order: dict[Any, int] = {}
        self.touched: dict[Any, int] = {}
        self.writes = 0

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        rows = super().add(user, text, **keywords)
        self.order.setdefault(user, len(self.order) + 1)
        self.writes += 1
        return rows

    def others(self, user: Any) -> Sequence[Any]:
        """Whose memories the user is shown too."""
        raise NotImplementedError

    def search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> list[Memory]:
        rows = [row for other in self.others(user) for row in super(_Counting, self).get_all(other)]
        own = super().search(user, query, limit=limit, **keywords)
        return [*own[: limit - len(rows)], *rows][:limit]

    def get_all(self, user: Any, **keywords: Any) -> list[Memory]:
        rows = [row for other in self.others(user) for row in super(_Counting, self).get_all(other)]
        return [*super().get_all(user, **keywords), *rows]


class _OnePair(_Counting):
    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.pair = first, second
        self.names: dict[int, Any] = {}

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        rows = super().add(user, text, **keywords)
        if self.order[user] in self.pair:
            self.names[self.order[user]] = user
        return rows

    def others(self, user: Any) -> Sequence[Any]:
        first, second = self.pair
        return [self.names[second]] if self.order.get(user) == first and second in self.names else []


class _Late(_Counting):
    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def others(self, user: Any) -> Sequence[Any]:
        if self.order.get(user, 0) <= self.after:
            return []
        # Somebody from the middle, because the first ones are of the smoke test.
        return [name for name, place in self.order.items() if place == self.after // 2]


class _Untouched(_Counting):
    def __init__(self, others: int) -> None:
        super().__init__()
        self.most = others
        self.last: dict[Any, int] = {}
        self.latest: Any = None

    def add(self, user: Any, text: str, **keywords: Any) -> list[Memory]:
        rows = super().add(user, text, **keywords)
        self.last[user], self.latest = self.writes, user
        return rows

    def others(self, user: Any) -> Sequence[Any]:
        since = self.writes - self.last.get(user, self.writes)
        self.last[user] = self.writes
        return [self.latest] if since > self.most and self.latest != user else []


def one_pair(first: str, second: str) -> ReferenceStore:
    """A store in which the user who came as number `first` also sees what number `second` has stored."""
    return _OnePair(_number("first", first), _number("second", second))


def late(after: str) -> ReferenceStore:
    """A store in which users who come after number `after` also see what number `after` / 2 has stored."""
    return _Late(_number("after", after))


def untouched(others: str) -> ReferenceStore:
    """A store that shows the latest user's facts, once, to whoever made no call during `others` writes."""
    return _Untouched(_number("others", others))


def _number(option: str, text: str) -> int:
    if not text.isdecimal():
        raise UsageProblem(
            f"The option {option} must be a whole number, not {text[:40]!r}; pass -O {option}=900."
        )
    return int(text)
