"""Agno's user memories: one database for all users, whose memory manager takes the user in each call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Refused
from isolation_tests.adapters.resources import Errors, need, scratch

__all__ = ["Agno", "open_memory"]

EXTRA = "agno"
_STORES = ("sqlite", "memory")


@contextmanager
def open_memory(*, store: str = "sqlite") -> Iterator[Agno]:
    """Open a new database, and remove it afterwards.

    store: "sqlite" (SqliteDb in a file) or "memory" (InMemoryDb). Raises `BadOption` for another one.
    """
    if store not in _STORES:
        raise BadOption(f"store can't be {store!r}; write {' or '.join(_STORES)}.")
    with scratch("agno") as folder:
        yield Agno(_database(store, folder))


def _database(store: str, folder: Path) -> Any:
    if store == "memory":
        return need("agno.db.in_memory", EXTRA).InMemoryDb()
    return need("agno.db.sqlite", EXTRA).SqliteDb(db_file=str(folder / "agno.db"))


class Agno:
    """The memory manager's own calls. Its search without a model gives the newest memories."""

    def __init__(self, database: Any) -> None:
        manager = need("agno.memory", EXTRA)
        self._manager, self._memory = manager.MemoryManager(db=database), manager.UserMemory
        self._unfit = _unfit_values()

    def add(self, user: Any, text: str) -> Sequence[Memory]:
        """Add a memory under an id that the manager makes."""
        memory = self._memory(memory=text)
        id = self._ask(user, "add_user_memory", memory, user_id=user)
        if id is None:
            raise Indeterminate("add_user_memory gave no id")
        return [Memory(id, text, memory.to_dict())]

    def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        """Return the newest memories: the only search without a language model, and it ignores the query."""
        asked = {"query": query, "limit": limit, "retrieval_method": "last_n", "user_id": user}
        return [_memory(row) for row in self._ask(user, "search_user_memories", **asked) or ()]

    def get_all(self, user: Any) -> Sequence[Memory]:
        """Return all of the user's memories."""
        return [_memory(row) for row in self._ask(user, "get_user_memories", user_id=user) or ()]

    def delete_all(self, user: Any) -> None:
        """Clear the user's memories."""
        self._ask(user, "clear_user_memories", user_id=user)

    def get(self, user: Any, id: str) -> Memory | None:
        """Return one memory of the user by its id; None if there is none."""
        row = self._ask(user, "get_user_memory", id, user_id=user)
        return None if row is None else _memory(row)

    def update(self, user: Any, id: str, text: str) -> None:
        """Replace a memory on behalf of the user."""
        self._ask(user, "replace_user_memory", id, self._memory(memory=text), user_id=user)

    def delete(self, user: Any, id: str) -> None:
        """Delete a memory on behalf of the user."""
        self._ask(user, "delete_user_memory", id, user_id=user)

    def _ask(self, user: Any, method: str, *args: Any, **keywords: Any) -> Any:
        refusal: Exception
        try:
            return getattr(self._manager, method)(*args, **keywords)
        except self._unfit as error:
            refusal = error
        except TypeError as error:
            # The manager keeps users in a dictionary: one that can't be a key never reaches the database.
            if isinstance(user, str | int | float | None):
                raise
            refusal = error
        raise Refused(str(refusal))


def _memory(row: Any) -> Memory:
    return Memory(row.memory_id, row.memory, row.to_dict())


def _unfit_values() -> Errors:
    """The driver's errors about a value that it can't store or compare, and text that is not Unicode."""
    if find_spec("sqlalchemy") is None:
        return (UnicodeEncodeError,)
    errors = need("sqlalchemy.exc", EXTRA)
    return (errors.InterfaceError, errors.DataError, errors.ProgrammingError, UnicodeEncodeError)
