"""What ScopedMemory raises by itself; no text of theirs repeats what a store answered."""

from __future__ import annotations

from isolation_tests.adapter import Refused

__all__ = ["ForeignRowError", "ScopeError", "UnknownMemoryError"]


class ScopeError(Refused, ValueError):
    """The caller asked for what the scope can't allow: no user, an owner in a filter, an unknown operator."""


class UnknownMemoryError(Refused, LookupError):
    """The user has no memory of this id, whether or not somebody else has."""

    def __init__(self) -> None:
        super().__init__("There is no such memory: take an id from this user's own memories.")


class ForeignRowError(RuntimeError):
    """The store answered with a row that says it is somebody else's; the whole answer was withheld.

    It is no refusal: the store is broken, and somebody has to look at it.
    """

    def __init__(self) -> None:
        super().__init__(
            "The store answered with another user's row; the answer was withheld: check the store."
        )
