"""Haystack's document store in memory: one store for all users, separated by a metadata filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import Filters, Memory, Refused
from isolation_tests.adapters.embedding import embed
from isolation_tests.adapters.resources import Errors, need

__all__ = ["Haystack", "open_memory"]

EXTRA = "haystack"
_GROUPS = ("AND", "OR", "NOT")
_OWNER = "user_id"


def open_memory() -> Haystack:
    """Open an empty store of its own."""
    store = need("haystack.document_stores.in_memory", EXTRA).InMemoryDocumentStore
    return Haystack(store(index=uuid4().hex, embedding_similarity_function="cosine"))


class Haystack:
    """The store's own calls; the user is the metadata field `user_id`, in every filter."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._document = need("haystack", EXTRA).Document
        self._overwrite = need("haystack.document_stores.types", EXTRA).DuplicatePolicy.OVERWRITE
        self._unfit: Errors = (need("haystack.errors", EXTRA).FilterError, ValueError)

    def add(self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Write one document under a fresh id."""
        document = self._made(uuid4().hex, user, text, metadata)
        self._store.write_documents([document])
        return [_memory(document)]

    def search(
        self, user: Any, query: str, *, limit: int, filters: Filters | None = None
    ) -> Sequence[Memory]:
        """Return the nearest documents that the filter lets through."""
        asked = {"query_embedding": embed(query), "filters": _filter(user, filters), "top_k": limit}
        return [_memory(each) for each in self._ask("embedding_retrieval", **asked)]

    def get_all(self, user: Any, *, filters: Filters | None = None) -> Sequence[Memory]:
        """Return the documents that the filter lets through."""
        return [_memory(each) for each in self._ask("filter_documents", filters=_filter(user, filters))]

    def delete_all(self, user: Any) -> None:
        """Delete the documents that the filter lets through."""
        self._ask("delete_by_filter", filters=_filter(user, None))

    def count(self, user: Any) -> int:
        """Count the documents that the filter lets through."""
        number: int = self._ask("count_documents_by_filter", filters=_filter(user, None))
        return number

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the document with this id among the user's; None if there is none."""
        found = self._of(user, id)
        return _memory(found[0]) if found else None

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Overwrite the document with this id among the user's."""
        found = self._of(user, id)
        if not found:
            raise Refused("there is no such document")
        kept = found[0].meta if metadata is None else metadata
        self._store.write_documents([self._made(id, user, text, kept)], policy=self._overwrite)

    def delete(self, user: Any, id: str) -> None:
        """Delete the document with this id among the user's."""
        if not self._ask("delete_by_filter", filters=_filter(user, None, id)):
            raise Refused("there is no such document")

    def _of(self, user: Any, id: str) -> list[Any]:
        found: list[Any] = self._ask("filter_documents", filters=_filter(user, None, id))
        return found

    def _made(self, id: str, user: Any, text: str, metadata: Mapping[str, Any] | None) -> Any:
        # The owner comes last, so that no metadata replaces it.
        return self._document(
            id=id, content=text, meta={**(metadata or {}), _OWNER: user}, embedding=embed(text)
        )

    def _ask(self, method: str, **asked: Any) -> Any:
        try:
            return getattr(self._store, method)(**asked)
        except self._unfit as error:
            refusal = str(error)
        raise Refused(refusal)


def _filter(user: Any, filters: Filters | None, id: str | None = None) -> dict[str, Any]:
    conditions = [_is(f"meta.{_OWNER}", user), *_narrowing(filters)]
    return {"operator": "AND", "conditions": conditions + ([] if id is None else [_is("id", id)])}


def _narrowing(filters: Filters | None) -> list[dict[str, Any]]:
    """The caller's filters in the store's own form; raises `Refused` if it has none for them."""
    groups = [value for key, value in (filters or {}).items() if key in _GROUPS]
    if not all(isinstance(group, list) and group for group in groups):
        raise Refused(f"{', '.join(_GROUPS)} take a list of conditions")
    return [
        {"operator": key, "conditions": [part for each in value for part in _narrowing(each)]}
        if key in _GROUPS
        else _is(f"meta.{key}", value)
        for key, value in (filters or {}).items()
    ]


def _is(place: str, value: Any) -> dict[str, Any]:
    return {"field": place, "operator": "==", "value": value}


def _memory(document: Any) -> Memory:
    told = {"id": document.id, "content": document.content, "meta": document.meta, "score": document.score}
    return Memory(document.id, document.content, told)
