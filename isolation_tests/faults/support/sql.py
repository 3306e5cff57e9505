"""Lookups with a real SQL database, so that SQL itself decides what a name matches."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from isolation_tests.adapter import Refused
from isolation_tests.faults.support.merged import Resolve


def selected(condition: str, parameters: Mapping[str, Any], users: Sequence[Any]) -> list[Any]:
    """The users whose rows an SQL condition on `user_id`, `key` and `value` selects.

    Raises `Refused` if the condition is not valid SQL, such as after pasting a quote into it.
    """
    found = [user for user in users if isinstance(user, str) and _is_storable(user)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA case_sensitive_like = ON")
        database.execute("CREATE TABLE memories (user_id TEXT, key TEXT, value TEXT)")
        database.executemany("INSERT INTO memories (user_id) VALUES (?)", ((user,) for user in found))
        try:
            query = f"SELECT rowid FROM memories WHERE {condition}"  # noqa: S608 - pasting is the fault
            rows = database.execute(query, parameters).fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise Refused("The database does not understand this request: use plain text.") from error
    return [found[int(rowid) - 1] for (rowid,) in rows]


def looked_up(condition: str) -> Resolve:
    """The users that an SQL condition selects, with the viewer pasted as `{name}` or bound to `:name`."""

    def resolve(viewer: Any, others: Sequence[Any]) -> list[Any]:
        if not isinstance(viewer, str) or not _is_storable(viewer):
            return []
        return selected(condition.replace("{name}", viewer), {"name": viewer}, others)

    return resolve


def _is_storable(name: str) -> bool:
    # For LIKE, a NUL character ends the text, which would be truncation, another anomaly. A lone surrogate
    # can't be stored in a database at all.
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in name)
