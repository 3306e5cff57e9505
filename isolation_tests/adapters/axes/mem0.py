"""mem0 open source with three axes: user, agent and run, as `user_id`, `agent_id` and `run_id` of every call.

What a call means that omits the agent or the run is what mem0's source says: the identifiers that are
provided are the filter (`_build_filters_and_metadata` in mem0/memory/main.py), so an omitted one means all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.adapters import mem0
from isolation_tests.adapters.mem0 import Mem0, found, given

__all__ = ["AXES", "Mem0Axes", "open_memory"]

AXES = {"user": "refused", "agent": "all", "run": "all"}
_FIRST_LIMIT = 1000


@contextmanager
def open_memory(*, vector_store: str = "qdrant", dsn: str | None = None) -> Iterator[Mem0Axes]:
    """Open mem0 in a temporary folder, as `isolation_tests.adapters.mem0` does, and remove it afterwards."""
    with mem0.open_memory(vector_store=vector_store, dsn=dsn) as plain:
        yield Mem0Axes(plain)


class Mem0Axes:
    """mem0's own calls, one to one; those by id take neither the user nor another axis."""

    axes = AXES

    def __init__(self, plain: Mem0) -> None:
        self._plain = plain
        self._memory = plain.memory

    def add(
        self, user: Any, text: str, *, scope: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Store the text unchanged, for the user, the agent and the run."""
        with self._plain.answer():
            answer = self._memory.add(
                text, user_id=user, **_ids(scope), metadata=given(metadata), infer=False
            )
        return found(answer)

    def search(
        self,
        user: Any,
        query: str,
        *,
        limit: int,
        scope: Mapping[str, Any],
        filters: Mapping[str, Any] | None = None,
    ) -> Sequence[Memory]:
        """Search what these identifiers have in common, without a threshold on the score."""
        with self._plain.answer():
            answer = self._memory.search(
                query, **self._where(self._memory.search, user, scope, filters, limit)
            )
        return found(answer)

    def get_all(
        self, user: Any, *, scope: Mapping[str, Any], filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Return all that these identifiers have in common: raise the limit until fewer come back."""
        limit = _FIRST_LIMIT
        while True:
            with self._plain.answer():
                answer = self._memory.get_all(
                    **self._where(self._memory.get_all, user, scope, filters, limit)
                )
            if len(answer["results"]) < limit:
                return found(answer)
            limit *= 10

    def delete_all(self, user: Any, *, scope: Mapping[str, Any]) -> None:
        """Call mem0's `delete_all` once and nothing else."""
        with self._plain.answer():
            self._memory.delete_all(user_id=user, **_ids(scope))

    def get(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> Memory | None:  # noqa: ARG002
        """Return the memory with this id, for anybody; None if there is none."""
        return self._plain.get(user, id)

    def update(
        self,
        user: Any,
        id: str,
        text: str,
        *,
        scope: Mapping[str, Any],  # noqa: ARG002
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the text of the memory with this id, for anybody."""
        self._plain.update(user, id, text, metadata=metadata)

    def delete(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Delete the memory with this id, for anybody."""
        self._plain.delete(user, id)

    def history(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> Sequence[Memory]:  # noqa: ARG002
        """Return the versions of the memory with this id, for anybody."""
        return self._plain.history(user, id)

    @staticmethod
    def _where(
        method: Any, user: Any, named: Mapping[str, Any], filters: Mapping[str, Any] | None, limit: int
    ) -> dict[str, Any]:
        """The arguments of a read in this release: since 2.x, all identifiers are filters."""
        arguments = mem0.scope(method, user, filters, limit)
        if "user_id" in arguments:
            return arguments | _ids(named)
        return arguments | {"filters": {**arguments["filters"], **_ids(named)}}


def _ids(scope: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{axis}_id": value for axis, value in scope.items()}
