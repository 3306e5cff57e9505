"""Connections to MCP servers: each is held by its own task and used from other tasks."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import which
from typing import Any

from isolation_tests.adapter import BadOption, Indeterminate, Refused, Unavailable
from isolation_tests.adapters.described.bodies import MOST_BYTES
from isolation_tests.adapters.described.mapping import filled, slots
from isolation_tests.adapters.described.mcp_bounds import ENCODING, Excess, bounded_client, watched_by
from isolation_tests.adapters.described.mcp_options import EXTRA, Mapped, Tool
from isolation_tests.adapters.resources import need
from isolation_tests.core import metering

__all__ = ["Link", "Links"]

_STOP_SECONDS = 10.0
_NOT_EXECUTED = (-32600, -32601, -32602)  # JSON-RPC: bad request, no such method, bad parameters
_CLOSED = -32000
_SHARED = "shared"


@dataclass(eq=False, slots=True)
class Link:
    """One connection. ready: it is open, or `failure` says why not. busy: running calls. lost: it ended."""

    session: Any = None
    task: asyncio.Task[None] | None = None
    failure: Exception | None = None
    busy: int = 0
    lost: bool = False
    excess: Excess = field(default_factory=Excess)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Links:
    """All connections to one server, or to one server per user.

    The library requires that the task which opens a connection also closes it, but many tasks make calls. So
    each connection has a task that opens it, waits, and closes it.
    """

    def __init__(self, server: Mapped, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._open: OrderedDict[str, asyncio.Future[Link]] = OrderedDict()
        self._sdk = need("mcp", EXTRA)
        shared = need("mcp.shared.exceptions", EXTRA)
        # Version 2 of the library spells the name in capitals.
        self._failed: type[Exception] = getattr(shared, "MCPError", None) or shared.McpError
        self._ends: tuple[type[Exception], ...] = (self._failed, TimeoutError, *_closed())

    async def call(self, user: Any, tool: str, arguments: Mapping[str, Any]) -> Any:
        """The tool's answer; raises `Refused` or `Indeterminate` if there is none."""
        _must_be_json(arguments)
        try:
            link = await self._of(user)
        except (BadOption, Unavailable) as error:
            raise Indeterminate(str(error)) from error
        link.busy += 1
        metering.request()
        try:
            async with link.excess.within(self._server.options.timeout_seconds):
                return await link.session.call_tool(tool, dict(arguments))
        except self._ends as error:
            if link.excess.said:
                link.lost = True
                raise link.excess.error(tool) from error
            raise self._unknown(link, tool, error) from error
        finally:
            link.busy -= 1

    def _unknown(self, link: Link, tool: str, error: Exception) -> Exception:
        """What an error of the library means for a call."""
        if isinstance(error, self._failed):
            code = getattr(getattr(error, "error", None), "code", 0)
            if code in _NOT_EXECUTED:
                return Refused(str(error))
            link.lost = link.lost or code == _CLOSED
            return Indeterminate(f"{tool}: {error}")
        if isinstance(error, TimeoutError):
            seconds = self._server.options.timeout_seconds
            return Indeterminate(f"{tool} did not answer within {seconds:g} seconds")
        link.lost = True
        return Indeterminate(f"{tool}: the server closed the connection")

    async def tools(self, user: Any) -> dict[str, Tool]:
        """The server's tools, by name."""
        link = await self._of(user)
        metering.request()
        try:
            async with link.excess.within(self._server.options.start_seconds):
                listed = (await link.session.list_tools()).tools
        except self._ends as error:
            raise Unavailable(self._silent(link.excess.reason() or error)) from error
        # Version 2 of the library renames the attribute, but not its alias.
        schemas = ((each.name, each.model_dump(by_alias=True)["inputSchema"]) for each in listed)
        return {name: Tool.described(name, schema) for name, schema in schemas}

    async def close(self) -> None:
        """Close every connection, and stop every server that was started."""
        opened, self._open = list(self._open.values()), OrderedDict()
        await asyncio.gather(*(self._leave(each) for each in opened))

    async def _of(self, user: Any) -> Link:
        key = _SHARED if self._server.options.session == _SHARED else _key(user)
        known = self._open.get(key)
        if known is not None and _is_over(known):
            self._open.pop(key)
            await self._leave(known)
        if key not in self._open:
            await self._make_room()
        if key not in self._open:
            self._open[key] = asyncio.ensure_future(self._begin(user))
        self._open.move_to_end(key)
        # A cancelled caller must not cancel the connection, because other callers may be waiting for it.
        return await asyncio.shield(self._open[key])

    async def _make_room(self) -> None:
        idle = [key for key, each in self._open.items() if each.done() and not _is_busy(each)]
        for key in idle[: max(0, len(self._open) + 1 - self._server.options.keep)]:
            await self._leave(self._open.pop(key))

    async def _begin(self, user: Any) -> Link:
        link = Link()
        metering.request()
        link.task = asyncio.create_task(self._serve(user, link))
        try:
            async with link.excess.within(self._server.options.start_seconds):
                await link.ready.wait()
        except TimeoutError as error:
            link.task.cancel()
            raise Unavailable(self._silent(link.excess.reason())) from error
        if link.failure is not None:
            raise link.failure
        return link

    async def _serve(self, user: Any, link: Link) -> None:
        try:
            async with AsyncExitStack() as stack:
                watched_by(link.excess)
                streams = await stack.enter_async_context(self._streams(user, link.excess))
                link.session = await stack.enter_async_context(self._sdk.ClientSession(*streams[:2]))
                await link.session.initialize()
                link.ready.set()
                await link.stop.wait()
        except Exception as error:  # noqa: BLE001 - any error is passed on to those who wait for the connection
            link.failure = self._meaning(link.excess.reason() or _first(error))
        finally:
            link.lost = True
            link.ready.set()

    @asynccontextmanager
    async def _streams(self, user: Any, excess: Excess) -> AsyncIterator[Any]:
        """The transport's streams, opened and closed by the caller's task."""
        launch = filled(dict(self._server.launch), self._values(user))
        if launch["url"] is not None:
            async with self._http(launch["url"], launch["headers"], excess) as streams:
                yield streams
            return
        command = _command(launch["command"])
        stdio = need("mcp.client.stdio", EXTRA)
        server = self._sdk.StdioServerParameters(
            command=command, args=list(launch["args"]), env=launch["env"], cwd=self._folder, encoding=ENCODING
        )
        with self._log.open("ab") as log:
            async with stdio.stdio_client(server, errlog=log) as streams:
                yield streams

    @asynccontextmanager
    async def _http(self, url: str, headers: dict[str, str], excess: Excess) -> AsyncIterator[Any]:
        transport = need("mcp.client.streamable_http", EXTRA)
        if hasattr(transport, "streamablehttp_client"):
            opens = partial(_client, need("httpx", EXTRA), excess)
            async with transport.streamablehttp_client(
                url, headers=headers, httpx_client_factory=opens
            ) as streams:
                yield streams
            return
        # Version 2 of the library takes a client of its own HTTP library, with the headers set on it.
        seconds = self._server.options.timeout_seconds
        async with (
            bounded_client(need("httpx2", EXTRA), excess, headers=headers, timeout=seconds) as client,
            transport.streamable_http_client(
                url, http_client=client, max_sse_event_size=MOST_BYTES
            ) as streams,
        ):
            yield streams

    def _values(self, user: Any) -> dict[str, Any]:
        values: dict[str, Any] = {"folder": str(self._folder)}
        if self._server.options.session != _SHARED:
            if "user" in slots(self._server.launch):
                _must_fit(user, header=self._server.options.url is not None)
            values |= {"user": user, "user_digest": hashlib.sha256(_key(user).encode()).hexdigest()}
        return values

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _meaning(self, error: BaseException) -> Exception:
        if isinstance(error, BadOption | Refused | Unavailable | ModuleNotFoundError):
            return error
        return Unavailable(self._silent(error))

    def _silent(self, error: BaseException | None = None) -> str:
        options = self._server.options
        reason = f" ({type(error).__name__}: {error})" if error is not None and str(error) else ""
        if options.url is not None:
            return (
                f"{options.url} does not answer as an MCP server{reason}; start it, or correct options.url."
            )
        said = _last_line(self._log)
        return (
            f"{options.command} does not answer as an MCP server{reason}; its last output was: "
            f"{said or 'nothing'}. Correct options.command, args or env."
        )

    @staticmethod
    async def _leave(opened: asyncio.Future[Link]) -> None:
        with suppress(Exception):
            link = await opened
            link.stop.set()
            if link.task is not None:
                await asyncio.wait([link.task], timeout=_STOP_SECONDS)
                link.task.cancel()


