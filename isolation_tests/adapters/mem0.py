"""mem0 open source (mem0ai 1.x and 2.x): the real `Memory`, which stores texts unchanged, without an LLM."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from inspect import signature
from threading import Lock
from typing import Any

from pydantic import ValidationError

from isolation_tests.adapter import Indeterminate, Memory, Refused
from isolation_tests.adapters.resources import Errors
from isolation_tests.adapters.support.mem0_parts import Store, close_memory, create_memory, opened_store

__all__ = ["Answers", "Mem0", "found", "given", "one", "open_memory", "scope", "versions"]

_FIRST_LIMIT = 1000
_VALIDATES = ("mem0.", "chromadb.", "qdrant_client.local.json_path_parser")


@contextmanager
def open_memory(*, vector_store: str = "qdrant", dsn: str | None = None) -> Iterator[Mem0]:
    """Open mem0 in a temporary folder, and remove the folder afterwards.

    vector_store: "qdrant", "chroma", "faiss" or "pgvector". dsn: for pgvector, your own Postgres, in
    which a schema is created and dropped; without it, a Postgres is started for the run.
    Raises ValueError for another store, and ModuleNotFoundError for a missing package.
    """
    with ExitStack() as opened:
        mem0, store = opened.enter_context(opened_store(vector_store, dsn))
        memory = create_memory(mem0, vector_store, store.config)
        opened.callback(close_memory, memory)
        adapter = Mem0(memory, store, mem0.exceptions.ValidationError)
        # mem0 2.x creates its pgvector table on first use, which fails if two threads come first.
        adapter.get_all("isolation-tests")
        yield adapter


class Answers:
    """What mem0's errors mean: a refusal, an unknown outcome, or a fault that is raised unchanged."""

    def __init__(self, store: Store, invalid: type[Exception], unknown: Errors = ()) -> None:
        self._refused: Errors = (invalid, ValidationError, *store.refused)
        self._unknown: Errors = (TimeoutError, ConnectionError, *store.unknown, *unknown)

    @contextmanager
    def read(self) -> Iterator[None]:
        """Turn mem0's errors into `Refused` and `Indeterminate`."""
        try:
            yield
        except self._unknown as error:
            raise Indeterminate(str(error)) from error
        except self._refused as error:
            raise Refused(str(error)) from error
        except (ValueError, AttributeError) as error:
            meaning = _meaning(error)
            if meaning is None:
                raise
            raise meaning(str(error)) from error


class Mem0:
    """mem0's own calls, one to one; `raw` is the dict that mem0 returned.

    mem0's by-id calls take no user, so `get`, `update`, `delete` and `history` pass only the id.
    Embedded Qdrant can't serve two threads, so its calls wait for each other. infer: whether mem0's LLM
    rewrites the texts. unknown: errors of that LLM after which it is unknown what was stored.
    """

    def __init__(
        self,
        memory: Any,
        store: Store,
        invalid: type[Exception],
        *,
        infer: bool = False,
        unknown: Errors = (),
    ) -> None:
        self.memory, self._infer = memory, infer
        self._answers = Answers(store, invalid, unknown)
        self._turn: AbstractContextManager[Any] = nullcontext() if store.threads else Lock()

    def add(self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Store the text unchanged; with `infer`, mem0's LLM turns it into several memories or none."""
        with self.answer():
            answer = self.memory.add(text, user_id=user, metadata=given(metadata), infer=self._infer)
        return found(answer)

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Search the user's memories, without a threshold on the score."""
        with self.answer():
            answer = self.memory.search(query, **scope(self.memory.search, user, filters, limit))
        return found(answer)

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return all of the user's memories: mem0 has no pages, so raise the limit until fewer come back."""
        limit = _FIRST_LIMIT
        while True:
            with self.answer():
                answer = self.memory.get_all(**scope(self.memory.get_all, user, filters, limit))
            if len(answer["results"]) < limit:
                return found(answer)
            limit *= 10

    def delete_all(self, user: Any) -> None:
        """Call mem0's `delete_all` once and nothing else."""
        with self.answer():
            self.memory.delete_all(user_id=user)

    def get(self, user: Any, id: str) -> Memory | None:  # noqa: ARG002
        """Return the memory with this id, for any user; None if there is none."""
        with self.answer():
            row = self.memory.get(id)
        return None if row is None else one(row)

    def update(
        self,
        user: Any,  # noqa: ARG002
        id: str,
        text: str,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the text of the memory with this id, for any user."""
        # Early 1.x releases lack this keyword, so it is passed only if needed.
        more = {} if metadata is None else {"metadata": dict(metadata)}
        with self.answer():
            self.memory.update(id, text, **more)

    def delete(self, user: Any, id: str) -> None:  # noqa: ARG002
        """Delete the memory with this id, for any user."""
        with self.answer():
            self.memory.delete(id)

    def history(self, user: Any, id: str) -> Sequence[Memory]:  # noqa: ARG002
        """Return the versions of the memory with this id, for any user; each carries that memory's id."""
        with self.answer():
            rows = self.memory.history(id)
        return versions(rows)

    @contextmanager
    def answer(self) -> Iterator[None]:
        """Make calls one after the other if the store needs that, and say what their errors mean."""
        with self._answers.read(), self._turn:
            yield


def _meaning(error: Exception) -> type[Refused | Indeterminate] | None:
    """What an ambiguous error means, by the place that raised it; None if it is a fault."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    module, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
    if function == "_delete_memory":
        # Another call deleted what delete_all had listed, so it stopped half way.
        return Indeterminate
    if function == "process_telemetry_filters":
        # Before mem0 reads or deletes anything, it hashes the user for its telemetry, which needs text.
        return Refused
    return Refused if isinstance(error, ValueError) and module.startswith(_VALIDATES) else None


def scope(
    method: Callable[..., Any], user: Any, filters: Mapping[str, Any] | None, limit: int
) -> dict[str, Any]:
    """The arguments that pass the user, the caller's filters and the limit to this release of mem0."""
    known = signature(method).parameters
    scope: dict[str, Any] = {"top_k" if "top_k" in known else "limit": limit}
    if "threshold" in known and known["threshold"].default is not None:
        scope["threshold"] = 0.0
    if "user_id" in known:
        return scope | {"user_id": user, "filters": given(filters)}
    # Since 2.x, the user is one of the filters. A careful application lets the user win over the same key
    # from the caller, and puts the user last, because mem0 applies the conditions in order.
    return scope | {"filters": {**(filters or {}), "user_id": user}}


def given(mapping: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The mapping as the plain dict that mem0 takes; None if there is none."""
    return None if mapping is None else dict(mapping)


def found(answer: Mapping[str, Any]) -> list[Memory]:
    """The memories in a list that mem0 returned."""
    # With a graph, mem0 1.x also returns "relations"; they are checked like a memory.
    beside = {part: value for part, value in answer.items() if part != "results" and value}
    rows = [one(row) for row in answer["results"]]
    return [*rows, Memory(None, "", beside)] if beside else rows


def versions(rows: Sequence[Mapping[str, Any]]) -> list[Memory]:
    """The versions of a memory, each with that memory's id."""
    return [Memory(row["memory_id"], row["new_memory"] or row["old_memory"] or "", row) for row in rows]


def one(row: Mapping[str, Any]) -> Memory:
    """The memory in one of mem0's rows."""
    return Memory(row["id"], row["memory"], row)
