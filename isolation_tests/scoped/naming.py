"""The names under which a store knows users and keys."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from isolation_tests.scoped.errors import ScopeError

__all__ = ["names_in", "storage_key", "storage_name"]

_DIGEST_LENGTH = 52
_NAME = re.compile(rf"(?<![a-z0-9])u[a-z2-7]{{{_DIGEST_LENGTH}}}(?![a-z0-9])")


def storage_name(user_id: Any) -> str:
    """The name under which a store knows the user: `u` and 52 characters of a to z and 2 to 7.

    Two users have two names unless somebody finds a collision of SHA-256, for what is hashed differs
    wherever a single code point does: nothing is trimmed, folded or normalised, and lone surrogates count
    like any other code point. With one length no name begins another, with one lower-case alphabet none is
    a case twin, a normal form, a number, a path, a wildcard or a word of a query language.
    It is no secret: whoever knows a user's id can work it out.
    Raises `ScopeError` (a ValueError) for anything but a text that is not blank.
    """
    if not isinstance(user_id, str) or not str.strip(user_id):
        raise ScopeError("A user id is needed: pass the id of the session's user, a text that is not blank.")
    return "u" + _digest(b"user", _bytes(user_id))


def storage_key(name: str, key: Any) -> str:
    """The key under which a store keeps a user's `key`: of the form of a name, and the user's alone.

    Raises `ScopeError` for anything but a text that is not empty.
    """
    if not isinstance(key, str) or not key:
        raise ScopeError("A key must be a text that is not empty.")
    return "k" + _digest(b"key", name.encode(), _bytes(key))


def names_in(text: str) -> set[str]:
    """All storage names that stand in a text."""
    return set(_NAME.findall(text))


def _bytes(text: str) -> bytes:
    # Not text.encode(): a subclass of str could answer anything.
    return str.encode(text, "utf-8", "surrogatepass")


def _digest(*parts: bytes) -> str:
    # The lengths keep ("a", "bc") and ("ab", "c") apart.
    framed = b"".join(len(part).to_bytes(8) + part for part in (b"isolation-tests scope 1", *parts))
    return base64.b32encode(hashlib.sha256(framed).digest()).decode().rstrip("=").lower()
