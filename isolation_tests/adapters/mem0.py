"""mem0 open source (mem0ai 1.x and 2.x): its real `Memory`, storing texts as they are, without an LLM."""

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
    """Open mem0 in a folder of its own, and remove the folder afterwards.

    vector_store: "qdrant", "chroma", "faiss" or "pgvector". dsn: for pgvector, a Postgres of yours, in
    which a schema is made and dropped; without it a Postgres is started for the run.
    Raises ValueError for another store and ModuleNotFoundError for a package that is missing.
    """
    with ExitStack() as opened:
        mem0, store = opened.enter_context(opened_store(vector_store, dsn))
        memory = create_memory(mem0, vector_store, store.config)
        opened.callback(close_memory, memory)
        adapter = Mem0(memory, store, mem0.exceptions.ValidationError)
        # mem0 2.x makes its pgvector table on first use, which fails where two threads are first.
        adapter.get_all("isolation-tests")
        yield adapter


class Answers:
    """What mem0's errors mean: a refusal, an outcome that nobody knows, or a fault that goes on."""

    def __init__(self, store: Store, invalid: type[Exception], unknown: Errors = ()) -> None:
        self._refused: Errors = (invalid, ValidationError, *store.refused)
        self._unknown: Errors = (TimeoutError, ConnectionError, *store.unknown, *unknown)

    @contextmanager
    def read(self) -> Iterator[None]:
        """Raise `Refused` and `Indeterminate` for what mem0 raises inside."""
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

    By-id calls of mem0 take no user: `get`, `update`, `delete` and `history` pass the id alone.
    With embedded Qdrant, which can't serve two threads, calls wait for each other. infer: whether mem0's LLM
    rewrites the texts. unknown: errors of that LLM after which nobody knows what was stored.
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
        self._memory, self._infer = memory, infer
        self._answers = Answers(store, invalid, unknown)
        self._turn: AbstractContextManager[Any] = nullcontext() if store.threads else Lock()

    def add(self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Store the text as it is, or with `infer` what mem0's LLM makes of it: several memories, or none."""
        with self._answer():
            answer = self._memory.add(text, user_id=user, metadata=given(metadata), infer=self._infer)
        return found(answer)

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Search the user's memories, without a threshold on the score."""
        with self._answer():
            answer = self._memory.search(query, **scope(self._memory.search, user, filters, limit))
        return found(answer)

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return all of the user's memories: mem0 has no pages, so ask for more until fewer come back."""
        limit = _FIRST_LIMIT
        while True:
            with self._answer():
                answer = self._memory.get_all(**scope(self._memory.get_all, user, filters, limit))
            if len(answer["results"]) < limit:
                return found(answer)
            limit *= 10

    def delete_all(self, user: Any) -> None:
        """Call mem0's `delete_all` once and nothing else."""
        with self._answer():
            self._memory.delete_all(user_id=user)

    def get(self, user: Any, id: str) -> Memory | None:  # noqa: ARG002
        """Return the memory of this id, whoever asks; None where there is none."""
        with self._answer():
            row = self._memory.get(id)
        return None if row is None else one(row)

    def update(
        self,
        user: Any,  # noqa: ARG002
        id: str,
        text: str,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the text of the memory of this id, whoever asks."""
        # Early 1.x has no such keyword: pass it where it is wanted only.
        more = {} if metadata is None else {"metadata": dict(metadata)}
        with self._answer():
            self._memory.update(id, text, **more)

    def delete(self, user: Any, id: str) -> None:  # noqa: ARG002
        """Delete the memory of this id, whoever asks."""
        with self._answer():
            self._memory.delete(id)

    def history(self, user: Any, id: str) -> Sequence[Memory]:  # noqa: ARG002
        """Return the versions of the memory of this id, whoever asks; each carries that memory's id."""
        with self._answer():
            rows = self._memory.history(id)
        return versions(rows)

    @contextmanager
    def _answer(self) -> Iterator[None]:
        with self._answers.read(), self._turn:
            yield


def _meaning(error: Exception) -> type[Refused | Indeterminate] | None:
    """Tell by where an ambiguous error was raised whether mem0 answered with it; None: it is a fault."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    module, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
    if function == "_delete_memory":
        # Another call took away what delete_all had listed: it stopped half way.
        return Indeterminate
    if function == "process_telemetry_filters":
        # Before it reads or deletes anything, mem0 hashes the user for its telemetry: that takes text only.
        return Refused
    return Refused if isinstance(error, ValueError) and module.startswith(_VALIDATES) else None


def scope(
    method: Callable[..., Any], user: Any, filters: Mapping[str, Any] | None, limit: int
) -> dict[str, Any]:
    """The arguments by which a release of mem0 is told the user, the caller's filters and the limit."""
    known = signature(method).parameters
    scope: dict[str, Any] = {"top_k" if "top_k" in known else "limit": limit}
    if "threshold" in known and known["threshold"].default is not None:
        scope["threshold"] = 0.0
    if "user_id" in known:
        return scope | {"user_id": user, "filters": given(filters)}
    # Since 2.x the user is one of the filters. A careful application lets the user win over the same key
    # of the caller, and names the user last, because mem0 reads the conditions in order.
    return scope | {"filters": {**(filters or {}), "user_id": user}}


def given(mapping: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The mapping as the plain dict that mem0 takes; None where there is none."""
    return None if mapping is None else dict(mapping)


def found(answer: Mapping[str, Any]) -> list[Memory]:
    """The memories of a list that mem0 answered with."""
    # With a graph, mem0 1.x answers "relations" beside the results: they are looked at like a memory.
    beside = {part: value for part, value in answer.items() if part != "results" and value}
    rows = [one(row) for row in answer["results"]]
    return [*rows, Memory(None, "", beside)] if beside else rows


def versions(rows: Sequence[Mapping[str, Any]]) -> list[Memory]:
    """The versions of a memory, each with that memory's id."""
    return [Memory(row["memory_id"], row["new_memory"] or row["old_memory"] or "", row) for row in rows]


def one(row: Mapping[str, Any]) -> Memory:
    """The memory that a row of mem0's tells of."""
    return Memory(row["id"], row["memory"], row)
