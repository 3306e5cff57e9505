"""SQLite with FTS5: one table for all users, separated by a column, and one full-text index over it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import Filters, Indeterminate, Memory, Page, Refused, Unavailable
from isolation_tests.adapters.resources import Errors, scratch

__all__ = ["SqliteFts", "open_memory"]

_PAGE_SIZE = 20
_GROUPS = frozenset({"AND", "OR", "NOT"})
_OLDEST = (3, 35)  # the first with RETURNING

_SCHEMA = """
CREATE TABLE memories (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL CHECK (trim(user_id, ' ' || char(9, 10, 13)) <> ''),
    text TEXT NOT NULL,
    metadata TEXT NOT NULL,
    key TEXT,
    UNIQUE (user_id, key)
);
CREATE VIRTUAL TABLE words USING fts5(text, content='memories', content_rowid='number');
CREATE TRIGGER words_insert AFTER INSERT ON memories BEGIN
    INSERT INTO words (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER words_delete AFTER DELETE ON memories BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.number, old.text);
END;
CREATE TRIGGER words_update AFTER UPDATE ON memories BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.number, old.text);
    INSERT INTO words (rowid, text) VALUES (new.number, new.text);
END;
"""
_ADD = """
INSERT INTO memories (id, user_id, text, metadata, key) VALUES (:id, :user, :text, :metadata, :key)
ON CONFLICT (user_id, key) DO UPDATE SET text = excluded.text, metadata = excluded.metadata
RETURNING id, user_id, text, metadata, key
"""
# Each of the caller's conditions must have an equal entry of the same type in the metadata.
_NARROWED = """
AND NOT EXISTS (
    SELECT 1 FROM json_each(:filters) AS wanted WHERE NOT EXISTS (
        SELECT 1 FROM json_each(memories.metadata) AS has
        WHERE has.key = wanted.key AND has.type = wanted.type AND has.value IS wanted.value
    )
)
"""
_ROWS = "SELECT id, user_id, text, metadata, key FROM memories WHERE user_id = :user"
_MATCHES = """
SELECT memories.id, memories.user_id, memories.text, memories.metadata, memories.key, words.rank
FROM words JOIN memories ON memories.number = words.rowid
WHERE words MATCH :query AND memories.user_id = :user
"""
_SEARCH = f"{_MATCHES} {_NARROWED} ORDER BY words.rank LIMIT :limit"
_GET_ALL = f"{_ROWS} {_NARROWED}"
_PAGE = f"{_ROWS} AND id > :after ORDER BY id LIMIT :limit"
_GET = f"{_ROWS} AND id = :id"
_COUNT = "SELECT count(*) AS total FROM memories WHERE user_id = :user"
_UPDATE = """
UPDATE memories SET text = :text, metadata = coalesce(:metadata, metadata)
WHERE user_id = :user AND id = :id RETURNING id
"""
_DELETE = "DELETE FROM memories WHERE user_id = :user AND id = :id RETURNING id"
_DELETE_ALL = "DELETE FROM memories WHERE user_id = :user"
_REBUILD = "INSERT INTO words (words) VALUES ('rebuild')"
_USERS = "SELECT DISTINCT user_id FROM memories"

# A type that can't be bound, a text that is not Unicode, a number that is too large.
_REFUSED: Errors = (sqlite3.IntegrityError, sqlite3.DataError, UnicodeEncodeError, OverflowError)
_UNBINDABLE = "Error binding parameter"


@contextmanager
def open_memory() -> Iterator[SqliteFts]:
    """Open an empty database in a temporary file; raises `Unavailable` if SQLite lacks FTS5."""
    with (
        scratch("sqlite") as folder,
        closing(sqlite3.connect(folder / "memories.db", check_same_thread=False)) as connection,
    ):
        _require_fts5(connection)
        connection.row_factory = sqlite3.Row
        connection.executescript(_SCHEMA)
        yield SqliteFts(connection)


def _require_fts5(connection: sqlite3.Connection) -> None:
    options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    if "ENABLE_FTS5" not in options or sqlite3.sqlite_version_info < _OLDEST:
        raise Unavailable(
            f"This Python's SQLite {sqlite3.sqlite_version} lacks FTS5 or is older than 3.35; use a Python "
            "with FTS5 and a newer SQLite."
        )


class SqliteFts:
    """One SQL statement per call; `raw` is the row as SQLite returned it, as a dict."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = Lock()

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Insert a row; the same `key` of the same user replaces it."""
        stored = json.dumps(dict(metadata or {}))
        return _memories(self._ask(_ADD, user, id=str(uuid4()), text=text, metadata=stored, key=key))

    def search(
        self, user: Any, query: str, *, limit: int, filters: Filters | None = None
    ) -> Sequence[Memory]:
        """Return the user's rows that contain a word of the query, ordered by FTS5's rank."""
        narrowed = _narrowed(filters)
        return _memories(self._ask(_SEARCH, user, query=_any_word(query), filters=narrowed, limit=limit))

    def get_all(self, user: Any, *, filters: Filters | None = None) -> Sequence[Memory]:
        """Return all rows of the user."""
        return _memories(self._ask(_GET_ALL, user, filters=_narrowed(filters)))

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
        _found(self._ask(_UPDATE, user, id=id, text=text, metadata=stored))

    def delete(self, user: Any, id: str) -> None:
        """Delete the user's row with this id."""
        _found(self._ask(_DELETE, user, id=id))

    def count(self, user: Any) -> int:
        """Return how many rows the user has."""
        return int(self._ask(_COUNT, user)[0]["total"])

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return the user's next rows after the id in `cursor`."""
        items = _memories(self._ask(_PAGE, user, after=cursor or "", limit=_PAGE_SIZE))
        return Page(items, items[-1].id if len(items) == _PAGE_SIZE else None)

    def users(self) -> Sequence[Any]:
        """Return the users who have rows."""
        return [row["user_id"] for row in self._ask(_USERS, None)]

    def maintain(self, user: Any) -> None:
        """Rebuild the whole full-text index, because it has no parts per user."""
        self._ask(_REBUILD, user)

    def _ask(self, statement: str, user: Any, **values: Any) -> list[dict[str, Any]]:
        try:
            with self._turn, self._connection:
                rows = self._connection.execute(statement, {"user": user, **values})
                return [dict(row) for row in rows]
        except _REFUSED as error:
            raise Refused(str(error)) from error
        except (sqlite3.ProgrammingError, sqlite3.InterfaceError) as error:
            if not str(error).startswith(_UNBINDABLE):
                raise
            raise Refused(str(error)) from error
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR):
                raise
            raise Indeterminate(str(error)) from error


def _any_word(query: str) -> str:
    # In double quotes, only the quote itself has a meaning for FTS5.
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in query.split()) or '""'


def _narrowed(filters: Filters | None) -> str:
    if filters and _GROUPS & filters.keys():
        raise Refused("The filters are compared one by one: there is no AND, OR and NOT.")
    return json.dumps(dict(filters or {}))


def _found(rows: Sequence[object]) -> None:
    if not rows:
        raise Refused("The user has no memory of this id.")


def _memories(rows: Sequence[Mapping[str, Any]]) -> list[Memory]:
    return [Memory(row["id"], row["text"], row) for row in rows]
