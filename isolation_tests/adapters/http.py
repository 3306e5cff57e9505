"""Any HTTP memory service, described by the options in a target's file, without Python code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Page, Refused, Unavailable
from isolation_tests.adapters.described.http_client import Client, connected, of_answer
from isolation_tests.adapters.described.http_intrusion import Intruder
from isolation_tests.adapters.described.http_options import Call, HttpOptions, Mapped, mapped
from isolation_tests.adapters.described.http_paging import Position, memories, next_cursor, pages
from isolation_tests.adapters.described.mapping import (
    ABSENT,
    Mismatch,
    Template,
    checked,
    cut,
    given,
    offering,
    slots,
    whole_number,
)
from isolation_tests.adapters.described.openapi import BadDocument, read_document
from isolation_tests.adapters.described.unasked import unasked

if TYPE_CHECKING:
    import httpx

__all__ = ["HttpMemory", "open_memory"]

_SHOWN = 160
_KEYWORDS = ("filters", "key", "metadata")


@contextmanager
def open_memory(*, near: str = "", **options: Any) -> Iterator[HttpMemory]:
    """Open the service that the options describe (see `described.http_tables.HttpOptions`).

    near: the folder that the path of its OpenAPI document starts from. One harmless read checks that the
    service answers as described. Raises `BadOption` for an option to correct, and `Unavailable` if the
    service is down or rejects the credentials.
    """
    service = mapped(checked(HttpOptions, options))
    routes = _unasked(service, Path(near))
    with connected(service) as server:
        memory = HttpMemory(server, service)
        memory.unasked = routes
        _read_once(memory, server, service)
        yield memory


class HttpMemory:
    """Makes one request for each call, as the file describes it; `raw` is the row of the answer.

    Methods and keywords that the file does not map do not exist.
    """

    add: Callable[..., Sequence[Memory]]
    search: Callable[..., Sequence[Memory]]
    get_all: Callable[..., Sequence[Memory]]
    delete_all: Callable[..., None]
    unasked: Sequence[str] = ()

    def __init__(self, server: Client, service: Mapped) -> None:
        self._server, self._calls = server, service.calls
        for name, call in service.calls.items():
            if name != "page":
                keywords = {keyword: keyword in call.slots() for keyword in _KEYWORDS}
                setattr(self, name, offering(getattr(self, f"_{name}"), keywords))
        paging = service.calls["get_all"].paging
        if "page" in service.calls or (paging is not None and paging.kind == "cursor"):
            self.page = self._page
        intruder = Intruder(server, service)
        if intruder.ways:
            self.intrude = intruder.intrude

    def _add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        values = {"text": text, "metadata": given(metadata), "key": given(key)}
        return memories(self._calls["add"], self._ask("add", user, values))

    def _search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Memory]:
        call = self._calls["search"]
        values = {"query": query, "limit": limit, "filters": given(filters)}
        found = memories(call, self._ask("search", user, values))
        return found if "limit" in call.slots() else cut(found, limit)

    def _get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> Sequence[Memory]:
        return self.listed("get_all", user, given(filters))

    def _delete_all(self, user: Any) -> None:
        self._ask("delete_all", user)

    def _get(self, user: Any, id: str) -> Memory | None:
        call = self._calls["get"]
        answer = of_answer(call, self._ask("get", user, {"id": id}))
        return call.reader.one(answer)

    def _update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        self._ask("update", user, {"id": id, "text": text, "metadata": given(metadata)})

    def _delete(self, user: Any, id: str) -> None:
        self._ask("delete", user, {"id": id})

    def _history(self, user: Any, id: str) -> Sequence[Memory]:
        return memories(self._calls["history"], self._ask("history", user, {"id": id}))

    def _count(self, user: Any) -> int:
        call = self._calls["count"]
        return whole_number(of_answer(call, self._ask("count", user)), call.total)

    def _export(self, user: Any) -> Sequence[Memory]:
        return self.listed("export", user)

    def _maintain(self, user: Any) -> None:
        self._ask("maintain", user)

    def _page(self, user: Any, cursor: str | None) -> Page:
        name = "page" if "page" in self._calls else "get_all"
        call = self._calls[name]
        response = self._ask(name, user, {"cursor": given(cursor), "filters": ABSENT})
        following = next_cursor(call, response)
        return Page(memories(call, response), None if following is None else str(following))

    def listed(self, name: str, user: Any, filters: Any = ABSENT) -> list[Memory]:
        """All memories that a listing operation returns, from all of its pages."""

        def ask(position: Position) -> httpx.Response:
            return self._ask(name, user, {"cursor": position.cursor, "filters": filters}, position.url)

        return [memory for page in pages(self._calls[name], ask) for memory in page]

    def _ask(
        self, name: str, user: Any, values: Mapping[str, Any] | None = None, url: str | None = None
    ) -> httpx.Response:
        return self._server.ask(self._calls[name], {"user": user, **(values or {})}, url)


def _unasked(service: Mapped, near: Path) -> list[str]:
    """The routes of the service's document that no operation asks; none if the file names no document."""
    if service.options.openapi is None:
        return []
    calls = [*service.calls.values(), service.auth.sign_in, service.auth.expired]
    asked = [
        (call.method, "".join(part if isinstance(part, str) else "{}" for part in call.path.parts))
        for call in calls
        if call is not None
    ]
    try:
        return unasked(read_document(near / service.options.openapi), service.base_url, asked)
    except BadDocument as error:
        raise BadOption(f"options.openapi: {error}") from error


def _read_once(memory: HttpMemory, server: Client, service: Mapped) -> None:
    """Read as a user who does not exist; raises an error if nothing else can work."""
    user = f"iso-{uuid4().hex}"
    reading = service.calls["get_all"]
    steps: list[tuple[Call, Callable[[], object]]] = [(reading, lambda: memory.listed("get_all", user))]
    if service.auth.sign_in is not None:
        steps.insert(0, (service.auth.sign_in, lambda: server.credential(user)))
    for call, step in steps:
        try:
            step()
        except Mismatch as error:
            raise BadOption(str(error)) from error
        except Indeterminate as error:
            raise Unavailable(
                f"{service.base_url} does not answer ({_short(error)}); start it or correct options.base_url."
            ) from error
        except Refused as error:
            if not _may_mean_the_user(error, call, server, user):
                raise _turned_away(str(error), call, service) from error


def _may_mean_the_user(error: Refused, call: Call, server: Client, user: str) -> bool:
    """Whether a 404 may mean that the user does not exist, rather than that the path does not."""
    if not str(error).startswith("404 "):
        return False
    if "user" in slots(call.path):
        return True
    elsewhere = replace(call, path=Template((f"/{uuid4().hex}",)))
    try:
        server.ask(elsewhere, {"user": user, "cursor": ABSENT, "filters": ABSENT})
    except Refused as other:
        return str(other) != str(error)
    except (Indeterminate, Mismatch):
        return True
    return True


def _turned_away(said: str, call: Call, service: Mapped) -> BadOption | Unavailable:
    if said.startswith(("401 ", "403 ")):
        signs_in = call is service.auth.sign_in
        key = call.option if signs_in else "options.auth"
        return Unavailable(f"{service.base_url} rejects the credentials ({_short(said)}); correct {key}.")
    if said.startswith("404 "):
        return BadOption(
            f"{call.option}.path: the server has no such path ({_short(said)}); correct it or "
            "options.base_url."
        )
    return BadOption(
        f"{call.option}: the server refuses an ordinary user ({_short(said)}); correct path, query, headers "
        "or json."
    )


def _short(said: object) -> str:
    return shorten(str(said), _SHOWN, placeholder=" ...")
