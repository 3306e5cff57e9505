"""Postgres with pgvector: one table for all users, separated by a column or by row-level security."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from isolation_tests.adapter import BadOption, Filters, Memory, Page, Refused
from isolation_tests.adapters.embedding import embed
from isolation_tests.adapters.resources import need, postgres, scratch
from isolation_tests.adapters.support.pgvector_parts import (
    CONNECTIONS,
    EXTRA,
    POLICIES,
    SCOPES,
    Database,
    protected,
    table,
)

__all__ = ["Pgvector", "open_memory"]

_PAGE_SIZE = 20
_GROUPS = frozenset({"AND", "OR", "NOT"})

_ADD = """
INSERT INTO memories (user_id, text, embedding, metadata, key)
VALUES (%(user)s::text, %(text)s, %(vector)s::vector, %(metadata)s::jsonb, %(key)s::text)
ON CONFLICT (user_id, key) DO UPDATE
SET text = excluded.text, embedding = excluded.embedding, metadata = excluded.metadata
RETURNING id, user_id, text, metadata, key
"""
_SEARCH = """
SELECT id, user_id, text, metadata, key, embedding <=> %(vector)s::vector AS distance FROM memories
WHERE {own} AND metadata @> %(filters)s::jsonb ORDER BY distance LIMIT %(limit)s
"""
_GET_ALL = """
SELECT id, user_id, text, metadata, key FROM memories WHERE {own} AND metadata @> %(filters)s::jsonb
"""
_PAGE = """
SELECT id, user_id, text, metadata, key FROM memories
WHERE {own} AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid) ORDER BY id LIMIT %(limit)s
"""
_GET = "SELECT id, user_id, text, metadata, key FROM memories WHERE {own} AND id = %(id)s::uuid"
_COUNT = "SELECT count(*) AS total FROM memories WHERE {own}"
_UPDATE = """
UPDATE memories SET text = %(text)s, embedding = %(vector)s::vector,
    metadata = coalesce(%(metadata)s::jsonb, metadata)
WHERE {own} AND id = %(id)s::uuid RETURNING id
"""
_DELETE = "DELETE FROM memories WHERE {own} AND id = %(id)s::uuid RETURNING id"
_DELETE_ALL = "DELETE FROM memories WHERE {own} RETURNING id"


@contextmanager
def open_memory(
    *, scope: str = "column", connections: str = "one", policy: str = "careful", dsn: str | None = None
) -> Iterator[Pgvector]:
    """Open an empty table, and drop it afterwards.

    scope: "column" if every statement names the user, "rls" if Postgres adds the user itself. connections:
    "one" or "pool"; all users share them in turn. policy: "careful", or "plain", which accepts an empty user.
    dsn: your own Postgres, in which a schema (and for "rls" a role) is created and dropped; without it, a
    Postgres is started for the run. Raises `BadOption`.
    """
    _check("scope", scope, SCOPES)
    _check("connections", connections, CONNECTIONS)
    _check("policy", policy, POLICIES)
    psycopg = need("psycopg", EXTRA)
    with ExitStack() as opened:
        folder = opened.enter_context(scratch("pgvector"))
        address = opened.enter_context(postgres(folder, dsn, EXTRA))
        owner = opened.enter_context(psycopg.connect(address, autocommit=True))
        opened.enter_context(table(psycopg, owner, policy))
        if scope == "rls":
            address = opened.enter_context(protected(psycopg, owner, address, policy))
        connect = opened.enter_context(CONNECTIONS[connections](psycopg, address))
        yield Pgvector(Database(psycopg, connect, scope))


def _check(option: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise BadOption(f"{option} is {value!r}; choose one of {', '.join(choices)}.")


class Pgvector:
    """One SQL statement per call; `raw` is the row as Postgres returned it."""

    def __init__(self, database: Database) -> None:
        self._ask = database.ask

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Insert a row; the same `key` of the same user replaces it."""
        stored = json.dumps(dict(metadata or {}))
        return _memories(self._ask(_ADD, user, text=text, vector=_vector(text), metadata=stored, key=key))

    def search(
        self, user: Any, query: str, *, limit: int, filters: Filters | None = None
    ) -> Sequence[Memory]:
        """Return the nearest rows by cosine distance, from an exact scan."""
        contained = _contained(filters)
        return _memories(self._ask(_SEARCH, user, vector=_vector(query), filters=contained, limit=limit))

    def get_all(self, user: Any, *, filters: Filters | None = None) -> Sequence[Memory]:
        """Return all rows of the user."""
        return _memories(self._ask(_GET_ALL, user, filters=_contained(filters)))

    def delete_all(self, user: Any) -> None:
        """Delete all rows of the user."""
        self._ask(_DELETE_ALL, user)

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the user's row with this id; None if there is none."""
        rows = _memories(self._ask(_GET, user, id=id))
        return rows[0] if rows else None

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text, and the metadata if given."""
        stored = None if metadata is None else json.dumps(dict(metadata))
        _found(self._ask(_UPDATE, user, id=id, text=text, vector=_vector(text), metadata=stored))

    def delete(self, user: Any, id: str) -> None:
        """Delete the user's row with this id."""
        _found(self._ask(_DELETE, user, id=id))

    def count(self, user: Any) -> int:
        """Return how many rows the user has."""
        return int(self._ask(_COUNT, user)[0]["total"])

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return the user's next rows after the id in `cursor`."""
        items = _memories(self._ask(_PAGE, user, after=cursor, limit=_PAGE_SIZE))
        return Page(items, items[-1].id if len(items) == _PAGE_SIZE else None)


def _vector(text: str) -> str:
    return json.dumps(embed(text))


def _contained(filters: Filters | None) -> str:
    if filters and _GROUPS & filters.keys():
        raise Refused("Containment in metadata has no AND, OR and NOT.")
    return json.dumps(dict(filters or {}))


def _found(rows: Sequence[object]) -> None:
    if not rows:
        raise Refused("The user has no memory of this id.")


def _memories(rows: Sequence[Mapping[str, Any]]) -> list[Memory]:
    return [Memory(str(row["id"]), row["text"], row) for row in rows]
