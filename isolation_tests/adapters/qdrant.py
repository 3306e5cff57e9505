"""Qdrant's client in local mode: one collection, with a payload filter for the user."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from isolation_tests.adapter import Memory, Page, Refused
from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.resources import need, scratch

__all__ = ["Qdrant", "open_memory"]

_COLLECTION = "memories"
_PAGE = 100
_BRANCHES = {"AND": "must", "OR": "should", "NOT": "must_not"}


@contextmanager
def open_memory(*, on_disk: bool = False) -> Iterator[Qdrant]:
    """Open Qdrant in local mode: in memory, or in a temporary folder that is removed afterwards."""
    qdrant = need("qdrant_client", "qdrant")
    with ExitStack() as opened:
        place = (
            {"path": str(opened.enter_context(scratch("qdrant")))} if on_disk else {"location": ":memory:"}
        )
        client = qdrant.QdrantClient(**place)
        opened.callback(client.close)
        models = qdrant.models
        client.create_collection(
            _COLLECTION,
            vectors_config=models.VectorParams(size=DIMENSIONS, distance=models.Distance.COSINE),
        )
        yield Qdrant(client, models)


class Qdrant:
    """Each call carries a condition that the payload's `user_id` is the user; `raw` is the point's payload.

    The local mode can't serve two threads, so calls wait for each other.
    """

    def __init__(self, client: Any, models: Any) -> None:
        self._client = client
        self._models = models
        self._turn = Lock()

    def add(self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Store the text under a fresh id, for a user that Qdrant's own filter can name."""
        id = str(uuid4())
        with self._answered():
            # A payload takes any JSON. Without this check, a user that no filter can name would be stored and
            # never found.
            self._scope(user)
        point = self._put(id, text, {"user_id": user, "text": text, "metadata": dict(metadata or {})})
        return [_memory(point)]

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Return the user's memories that are nearest to the query."""
        with self._answered():
            found = self._client.query_points(
                _COLLECTION, query=embed(query), query_filter=self._scope(user, filters), limit=limit
            )
        return [_memory(point) for point in found.points]

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return all of the user's memories, a hundred per call."""
        page = self._scroll(user, None, filters)
        items = list(page.items)
        while page.cursor is not None:
            page = self._scroll(user, page.cursor, filters)
            items += page.items
        return items

    def delete_all(self, user: Any) -> None:
        """Delete with only the user's filter."""
        with self._answered():
            self._client.delete(_COLLECTION, self._scope(user))

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the memory with this id under the user's filter; None if there is none."""
        return next(iter(self._scroll(user, None, id=id).items), None)

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the memory with this id if it is the user's; otherwise do nothing.

        Qdrant replaces a point and its vector by id only, so the owner is checked first.
        """
        found = self.get(user, id)
        if found is not None:
            kept = found.raw["metadata"] if isinstance(found.raw, dict) else {}
            changed = kept if metadata is None else dict(metadata)
            self._put(id, text, {"user_id": user, "text": text, "metadata": changed})

    def delete(self, user: Any, id: str) -> None:
        """Delete the memory with this id under the user's filter."""
        with self._answered():
            self._client.delete(_COLLECTION, self._scope(user, id=id))

    def count(self, user: Any) -> int:
        """Return how many points match the user's filter, counted exactly."""
        with self._answered():
            return int(self._client.count(_COLLECTION, count_filter=self._scope(user), exact=True).count)

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return a hundred of the user's memories; the cursor is Qdrant's own, the id of the next point."""
        return self._scroll(user, cursor)

    def _put(self, id: str, text: str, payload: dict[str, Any]) -> Any:
        with self._answered():
            point = self._models.PointStruct(id=id, vector=embed(text), payload=payload)
            self._client.upsert(_COLLECTION, [point])
        return point

    def _scroll(
        self, user: Any, cursor: str | None, filters: Mapping[str, Any] | None = None, id: str | None = None
    ) -> Page:
        with self._answered():
            points, after = self._client.scroll(
                _COLLECTION, scroll_filter=self._scope(user, filters, id), limit=_PAGE, offset=cursor
            )
        return Page([_memory(point) for point in points], None if after is None else str(after))

    def _scope(self, user: Any, filters: Mapping[str, Any] | None = None, id: str | None = None) -> Any:
        # All conditions must hold, so that the caller's can only narrow the user's own memories.
        must = [self._equal("user_id", user), *self._conditions(filters or {})]
        if id is not None:
            must.append(self._models.HasIdCondition(has_id=[id]))
        return self._models.Filter(must=must)

    def _conditions(self, filters: Mapping[str, Any]) -> list[Any]:
        return [self._condition(key, value) for key, value in filters.items()]

    def _condition(self, key: str, value: Any) -> Any:
        if key not in _BRANCHES:
            return self._equal(f"metadata.{key}", value)
        branches = value if isinstance(value, list) else [value]
        each = [self._models.Filter(must=self._conditions(branch)) for branch in branches]
        return self._models.Filter(**{_BRANCHES[key]: each})

    def _equal(self, key: str, value: Any) -> Any:
        return self._models.FieldCondition(key=key, match=self._models.MatchValue(value=value))

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            with self._turn:
                yield
        except ValidationError as error:
            raise Refused(str(error)) from error
        except ValueError as error:
            if not _turned_down(error):
                raise
            raise Refused(str(error)) from error


def _turned_down(error: Exception) -> bool:
    """Whether Qdrant's own parser of field names raised the error."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")) == "qdrant_client.local.json_path_parser"


def _memory(point: Any) -> Memory:
    return Memory(str(point.id), point.payload["text"], dict(point.payload))
