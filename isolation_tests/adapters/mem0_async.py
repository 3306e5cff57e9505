"""mem0 open source's `AsyncMemory`, which is a separate implementation, not a wrapper around `Memory`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.adapters.mem0 import Answers, found, given, one, scope, versions
from isolation_tests.adapters.support.mem0_parts import close_memory, create_memory, opened_store

__all__ = ["AsyncMem0", "open_memory"]

_FIRST_LIMIT = 1000


@asynccontextmanager
async def open_memory(*, vector_store: str = "qdrant", dsn: str | None = None) -> AsyncIterator[AsyncMem0]:
    """Open mem0's `AsyncMemory` in a temporary folder, and remove the folder afterwards.

    Options and errors are those of `isolation_tests.adapters.mem0.open_memory`.
    """
    with ExitStack() as opened:
        mem0, store = opened.enter_context(opened_store(vector_store, dsn))
        if not store.threads:
            # mem0 runs its store's calls on the loop's threads, several at once even in one delete_all.
            # With one thread they queue, while mem0's own tasks still overlap.
            one_thread = opened.enter_context(ThreadPoolExecutor(1))
            asyncio.get_running_loop().set_default_executor(one_thread)
        memory = create_memory(mem0, vector_store, store.config, kind="AsyncMemory")
        opened.callback(close_memory, memory)
        adapter = AsyncMem0(memory, Answers(store, mem0.exceptions.ValidationError))
        # mem0 2.x creates its pgvector table on first use, which fails if two tasks come first.
        await adapter.get_all("isolation-tests")
        yield adapter


class AsyncMem0:
    """AsyncMemory's own calls, one to one; `raw` is the dict that mem0 returned.

    mem0's by-id calls take no user, so `get`, `update`, `delete` and `history` pass only the id.
    """

    def __init__(self, memory: Any, answers: Answers) -> None:
        self._memory, self._answers = memory, answers

    async def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Store the text unchanged (`infer=False`)."""
        with self._answers.read():
            answer = await self._memory.add(text, user_id=user, metadata=given(metadata), infer=False)
        return found(answer)

    async def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        """Search the user's memories, without a threshold on the score."""
        with self._answers.read():
            answer = await self._memory.search(query, **scope(self._memory.search, user, filters, limit))
        return found(answer)

    async def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        """Return all of the user's memories: mem0 has no pages, so raise the limit until fewer come back."""
        limit = _FIRST_LIMIT
        while True:
            with self._answers.read():
                answer = await self._memory.get_all(**scope(self._memory.get_all, user, filters, limit))
            if len(answer["results"]) < limit:
                return found(answer)
            limit *= 10

    async def delete_all(self, user: Any) -> None:
        """Call mem0's `delete_all` once and nothing else."""
        with self._answers.read():
            await self._memory.delete_all(user_id=user)

    async def get(self, user: Any, id: str) -> Memory | None:  # noqa: ARG002
        """Return the memory with this id, for any user; None if there is none."""
        with self._answers.read():
            row = await self._memory.get(id)
        return None if row is None else one(row)

    async def update(
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
        with self._answers.read():
            await self._memory.update(id, text, **more)

    async def delete(self, user: Any, id: str) -> None:  # noqa: ARG002
        """Delete the memory with this id, for any user."""
        with self._answers.read():
            await self._memory.delete(id)

    async def history(self, user: Any, id: str) -> Sequence[Memory]:  # noqa: ARG002
        """Return the versions of the memory with this id, for any user; each carries that memory's id."""
        with self._answers.read():
            rows = await self._memory.history(id)
        return versions(rows)
