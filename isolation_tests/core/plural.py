"""Numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun: `1 entry`, `2 entries`. many: the plural where it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"
