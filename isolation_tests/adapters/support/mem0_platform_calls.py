"""The client calls that each adapter method makes on the mem0 platform, for sync and async clients alike.

Each function is a generator: it yields a `Call`, receives the client's answer, and returns what the adapter
contract requires. The functions become methods; their first parameter is the adapter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from isolation_tests.adapter import Filters, Memory, Page, Refused

NO_MEMORY = "The user has no such memory."
_LARGEST_PAGE = 200
_PAGE_SIZE = 50
# The keys of a caller's filter that the platform knows; it looks for all others in the metadata.
_JOINS = ("AND", "OR", "NOT")
_FIELDS = ("user_id", "agent_id", "app_id", "run_id")

T = TypeVar("T")
Steps = Generator["Call", Any, T]


@dataclass(frozen=True, slots=True)
class Call:
    """One client call; sync and async clients have the same calls."""

    method: str
    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]


def _call(method: str, *positional: Any, **keywords: Any) -> Call:
    return Call(method, positional, {key: value for key, value in keywords.items() if value is not None})


def add(
    _: object, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None
) -> Steps[Sequence[Memory]]:
    """Queue the text to be stored unchanged; a later list has the ids."""
    yield _call("add", text, user_id=user, infer=False, metadata=_plain(metadata))
    return []


def search(
    _: object, user: Any, query: str, *, limit: int, filters: Filters | None = None
) -> Steps[Sequence[Memory]]:
    """Search the user's memories, without a threshold on the score."""
    scope = _scope(user, filters)
    answer = yield _call("search", query, filters=scope, top_k=limit, threshold=0.0)
    return [_memory(row) for row in answer["results"]]


def get_all(_: object, user: Any, *, filters: Filters | None = None) -> Steps[Sequence[Memory]]:
    """Return all of the user's memories, from all pages."""
    rows: list[Memory] = []
    number, scope = 1, _scope(user, filters)
    while True:
        answer = yield _call("get_all", filters=scope, page=number, page_size=_LARGEST_PAGE)
        rows += map(_memory, answer["results"])
        if answer["next"] is None:
            return rows
        number += 1


def delete_all(_: object, user: Any) -> Steps[None]:
    """Call the client's `delete_all` once and nothing else."""
    yield _call("delete_all", user_id=user)


def get(_: object, user: Any, id: str) -> Steps[Memory]:
    """Return one memory after checking its owner."""
    return (yield from _own(user, id))


def update(
    _: object, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None
) -> Steps[None]:
    """Replace the text of one memory after checking its owner."""
    yield from _own(user, id)
    yield _call("update", id, text=text, metadata=_plain(metadata))


def delete(_: object, user: Any, id: str) -> Steps[None]:
    """Delete one memory after checking its owner."""
    yield from _own(user, id)
    yield _call("delete", id)


def history(_: object, user: Any, id: str) -> Steps[Sequence[Memory]]:
    """Return the versions of one memory after checking its owner; a deleted memory has none."""
    yield from _own(user, id)
    rows = yield _call("history", id)
    return [Memory(row["memory_id"], row["new_memory"] or row["old_memory"] or "", row) for row in rows]


def count(_: object, user: Any) -> Steps[int]:
    """Return the total that the platform returns with a page."""
    answer = yield _call("get_all", filters=_scope(user, None), page=1, page_size=1)
    return int(answer["count"])


def page(_: object, user: Any, cursor: str | None) -> Steps[Page]:
    """Return one page; the cursor is the number of the next one."""
    number = int(cursor or 1)
    scope = _scope(user, None)
    answer = yield _call("get_all", filters=scope, page=number, page_size=_PAGE_SIZE)
    after = None if answer["next"] is None else str(number + 1)
    return Page([_memory(row) for row in answer["results"]], after)


def users(_: object) -> Steps[Sequence[str]]:
    """Return the users of the key's project."""
    answer = yield _call("users")
    return [each["name"] for each in answer["results"] if each["type"] == "user"]


def _own(user: Any, id: str) -> Steps[Memory]:
    """Fetch a memory and refuse a foreign one like an absent one; the platform checks only the project."""
    row = yield _call("get", id)
    if row is None or row.get("user_id") != user:
        raise Refused(NO_MEMORY)
    return _memory(row)


def _scope(user: Any, filters: Filters | None) -> dict[str, Any]:
    """The user and, in a separate branch, the caller's filter."""
    owner = {"user_id": user}
    return owner if filters is None else {"AND": [owner, _wanted(filters)]}


def _wanted(filters: Any) -> Any:
    """A caller's filter in the platform's form: unknown fields are metadata keys."""
    if isinstance(filters, Sequence) and not isinstance(filters, str):
        return [_wanted(each) for each in filters]
    if not isinstance(filters, Mapping):
        return filters
    branches = [
        {key: _wanted(value) if key in _JOINS else value}
        if key in (*_JOINS, *_FIELDS)
        else {"metadata": {key: value}}
        for key, value in filters.items()
    ]
    return branches[0] if len(branches) == 1 else {"AND": branches}


def _plain(mapping: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if mapping is None else dict(mapping)


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(row["id"], row["memory"], row)
