"""ScopedMemory's own exceptions. Their texts never repeat a store's answer."""

from __future__ import annotations

from isolation_tests.adapter import Refused

__all__ = ["ForeignRowError", "ScopeError", "UnknownMemoryError"]


class ScopeError(Refused, ValueError):
    """The scope does not allow the call: no user, an owner in a filter, an unknown operator."""


class UnknownMemoryError(Refused, LookupError):
    """The user has no memory with this id, whether or not another user has one."""

    def __init__(self) -> None:
        super().__init__("There is no such memory: take an id from this user's own memories.")


class ForeignRowError(RuntimeError):
    """The store returned a row that names another owner, so the whole answer was withheld.

    This is not a refusal: the store is broken and needs a fix.
    """

    def __init__(self) -> None:
        super().__init__(
            "The store answered with another user's row; the answer was withheld: check the store."
        )
