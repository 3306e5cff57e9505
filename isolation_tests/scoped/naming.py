"""The names that a store gets for users and keys."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from isolation_tests.scoped.errors import ScopeError

__all__ = ["names_in", "storage_key", "storage_name", "storage_value"]

_DIGEST_LENGTH = 52
_NAME = re.compile(rf"(?<![a-z0-9])u[a-z2-7]{{{_DIGEST_LENGTH}}}(?![a-z0-9])")


def storage_name(user_id: Any, scope: Mapping[str, Any] | None = None) -> str:
    """The name that a store gets for the user: `u` and 52 characters from a to z and 2 to 7.

    scope: the user's value of each further axis, in any order. With it, the name stands for the whole scope:
    whatever a store makes of its other axes, two scopes have different names.
    Two users have different names unless somebody finds a collision of SHA-256. The hash covers every code
    point: nothing is trimmed, folded or normalised, and lone surrogates count too. Because all names have one
    length, no name is the beginning of another. Because they have one lower-case alphabet, none differs from
    another only by case or normal form, and none is a number, a path, a wildcard or a query-language word.
    A name is not a secret: it can be computed from the user's id.
    Raises `ScopeError` (a ValueError) unless the user, and each value, is text that is not blank.
    """
    if not isinstance(user_id, str) or not str.strip(user_id):
        raise ScopeError("A user id is needed: pass the id of the session's user, a text that is not blank.")
    if not scope:
        return "u" + _digest(b"user", _bytes(user_id))
    values = [part for axis in sorted(scope) for part in (_bytes(axis), _value(axis, scope[axis]))]
    return "u" + _digest(b"scope", _bytes(user_id), *values)


def storage_value(axis: str, value: Any) -> str:
    """The value that a store gets for one axis of a scope; it has the form of a name, and begins with `a`."""
    return "a" + _digest(b"axis", _bytes(axis), _value(axis, value))


def _value(axis: str, value: Any) -> bytes:
    if not isinstance(value, str) or not str.strip(value):
        raise ScopeError(f"The scope needs a value of {axis}: pass a text that is not blank.")
    return _bytes(value)


def storage_key(name: str, key: Any) -> str:
    """The key that a store gets for a user's `key`. It has the form of a name, and no other user gets it.

    Raises `ScopeError` unless the key is text that is not empty.
    """
    if not isinstance(key, str) or not key:
        raise ScopeError("A key must be a text that is not empty.")
    return "k" + _digest(b"key", name.encode(), _bytes(key))


def names_in(text: str) -> set[str]:
    """All storage names in a text."""
    return set(_NAME.findall(text))


def _bytes(text: str) -> bytes:
    # Not text.encode(), because a subclass of str could return anything.
    return str.encode(text, "utf-8", "surrogatepass")


def _digest(*parts: bytes) -> str:
    # The lengths keep ("a", "bc") and ("ab", "c") apart.
    framed = b"".join(len(part).to_bytes(8) + part for part in (b"isolation-tests scope 1", *parts))
    return base64.b32encode(hashlib.sha256(framed).digest()).decode().rstrip("=").lower()
