"""Whose facts an answer shows: plain rows at a glance, all others by the full search for canaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isolation_tests.adapter import Memory
from isolation_tests.testdata.canaries import Canary, Found, Mint, holds_none

__all__ = ["Eyes", "Seen"]

_NUMBERS = (int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer shows: every canary in it, and how many memories hold none."""

    canaries: frozenset[Canary]
    blank: int


@dataclass(frozen=True, slots=True)
class Eyes:
    """Finds canaries in answers, exactly as `Mint.scan` does.

    A text that the viewer stored holds that fact's canary and no other. Whatever is neither that nor a text
    that can't hold any is searched in full.
    """

    mint: Mint

    def seen(self, rows: Sequence[Memory], own: Mapping[str, Canary]) -> Seen:
        """What the rows show; own: the texts that the viewer stored, each with its canary."""
        if not rows:
            return _NOTHING
        canaries: set[Canary] = set()
        blank = 0
        for row in rows:
            found: set[Canary] = set()
            for value in (row.text, row.id, row.raw):
                if not self._glance(value, own, found):
                    found.update(one.canary for one in self.mint.scan(value, ""))
            blank += not found
            canaries |= found
        return Seen(frozenset(canaries), blank)

    def _glance(self, value: object, own: Mapping[str, Canary], found: set[Canary]) -> bool:
        """Add the canaries of a plain value; False if it is not plain all through."""
        kind = type(value)
        if kind is str:
            if (canary := own.get(value)) is not None:  # type: ignore[call-overload]  # a str by its type
                found.add(canary)
                return True
            return holds_none(value)  # type: ignore[arg-type]
        if kind is dict:
            return all(
                type(key) is str and holds_none(key) and self._glance(inner, own, found)
                for key, inner in value.items()  # type: ignore[attr-defined]  # a dict by its type
            )
        return kind in _NUMBERS

    def places(self, row: Memory) -> list[Found]:
        """Every canary of a memory, each with its place."""
        scan = self.mint.scan
        return [*scan(row.text, "text"), *scan(row.id, "id"), *scan(row.raw, "raw")]


_NOTHING = Seen(frozenset(), 0)
