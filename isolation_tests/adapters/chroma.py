"""Chroma (chromadb 1.x) with its three documented kinds of tenancy, embedded or over HTTP."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from uuid import uuid4

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Page, Refused
from isolation_tests.adapters.embedding import embed
from isolation_tests.adapters.resources import need, scratch
from isolation_tests.adapters.support.chroma_tenancy import SHELVES, Shelves, close, served

__all__ = ["Chroma", "ChromaApart", "open_memory"]

_PAGE = 50
_JOINS = {"AND": "$and", "OR": "$or"}
_PARTS = ("ids", "documents", "metadatas")
_Answer = TypeVar("_Answer")


@contextmanager
def open_memory(*, style: str = "filter", server: bool | str = False) -> Iterator[Chroma]:
    """Open Chroma in a temporary folder, and remove the folder afterwards.

    style: "filter" (one collection, a metadata filter), "collections" (one per user) or "tenants" (a tenant
    with a database per user). server: if true, start `chroma run` on 127.0.0.1 for the run and use HTTP.
    Raises BadOption for another style, and for tenants over HTTP.
    """
    over_http = str(server).casefold() in {"true", "yes", "1"}
    if style not in SHELVES:
        raise BadOption(f"style is {style!r}; choose one of {', '.join(SHELVES)}.")
    if over_http and style == "tenants":
        raise BadOption("server can't be combined with the style tenants; leave one of them out.")
    chromadb = need("chromadb", "chroma")
    with ExitStack() as opened:
        folder = opened.enter_context(scratch("chroma"))
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        if over_http:
            port = opened.enter_context(served(folder))
            client = chromadb.HttpClient(host="127.0.0.1", port=port, settings=settings)
        else:
            client = chromadb.PersistentClient(path=folder, settings=settings)
        opened.callback(close, client)
        shelves = SHELVES[style](chromadb, client, folder)
        yield (Chroma if style == "filter" else ChromaApart)(chromadb.errors, shelves)


class Chroma:
    """One collection for all users, with the user as a metadata filter in every call.

    `raw` is Chroma's record. Chroma's `update` takes no filter, so `get` first checks that the memory belongs
    to the user.
    """

    def __init__(self, errors: Any, shelves: Shelves) -> None:
        self._errors = errors
        self._shelves = shelves

    def add(self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Store the text under a fresh id."""
        return self._put(user, text, metadata, str(uuid4()))

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Return the user's memories that are nearest to the query."""
        asked = {"query_embeddings": [embed(query)], "n_results": limit, "where": self._where(user, filters)}
        none: dict[str, Any] = {part: [[]] for part in _PARTS}
        found = self._ask(user, lambda collection: collection.query(**asked), none)
        return _memories({part: found[part][0] for part in _PARTS})

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return all of the user's memories; without a limit, Chroma's `get` returns every record."""
        return self._read(user, filters)

    def delete_all(self, user: Any) -> None:
        """Delete with only the user's filter."""
        self._ask(user, lambda collection: collection.delete(where=self._where(user)), None)

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the memory with this id under the user's filter; None if there is none."""
        return next(iter(self._read(user, ids=[id])), None)

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text of the memory with this id if it is the user's; otherwise do nothing."""
        new = {"embeddings": [embed(text)], **_record(id, text, self._owned(user, metadata))}
        if self.get(user, id) is not None:
            self._ask(user, lambda collection: collection.update(**new), None)

    def delete(self, user: Any, id: str) -> None:
        """Delete the memory with this id under the user's filter."""
        self._ask(user, lambda collection: collection.delete(ids=[id], where=self._where(user)), None)

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return fifty of the user's memories; the cursor is the offset of the next ones."""
        offset = int(cursor or 0)
        items = self._read(user, limit=_PAGE, offset=offset)
        return Page(items, str(offset + _PAGE) if len(items) == _PAGE else None)

    def _put(self, user: Any, text: str, metadata: Mapping[str, Any] | None, id: str) -> list[Memory]:
        record = _record(id, text, self._owned(user, metadata))
        with self._answered():
            self._shelves.make(user).upsert(embeddings=[embed(text)], **record)
        return _memories(record)

    def _read(self, user: Any, filters: Mapping[str, Any] | None = None, **more: Any) -> list[Memory]:
        asked = {"where": self._where(user, filters), **more}
        return _memories(self._ask(user, lambda collection: collection.get(**asked), _record()))

    def _where(self, user: Any, filters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        # Joined with "and", so that the caller's conditions can only narrow the user's own memories.
        return {"$and": [*_conditions(filters), {"user_id": user}]} if filters else {"user_id": user}

    def _owned(self, user: Any, metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return {**(metadata or {}), "user_id": user}

    def _ask(self, user: Any, call: Callable[[Any], _Answer], nothing: _Answer) -> _Answer:
        with self._answered():
            collection = self._shelves.find(user)
            return nothing if collection is None else call(collection)

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except self._errors.ChromaError as error:
            meaning = Refused if error.code() < 500 else Indeterminate  # a status of HTTP
            raise meaning(str(error)) from error
        except (TypeError, ValueError) as error:
            if not _turned_down(error):
                raise
            raise Refused(str(error)) from error
        except OSError as error:
            raise Indeterminate(str(error)) from error


class ChromaApart(Chroma):
    """A collection for each user: calls have no filter for the owner, and a caller's key is the id."""

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Store the text under the caller's key, or under a fresh id."""
        return self._put(user, text, metadata, str(uuid4()) if key is None else key)

    def delete_all(self, user: Any) -> None:
        """Delete the user's whole collection."""
        with self._answered():
            self._shelves.drop(user)

    def count(self, user: Any) -> int:
        """Return how many records the user's collection has."""
        return self._ask(user, lambda collection: int(collection.count()), 0)

    def _where(self, user: Any, filters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:  # noqa: ARG002
        conditions = _conditions(filters)
        return {"$and": conditions} if len(conditions) > 1 else next(iter(conditions), None)

    def _owned(self, user: Any, metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:  # noqa: ARG002
        return dict(metadata) if metadata else None


def _turned_down(error: Exception) -> bool:
    """Whether Chroma's own validation raised the error, in Python or in the call to its engine."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("chromadb.")


def _conditions(filters: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [_condition(key, value) for key, value in (filters or {}).items()]


def _condition(key: str, value: Any) -> dict[str, Any]:
    if key in _JOINS and isinstance(value, list):
        return {_JOINS[key]: [each for branch in value for each in _conditions(branch)]}
    return {key: value}


def _record(id: str = "", text: str = "", metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"ids": [id], "documents": [text], "metadatas": [metadata]} if id else {p: [] for p in _PARTS}


def _memories(found: Mapping[str, Any]) -> list[Memory]:
    rows = zip(*(found[part] for part in _PARTS), strict=True)
    return [
        Memory(id, text, {"id": id, "document": text, "metadata": metadata}) for id, text, metadata in rows
    ]
