"""Milvus Lite (pymilvus on a file): one collection, with a filter expression for the user."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import Indeterminate, Memory, Page, Refused
from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.resources import need, scratch

__all__ = ["Milvus", "open_memory"]

_COLLECTION = "memories"
_FIELDS = ["id", "user_id", "text", "metadata"]
_PAGE = 50
_LONGEST_USER = 512
_ILLEGAL_ARGUMENT = 6
_JOINS = {"AND": " and ", "OR": " or ", "NOT": " or "}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@contextmanager
def open_memory() -> Iterator[Milvus]:
    """Open Milvus Lite on a file in a temporary folder, and remove the folder afterwards."""
    pymilvus = need("pymilvus", "milvus")
    need("milvus_lite", "milvus")
    # It logs a traceback for each expression that it rejects.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    with ExitStack() as opened:
        folder = opened.enter_context(scratch("milvus"))
        client = pymilvus.MilvusClient(str(folder / "memories.db"))
        opened.callback(client.close)
        _create(client, pymilvus.DataType)
        yield Milvus(client, pymilvus.exceptions)


def _create(client: Any, kind: Any) -> None:
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", kind.VARCHAR, is_primary=True, max_length=128)
    schema.add_field("user_id", kind.VARCHAR, max_length=_LONGEST_USER)
    schema.add_field("text", kind.VARCHAR, max_length=65535)
    schema.add_field("metadata", kind.JSON)
    schema.add_field("vector", kind.FLOAT_VECTOR, dim=DIMENSIONS)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="COSINE")
    client.create_collection(_COLLECTION, schema=schema, index_params=index, consistency_level="Strong")


class Milvus:
    """Each call carries `user_id == "..."`, escaped as the expression language requires; `raw` is the entity.

    Templates with bound values (`filter_params`) need a Milvus server; Milvus Lite can't parse them.
    """

    def __init__(self, client: Any, errors: Any) -> None:
        self._client = client
        self._errors = errors

    def add(self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Store the text under a fresh id."""
        row = {"id": str(uuid4()), "user_id": user, "text": text, "metadata": dict(metadata or {})}
        with self._answered():
            self._client.insert(_COLLECTION, [{**row, "vector": embed(text)}])
        return [_memory(row)]

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Return the user's memories that are nearest to the query."""
        with self._answered():
            (found,) = self._client.search(
                _COLLECTION, [embed(query)], _scope(user, filters), limit=limit, output_fields=_FIELDS
            )
        return [_memory(hit["entity"]) for hit in found]

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return every entity that matches the user's filter; without a limit, Milvus Lite returns all."""
        return self._query(_scope(user, filters))

    def delete_all(self, user: Any) -> None:
        """Delete with only the user's filter."""
        with self._answered():
            self._client.delete(_COLLECTION, filter=_scope(user))

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the entity with this id under the user's filter; None if there is none."""
        return next(iter(self._query(_scope(user, id=id))), None)

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the entity with this id if it is the user's; otherwise do nothing.

        Milvus replaces by primary key only, so the owner is checked first.
        """
        found = self._query(_scope(user, id=id))
        for row in (dict(each.raw) for each in found if isinstance(each.raw, dict)):
            kept = row["metadata"] if metadata is None else dict(metadata)
            new = {**row, "text": text, "metadata": kept, "vector": embed(text)}
            with self._answered():
                self._client.upsert(_COLLECTION, [new])

    def delete(self, user: Any, id: str) -> None:
        """Delete the entity with this id under the user's filter."""
        with self._answered():
            self._client.delete(_COLLECTION, filter=_scope(user, id=id))

    def count(self, user: Any) -> int:
        """Return how many entities match the user's filter."""
        with self._answered():
            (row,) = self._client.query(_COLLECTION, _scope(user), output_fields=["count(*)"])
        return int(row["count(*)"])

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return fifty of the user's entities; the cursor is the offset of the next ones."""
        offset = int(cursor or 0)
        items = self._query(_scope(user), limit=_PAGE, offset=offset)
        return Page(items, str(offset + _PAGE) if len(items) == _PAGE else None)

    def _query(self, expression: str, **more: int) -> list[Memory]:
        with self._answered():
            rows = self._client.query(_COLLECTION, expression, output_fields=_FIELDS, **more)
        return [_memory(row) for row in rows]

    @contextmanager
    def _answered(self) -> Iterator[None]:
        errors = self._errors
        try:
            yield
        except (errors.MilvusUnavailableException, errors.ConnectError) as error:
            raise Indeterminate(str(error)) from error
        except (errors.ParamError, errors.DataNotMatchException) as error:
            raise Refused(str(error)) from error
        except errors.MilvusException as error:
            if error.code != _ILLEGAL_ARGUMENT:
                raise
            raise Refused(str(error)) from error


def _scope(user: Any, filters: Mapping[str, Any] | None = None, id: str | None = None) -> str:
    # In brackets and joined with "and", so that the caller's conditions can only narrow the user's own rows.
    parts = [f"user_id == {_literal(user)}"]
    if filters:
        parts.append(f"({_conditions(filters)})")
    if id is not None:
        parts.append(f"id == {_literal(id)}")
    return " and ".join(parts)


def _conditions(filters: Mapping[str, Any]) -> str:
    return " and ".join(_condition(key, value) for key, value in filters.items())


def _condition(key: str, value: Any) -> str:
    if key not in _JOINS:
        return f"metadata[{_literal(key)}] == {_literal(value)}"
    branches = value if isinstance(value, list) else [value]
    joined = _JOINS[key].join(f"({_conditions(branch)})" for branch in branches)
    return f"not ({joined})" if key == "NOT" else f"({joined})"


def _literal(value: Any) -> str:
    return f'"{value.translate(_ESCAPES)}"' if isinstance(value, str) else json.dumps(value)


def _memory(row: Mapping[str, Any]) -> Memory:
    return Memory(row["id"], row["text"], {field: row[field] for field in _FIELDS})
