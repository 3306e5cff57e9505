"""Any MCP memory server, described by the options in a target's file, without Python code."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Page, Refused, Unavailable
from isolation_tests.adapters.described.bodies import MOST_PAGES, shallow
from isolation_tests.adapters.described.mapping import (
    ABSENT,
    Mismatch,
    OutOfBounds,
    checked,
    cut,
    filled,
    given,
    offering,
    whole_number,
)
from isolation_tests.adapters.described.mcp_client import Links
from isolation_tests.adapters.described.mcp_options import Mapped, McpOptions, document, fits, mapped, refusal
from isolation_tests.adapters.resources import scratch

__all__ = ["McpMemory", "open_memory"]

_KEYWORDS = ("filters", "key", "metadata")
_NUMBER = re.compile(r"\d+\Z")


@asynccontextmanager
async def open_memory(**options: Any) -> AsyncIterator[McpMemory]:
    """Open the server that the options describe (see `described.mcp_options.McpOptions`).

    Its tools are compared with the file, and one harmless read checks that it answers as described. Raises
    `BadOption` for an option to correct, and `Unavailable` if the server does not answer.
    """
    server = mapped(checked(McpOptions, options))
    with scratch("mcp") as folder:
        links = Links(server, folder)
        try:
            memory = McpMemory(links, server)
            await _try(memory, links, server)
            yield memory
        finally:
            await links.close()


class McpMemory:
    """Makes one tool call for each call, as the file describes it; `raw` is the row of the answer.

    Methods and keywords that the file does not map do not exist.
    """

    get_all: Callable[..., Awaitable[Sequence[Memory]]]
    unasked: Sequence[str] = ()

    def __init__(self, links: Links, server: Mapped) -> None:
        self._links, self._server, self._calls = links, server, server.calls
        for name, call in server.calls.items():
            keywords = {keyword: keyword in call.slots() for keyword in _KEYWORDS}
            setattr(self, name, offering(getattr(self, f"_{name}"), keywords))
        if server.each:
            self.delete_all = self._delete_each
        if server.calls["get_all"].next is not None:
            self.page = self._page

    async def _add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        values = {"text": text, "metadata": given(metadata), "key": given(key), "new_id": uuid4().hex}
        return await self._rows("add", user, values)

    async def _search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        values = {"query": query, "limit": limit, "filters": given(filters)}
        return cut(await self._rows("search", user, values), limit)

    async def _get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        return await self._listed("get_all", user, given(filters))

    async def _delete_all(self, user: Any) -> None:
        await self._ask("delete_all", user)

    async def _delete_each(self, user: Any) -> None:
        for number, memory in enumerate(await self._listed("get_all", user, ABSENT)):
            try:
                await self._ask("delete", user, {"id": self._sent_id(memory.id or "")})
            except Refused as error:
                if number == 0:
                    raise
                raise Indeterminate(f"delete_all stopped after {number} memories: {error}") from error

    async def _get(self, user: Any, id: str) -> Memory | None:
        answer = await self._ask("get", user, {"id": self._sent_id(id)})
        found = self._calls["get"].reader.one(answer)
        return None if found is None else self._with_id(found)

    async def _update(
        self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None
    ) -> None:
        values = {"id": self._sent_id(id), "text": text, "metadata": given(metadata)}
        await self._ask("update", user, values)

    async def _delete(self, user: Any, id: str) -> None:
        await self._ask("delete", user, {"id": self._sent_id(id)})

    async def _history(self, user: Any, id: str) -> Sequence[Memory]:
        return await self._rows("history", user, {"id": self._sent_id(id)})

    async def _count(self, user: Any) -> int:
        return whole_number(await self._ask("count", user), self._calls["count"].total)

    async def _export(self, user: Any) -> Sequence[Memory]:
        return await self._listed("export", user, ABSENT)

    async def _maintain(self, user: Any) -> None:
        await self._ask("maintain", user)

    async def _page(self, user: Any, cursor: str | None) -> Page:
        items, following = await self._one_page("get_all", user, given(cursor), 0, ABSENT)
        return Page(items, None if following is None else str(following))

    async def _listed(self, name: str, user: Any, filters: Any) -> list[Memory]:
        """All memories that a listing tool returns, from all of its pages."""
        call = self._calls[name]
        listed: dict[tuple[str | None, str], Memory] = {}
        cursor: Any = ABSENT
        passed: list[Any] = []
        for _ in range(MOST_PAGES):
            page, following = await self._one_page(name, user, cursor, len(listed), filters)
            before = len(listed)
            listed |= {(row.id, row.text): row for row in page}
            if following is None and not ("offset" in call.slots() and len(listed) > before):
                return list(listed.values()) if "offset" in call.slots() or cursor is not ABSENT else page
            if following is not None and following in passed:
                break
            passed.append(following)
            cursor = ABSENT if following is None else following
        else:
            raise Mismatch(
                f"{call.option}: a list has more than {MOST_PAGES} pages; correct next or arguments."
            )
        raise Mismatch(f"{call.option}: the pages repeat and never end; correct next or arguments.")

    async def _one_page(
        self, name: str, user: Any, cursor: Any, offset: int, filters: Any
    ) -> tuple[list[Memory], Any]:
        call = self._calls[name]
        answer = await self._ask(name, user, {"cursor": cursor, "offset": offset, "filters": filters})
        following = None if call.next is None else call.next.find(answer)
        return [self._with_id(row) for row in call.reader.memories(answer)], following or None

    async def _rows(self, name: str, user: Any, values: Mapping[str, Any]) -> list[Memory]:
        answer = await self._ask(name, user, values)
        return [self._with_id(row) for row in self._calls[name].reader.memories(answer)]

    async def _ask(self, name: str, user: Any, values: Mapping[str, Any] | None = None) -> Any:
        call, options = self._calls[name], self._server.options
        arguments = filled(call.arguments, {"user": user, **(values or {})})
        # By the protocol's names, because the library's own names differ between its major versions.
        try:
            answer = await self._links.call(user, call.tool, arguments)
            result = answer.model_dump(by_alias=True, mode="json")
            texts = _texts(shallow(result)["content"])
            said = document(result.get("structuredContent"), texts, lines=options.answer.form == "lines")
        except OutOfBounds as error:
            raise OutOfBounds(f"{call.option}: {str(error).rstrip('.')}.") from None
        if result.get("isError"):
            told = "\n".join(texts)
            raise Refused(told) if options.tool_errors == "refused" else Indeterminate(told)
        reason = refusal(said, self._server.refused)
        if reason is not None:
            raise Refused(reason)
        return said

    def _with_id(self, row: Memory) -> Memory:
        number = _NUMBER.search(row.id or "") if self._server.options.ids == "number" else None
        return row if number is None else Memory(number[0], row.text, row.raw)

    def _sent_id(self, id: str) -> str | int:
        return int(id) if self._server.options.ids == "number" and id.isdecimal() else id


def _texts(content: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts in an answer's parts, including those of embedded resources."""
    parts = (part.get("text") or (part.get("resource") or {}).get("text") for part in content)
    return [part for part in parts if part]


async def _try(memory: McpMemory, links: Links, server: Mapped) -> None:
    """Compare the tools with the file and read as a user who does not exist; raises for the first problem."""
    user = f"iso-{uuid4().hex}"
    tools = await links.tools(user)
    for call in server.calls.values():
        fits(call, tools)
    memory.unasked = sorted({*tools} - {call.tool for call in server.calls.values()})
    reading = server.calls["get_all"]
    try:
        await memory.get_all(user)
    except Mismatch as error:
        raise BadOption(str(error)) from error
    except Refused as error:
        raise BadOption(
            f"{reading.option}: {reading.tool} refuses an ordinary user ({error}); correct its arguments."
        ) from error
    except Indeterminate as error:
        raise Unavailable(
            f"the server does not answer ({error}); check its log and start it again."
        ) from error
