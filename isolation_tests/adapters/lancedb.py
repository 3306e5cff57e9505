"""LanceDB, embedded: one table, with a SQL filter for the user before each search."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pydantic import ValidationError, create_model

from isolation_tests.adapter import Memory, Page, Refused
from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.resources import need, scratch

__all__ = ["LanceDb", "open_memory"]

_PAGE = 50
_EVERY_ROW = 1_000_000
_JOINS = {"AND": " AND ", "OR": " OR ", "NOT": " OR "}


@contextmanager
def open_memory(*, prefilter: bool = True) -> Iterator[LanceDb]:
    """Open LanceDB in a temporary folder, and remove the folder afterwards.

    prefilter: whether to filter before taking the nearest rows, which is LanceDB's default.
    """
    lancedb = need("lancedb", "lancedb")
    schema = need("lancedb.pydantic", "lancedb")
    literal: Callable[[Any], str] = need("lancedb.util", "lancedb").value_to_sql

    # Created with a call, because the annotations of a class in a function can't be resolved by name.
    row = create_model(
        "Row",
        __base__=schema.LanceModel,
        id=(str, ...),
        user_id=(str, ...),
        text=(str, ...),
        topic=(str | None, None),
        vector=(schema.Vector(DIMENSIONS), ...),
    )
    with scratch("lance") as folder:
        table = lancedb.connect(folder).create_table("memories", schema=row)
        yield LanceDb(table, row, literal, prefilter=prefilter)


class LanceDb:
    """Each call carries `user_id = '...'`, quoted by LanceDB's own `value_to_sql`; `raw` is the row.

    LanceDB has no bound parameters for its SQL filters. `topic` is the only metadata with a column.
    """

    def __init__(self, table: Any, row: Any, literal: Callable[[Any], str], *, prefilter: bool) -> None:
        self._table = table
        self._row = row
        self._literal = literal
        self._prefilter = prefilter

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Store the text under a fresh id, or merge it on the user and the caller's key together."""
        with _answered():
            own = {"id": key or str(uuid4()), "user_id": user, "text": text, "vector": embed(text)}
            row = self._row(**{**(metadata or {}), **own})
            if key is None:
                self._table.add([row])
            else:
                merge = self._table.merge_insert(["user_id", "id"])
                merge.when_matched_update_all().when_not_matched_insert_all().execute([row])
        return [_memory(row.model_dump())]

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Return the user's memories that are nearest to the query."""
        with _answered():
            nearest = self._table.search(embed(query)).where(
                self._scope(user, filters), prefilter=self._prefilter
            )
            return [_memory(row) for row in nearest.limit(limit).to_list()]

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return every row that the user's filter matches."""
        return self._read(user, filters)

    def delete_all(self, user: Any) -> None:
        """Delete with only the user's filter."""
        with _answered():
            self._table.delete(self._scope(user))

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the row with this id under the user's filter; None if there is none."""
        return next(iter(self._read(user, {"id": id})), None)

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Rewrite the row with this id under the user's filter, and its topic if metadata is given."""
        values: dict[str, Any] = {"text": text, "vector": embed(text)}
        if metadata is not None:
            values["topic"] = metadata.get("topic")
        with _answered():
            self._table.update(where=self._scope(user, {"id": id}), values=values)

    def delete(self, user: Any, id: str) -> None:
        """Delete the row with this id under the user's filter."""
        with _answered():
            self._table.delete(self._scope(user, {"id": id}))

    def count(self, user: Any) -> int:
        """Return how many rows the user's filter matches."""
        with _answered():
            return int(self._table.count_rows(self._scope(user)))

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return fifty of the user's rows; the cursor is the offset of the next ones."""
        offset = int(cursor or 0)
        items = self._read(user, limit=_PAGE, offset=offset)
        return Page(items, str(offset + _PAGE) if len(items) == _PAGE else None)

    def maintain(self, user: Any) -> None:  # noqa: ARG002 - it compacts the whole table
        """Compact the table, as LanceDB's documentation recommends after many small writes."""
        with _answered():
            self._table.optimize()

    def _read(
        self,
        user: Any,
        filters: Mapping[str, Any] | None = None,
        *,
        limit: int = _EVERY_ROW,
        offset: int = 0,
    ) -> list[Memory]:
        with _answered():
            rows = self._table.search().where(self._scope(user, filters)).limit(limit).offset(offset)
            return [_memory(row) for row in rows.to_list()]

    def _scope(self, user: Any, filters: Mapping[str, Any] | None = None) -> str:
        # In brackets and joined with AND, so that the caller's conditions can only narrow the user's rows.
        own = f"user_id = {self._literal(user)}"
        return f"{own} AND ({self._conditions(filters)})" if filters else own

    def _conditions(self, filters: Mapping[str, Any]) -> str:
        return " AND ".join(self._condition(key, value) for key, value in filters.items())

    def _condition(self, key: str, value: Any) -> str:
        if key not in _JOINS:
            return f"{_column(key)} = {self._literal(value)}"
        branches = value if isinstance(value, list) else [value]
        joined = _JOINS[key].join(f"({self._conditions(branch)})" for branch in branches)
        return f"NOT ({joined})" if key == "NOT" else f"({joined})"


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except (ValidationError, NotImplementedError) as error:
        raise Refused(str(error)) from error
    except (TypeError, ValueError) as error:
        if not _turned_down(error):
            raise
        raise Refused(str(error)) from error
    except RuntimeError as error:
        # It can't plan some filters, and says so before it reads or writes a row.
        if "planner.rs" not in str(error):
            raise
        raise Refused(str(error)) from error


def _turned_down(error: Exception) -> bool:
    """Whether LanceDB raised the error, in Python or in the call to its engine."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("lancedb.")


def _column(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(row["id"], row["text"], {part: row[part] for part in ("id", "user_id", "text", "topic")})
