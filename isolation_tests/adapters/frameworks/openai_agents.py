"""OpenAI Agents SDK: one SQLite file for all users, one session of its history for each."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.resources import need, scratch

__all__ = ["OpenAIAgents", "open_memory"]

EXTRA = "openai-agents"
_UNFIT = (sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError, UnicodeEncodeError)


@asynccontextmanager
async def open_memory() -> AsyncIterator[OpenAIAgents]:
    """Open a new file of sessions, and remove it afterwards."""
    with scratch("agents") as folder:
        yield OpenAIAgents(folder / "sessions.db")


class OpenAIAgents:
    """The session's own calls, on a session that is opened for each of them; its items have no ids."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._session = need("agents", EXTRA).SQLiteSession

    async def add(self, user: Any, text: str) -> Sequence[Memory]:
        """Add one message to the user's session."""
        item = {"role": "user", "content": text}
        await self._ask(user, "add_items", [item])
        return [_memory(item)]

    async def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:  # noqa: ARG002 - the contract's
        """Return the newest messages: a session has no search."""
        return [_memory(item) for item in await self._ask(user, "get_items", limit)]

    async def get_all(self, user: Any) -> Sequence[Memory]:
        """Return all messages of the user's session."""
        return [_memory(item) for item in await self._ask(user, "get_items")]

    async def delete_all(self, user: Any) -> None:
        """Clear the user's session."""
        await self._ask(user, "clear_session")

    async def _ask(self, user: Any, method: str, *args: Any) -> Any:
        session = self._session(user, self._file)
        try:
            return await getattr(session, method)(*args)
        except _UNFIT as error:
            # The driver or the table takes no such value as a session's name.
            refusal = str(error)
        finally:
            session.close()
        raise Refused(refusal)


def _memory(item: Any) -> Memory:
    return Memory(None, item["content"], item)