def _client(library: Any, excess: Excess, headers: Any = None, timeout: Any = None, auth: Any = None) -> Any:
    """The client that version 1 of the library asks for."""
    return bounded_client(
        library, excess, headers=headers, timeout=timeout or 30.0, auth=auth, follow_redirects=True
    )


def _is_over(opened: asyncio.Future[Link]) -> bool:
    if not opened.done():
        return False
    return opened.cancelled() or opened.exception() is not None or opened.result().lost


def _is_busy(opened: asyncio.Future[Link]) -> bool:
    return not _is_over(opened) and opened.result().busy > 0


def _key(user: Any) -> str:
    """The key of a user's session; raises `Refused` unless the user is text that is not blank."""
    if not isinstance(user, str) or not user.strip():
        raise Refused("a session needs a user whose name is text that is not blank")
    return f"user {user}".encode("utf-8", "surrogatepass").hex()


def _must_fit(user: str, *, header: bool) -> None:
    """Raise `Refused` if a header or an environment variable can't hold this name."""
    if header and not (user.isascii() and user.isprintable()):
        raise Refused("a header can hold only printable ASCII")
    try:
        unfit = b"\0" in user.encode()
    except UnicodeEncodeError:
        unfit = True
    if unfit:
        raise Refused("an argument or an environment variable can't hold a NUL or a lone surrogate")


def _must_be_json(arguments: Mapping[str, Any]) -> None:
    try:
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Refused(f"a message can't hold these arguments: {error}") from error


def _command(command: str) -> str:
    # Programs of this Python environment come first, even if it is not activated.
    here = str(Path(sys.executable).parent)
    found = which(command, path=here) or which(command)
    if found is None:
        raise BadOption(
            f"options.command: there is no program {command!r}; install it, or correct the command."
        )
    return found


def _closed() -> tuple[type[Exception], ...]:
    anyio = need("anyio", EXTRA)
    return (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, OSError)


def _first(error: BaseException) -> BaseException:
    """The first exception in a group, such as a task group raises."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _last_line(log: Path) -> str:
    if not log.is_file():
        return ""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
