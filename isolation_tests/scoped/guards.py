"""Checks that filters and metadata name no owner, and reads the owner of a row."""

from __future__ import annotations

import copy
import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.scoped.errors import ScopeError
from isolation_tests.scoped.naming import names_in

__all__ = ["Owners", "bare"]

_OWNER_WORDS = frozenset(
    {
        *("user", "userid", "owner", "ownerid", "tenant", "tenantid", "namespace"),
        *("agentid", "runid", "appid", "actorid"),
    }
)
_KEY = re.compile(r"[^\W\d]\w*(?:-\w+)*")
_DEEPEST = 5
_Scalar = str | int | float | bool | None


def bare(key: str) -> str:
    """A field's name as a careless store might read it: without case, form, padding and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", key).casefold() if c.isalnum())


@dataclasses.dataclass(frozen=True, slots=True)
class Owners:
    """Decides for one user which fields name an owner.

    name: the user's storage name. fields: bare names of the fields in which the store keeps a row's owner.
    Other fields with an owner-like name (namespace, tenant) count if they contain a storage name.
    """

    name: str
    fields: frozenset[str]

    def metadata(self, given: Any) -> dict[str, Any]:
        """A copy of a caller's metadata; raises `ScopeError` if a key in it names an owner."""
        if not isinstance(given, Mapping):
            raise ScopeError("Metadata must be a mapping.")
        self._check_keys(given)
        return copy.deepcopy(dict(given))

    def filters(self, given: Any) -> dict[str, _Scalar]:
        """A caller's filters as plain comparisons, all of which must hold; `AND` is resolved.

        Raises `ScopeError` for anything that could do more than narrow: OR, NOT, operators, owners, and keys
        of more than one word.
        """
        if not isinstance(given, Mapping):
            raise ScopeError("Filters must be a mapping of metadata keys to plain values.")
        plain: dict[str, _Scalar] = {}
        for key, value in self._comparisons(given):
            if key in plain and not _same(plain[key], value):
                raise ScopeError("Filters must not compare one key with two values.")
            plain[key] = value
        return plain

    def is_foreign(self, row: Memory) -> bool:
        """Whether the row names another owner."""
        return any(value != self.name for value in self._named(row.raw, 0))

    def is_own(self, row: Memory) -> bool:
        """Whether the row names this user as its owner."""
        named = list(self._named(row.raw, 0))
        return bool(named) and all(value == self.name for value in named)

    def _comparisons(self, given: Mapping[Any, Any]) -> Iterator[tuple[str, _Scalar]]:
        for key, value in given.items():
            if key == "AND" and isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
                for part in value:
                    yield from self._comparisons(part)
                continue
            self._check_key(key)
            if not _KEY.fullmatch(key) or key in ("AND", "OR", "NOT") or not isinstance(value, _Scalar):
                raise ScopeError(
                    "Filters can only narrow: compare metadata keys of one word with plain values, all of "
                    "which have to hold."
                )
            yield key, value

    def _check_keys(self, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self._check_key(key)
                self._check_keys(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                self._check_keys(inner)

    def _check_key(self, key: Any) -> None:
        if not isinstance(key, str):
            raise ScopeError("Keys of filters and metadata must be texts.")
        parts = {bare(key), *(bare(part) for part in re.split(r"[^\w-]+", key))}
        if parts & (_OWNER_WORDS | self.fields):
            raise ScopeError(
                "Filters and metadata must not name an owner: the user is fixed, leave that key out."
            )

    def _named(self, value: Any, depth: int) -> Iterator[Any]:
        """Every owner that the fields of a value name."""
        if depth > _DEEPEST:
            return
        for key, inner in _fields(value):
            kind = bare(key)
            if kind in self.fields:
                if inner is not None:
                    yield inner
            elif kind in _OWNER_WORDS:
                yield from names_in(str(inner))
            else:
                yield from self._named(inner, depth + 1)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """The named parts of a value; items of a sequence have no name. Does not evaluate properties."""
    if isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        names = getattr(value, "_fields", None) or [""] * len(value)
        yield from zip(map(str, names), value, strict=False)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((each.name, getattr(value, each.name, None)) for each in dataclasses.fields(value))
    elif not isinstance(value, type) and not callable(value):
        yield from getattr(value, "__dict__", {}).items()


def _same(one: _Scalar, other: _Scalar) -> bool:
    return type(one) is type(other) and one == other
