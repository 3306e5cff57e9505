"""The roles that an operation can have: what a request needs, and the words that speak for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isolation_tests.targets.openapi.words import IDS, LIMITS, METADATA, QUERIES, TEXTS

__all__ = ["CORE", "ROLES", "Role"]


@dataclass(frozen=True, slots=True)
class Role:
    """What one operation of an adapter is in a document.

    methods: HTTP methods, the usual one first. own: words that speak for it, and alien: against it. values:
    the names of each value's field, by the value; needs: values without which it is no such operation.
    by_id: whether it is about one memory, below_id: with more of the path behind the id. spoken: whether one
    of its own words has to be there. lists: whether its answer is a list.
    """

    name: str
    methods: tuple[str, ...]
    own: frozenset[str]
    alien: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    by_id: bool = False
    below_id: bool = False
    spoken: bool = False
    lists: bool = False
    rows: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FOREIGN = _words(
    "login signin sign token auth register webhook webhooks feedback chat completion completions configure "
    "config health status stats batch bulk import upload embed embedding embeddings ask answer graph admin "
    "share invite types configuration settings schema categories"
)
_ADD = _words("add create store save remember insert ingest new write retain")
_SEARCH = _words("search query recall find retrieve lookup similar")
_LIST = _words("list all")
_DELETE = _words("delete remove forget clear erase purge wipe")
_UPDATE = _words("update edit replace change modify")
_HISTORY = _words("history versions revisions")
_COUNT = _words("count total")
_EXPORT = _words("export dump download backup")
_ID = {"id": IDS}

ROLES = (
    Role(
        "add",
        ("POST", "PUT"),
        _ADD,
        _FOREIGN | _SEARCH | _UPDATE | _DELETE | _COUNT | _EXPORT | _HISTORY | {"list"},
        {"text": TEXTS, "metadata": METADATA},
        frozenset({"text"}),
    ),
    Role(
        "search",
        ("POST", "GET"),
        _SEARCH,
        _FOREIGN | _ADD | _UPDATE | _DELETE | _COUNT | _EXPORT | _HISTORY,
        {"query": QUERIES, "limit": LIMITS},
        frozenset({"query"}),
        rows=True,
    ),
    Role(
        "get_all",
        ("GET", "POST"),
        _LIST,
        _FOREIGN | _SEARCH | _ADD | _UPDATE | _DELETE | _COUNT | _EXPORT | _HISTORY,
        lists=True,
        rows=True,
    ),
    Role(
        "delete_all",
        ("DELETE", "POST"),
        _DELETE | {"all"},
        _FOREIGN | _SEARCH | _ADD | _UPDATE | _COUNT | _EXPORT | _HISTORY | {"list"},
    ),
    Role(
        "get",
        ("GET",),
        _words("get read show fetch"),
        _FOREIGN | _HISTORY,
        _ID,
        frozenset({"id"}),
        by_id=True,
        rows=True,
    ),
    Role(
        "update",
        ("PUT", "PATCH", "POST"),
        _UPDATE,
        _FOREIGN | _HISTORY,
        {**_ID, "text": TEXTS, "metadata": METADATA},
        frozenset({"id", "text"}),
        by_id=True,
    ),
    Role("delete", ("DELETE",), _DELETE, _FOREIGN, _ID, frozenset({"id"}), by_id=True),
    Role(
        "history",
        ("GET",),
        _HISTORY,
        _FOREIGN,
        _ID,
        frozenset({"id"}),
        by_id=True,
        below_id=True,
        spoken=True,
        rows=True,
    ),
    Role("count", ("GET",), _COUNT, _FOREIGN, spoken=True),
    Role("export", ("GET",), _EXPORT, _FOREIGN, spoken=True, lists=True, rows=True),
)
"""The operations that a document can show, in the order of the target's file."""
CORE = ("add", "search", "get_all", "delete_all")
