"""LangMem's memory tools over a LangGraph store, called as an agent would call them, without an LLM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.resources import need
from isolation_tests.adapters.support.langgraph_stores import Opened, answered, open_store

__all__ = ["LangMem", "open_memory"]

_ROOT = "memories"
_NAMESPACE = (_ROOT, "{langgraph_user_id}")
_LISTED = 100


@contextmanager
def open_memory(*, store: str = "memory", dsn: str | None = None) -> Iterator[LangMem]:
    """Open LangMem's tools over a new store, and remove it afterwards.

    store: "memory", "sqlite" or "postgres". dsn: your own Postgres, in which a schema is created and
    dropped; without it, a Postgres is started for the run. Raises `BadOption`.
    """
    langmem = need("langmem", "langmem")
    with open_store(store, dsn=dsn) as opened:
        yield LangMem(
            opened,
            manage=langmem.create_manage_memory_tool(_NAMESPACE, store=opened.store),
            search=langmem.create_search_memory_tool(_NAMESPACE, store=opened.store),
        )


class LangMem:
    """The manage and search tools, with the user in `configurable`. LangMem has no tool for listing."""

    def __init__(self, opened: Opened, *, manage: Any, search: Any) -> None:
        self._opened, self._manage, self._search = opened, manage, search

    def add(self, user: Any, text: str) -> Sequence[Memory]:
        """Create a memory; the tool's answer ends with its id."""
        answer = self._ask(self._manage, user, content=text, action="create")
        return [Memory(answer.split()[-1], text, answer)]

    def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        """Search the user's memories with the search tool."""
        rows = json.loads(self._ask(self._search, user, query=query, limit=limit))
        return [Memory(row["key"], row["value"]["content"], row) for row in rows]

    def get_all(self, user: Any) -> Sequence[Memory]:
        """Search the store in the tools' namespace, as LangMem's guides do."""
        found: list[Memory] = []
        while True:
            with answered(self._opened):
                items = self._opened.store.search((_ROOT, user), limit=_LISTED, offset=len(found))
            found += [Memory(item.key, item.value["content"], item.dict()) for item in items]
            if len(items) < _LISTED:
                return found

    def delete_all(self, user: Any) -> None:
        """Delete the memories one by one with the manage tool."""
        for memory in self.get_all(user):
            self._ask(self._manage, user, id=memory.id, action="delete")

    def update(self, user: Any, id: str, text: str) -> None:
        """Replace the text of this id with the manage tool."""
        self._ask(self._manage, user, content=text, id=id, action="update")

    def delete(self, user: Any, id: str) -> None:
        """Delete this id with the manage tool."""
        self._ask(self._manage, user, id=id, action="delete")

    def _ask(self, tool: Any, user: Any, **arguments: Any) -> str:
        with answered(self._opened):
            try:
                answer: str = tool.invoke(arguments, config={"configurable": {"langgraph_user_id": user}})
            except ValidationError as error:
                raise Refused(str(error)) from error
        return answer
