"""What a scale run was asked, and the figures in which it ends; those of its parts add up in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Literal

from pydantic import Field

from isolation_tests.core.intervals import interval, upper_bound
from isolation_tests.model import Frozen

__all__ = ["DECILES", "Decile", "ScaleFigures", "ScaleQuestion", "bucket", "latency"]

DECILES = 10
_STEPS = 8
"""Buckets of latency per doubling: neighbours differ by 9 %."""
_DIGEST_BITS = 256


class ScaleQuestion(Frozen):
    """What a scale run does: the same question and seed mean the same users, facts and probes."""

    users: int = Field(ge=2)
    """Number of users, over all shards."""

    facts: int = Field(ge=1)
    """Most facts of a user."""

    sizes: Literal["equal", "zipf"] = "equal"
    """Whether every user has that many facts, or few users have many and most have one."""

    together: int = Field(ge=2)
    """Most users whose facts are in the store at the same time."""

    seed: int
    """Seed of the users, their facts and the probes."""

    size: int = Field(ge=2)
    """Number of users in a range, the unit of work."""

    shards: int = Field(default=1, ge=1)
    """Into how many shards the ranges are divided."""

    answers: int | None = Field(default=None, ge=1)
    """Number of judged answers after which no further range begins."""

    seconds: float | None = Field(default=None, gt=0)
    """Seconds after which no further range begins."""

    @property
    def ranges(self) -> int:
        """Number of ranges over all shards."""
        return -(-self.users // self.size)


class Decile(Frozen):
    """What a tenth of the users met, in the order in which they came: the store grows with each."""

    users: int = 0
    """Users of this tenth who were asked."""

    asked: int = 0
    """Own facts that were searched for."""

    found: int = 0
    """Own facts that the search found."""

    add: dict[int, int] = Field(default_factory=dict)
    """Number of adds by bucket of latency."""

    search: dict[int, int] = Field(default_factory=dict)
    """Number of own searches by bucket of latency."""

    @property
    def met(self) -> bool:
        """Whether anything was counted."""
        return bool(self.users or self.asked or self.found or self.add or self.search)

    def plus(self, other: Decile) -> Decile:
        """Both together."""
        if not other.met:
            return self
        if not self.met:
            return other
        return Decile(
            users=self.users + other.users,
            asked=self.asked + other.asked,
            found=self.found + other.found,
            add=_added(self.add, other.add),
            search=_added(self.search, other.search),
        )


class ScaleFigures(Frozen):
    """What a scale run, or a part of it, has counted."""

    users: int = 0
    """Users who were asked to the end."""

    facts: int = 0
    """Facts that were stored."""

    answers: int = 0
    """Answers that were judged."""

    leaks: int = 0
    """Answers that showed another user's fact."""

    together: int = 0
    """Most users whose facts were in one store at the same time."""

    restored: int = 0
    """Users whose facts were stored once more under fresh names, because a process had ended before."""

    digest: str = "0" * 64
    """Sum of the digests of all ranges' answers, in hex: who saw whose facts, without names and times."""

    deciles: tuple[Decile, ...] = Field(default=(Decile(),) * DECILES, min_length=DECILES, max_length=DECILES)
    """What each tenth of the users met, in the order in which they came."""

    shards: tuple[int, ...] = ()
    """Numbers of the shards that these figures are of."""

    def plus(self, other: ScaleFigures) -> ScaleFigures:
        """Both together: associative, and in any order."""
        total = int(self.digest, 16) + int(other.digest, 16)
        return ScaleFigures(
            users=self.users + other.users,
            facts=self.facts + other.facts,
            answers=self.answers + other.answers,
            leaks=self.leaks + other.leaks,
            together=max(self.together, other.together),
            restored=self.restored + other.restored,
            digest=f"{total % 2**_DIGEST_BITS:064x}",
            deciles=tuple(one.plus(two) for one, two in zip(self.deciles, other.deciles, strict=True)),
            shards=tuple(sorted({*self.shards, *other.shards})),
        )

    @classmethod
    def total(cls, parts: Iterable[ScaleFigures]) -> ScaleFigures:
        """All parts together, halves first: the sum grows with each part, and adding to it takes longer."""
        all_parts = list(parts)
        while len(all_parts) > 1:
            pairs = [all_parts[place : place + 2] for place in range(0, len(all_parts), 2)]
            all_parts = [reduce(cls.plus, pair) for pair in pairs]
        return all_parts[0] if all_parts else cls()

    @property
    def bound(self) -> float | None:
        """Upper bound (95 %) of the rate of answers that show another user's fact; None without answers."""
        if not self.answers:
            return None
        return interval(self.leaks, self.answers)[1] if self.leaks else upper_bound(self.answers)


def bucket(seconds: float) -> int:
    """The bucket of a latency: eight to a doubling, counted from one microsecond."""
    return math.floor(_STEPS * math.log2(seconds * 1e6)) if seconds > 1e-6 else 0


def latency(buckets: Mapping[int, int], share: float) -> float | None:
    """The seconds that this share (0 to 1) of the calls did not exceed, within 9 %; None without calls."""
    due, past = share * sum(buckets.values()), 0
    for number in sorted(buckets):
        past += buckets[number]
        if past >= due:
            return float(2.0 ** ((number + 1) / _STEPS) / 1e6)
    return None


def _added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {number: one.get(number, 0) + other.get(number, 0) for number in sorted({*one, *other})}
