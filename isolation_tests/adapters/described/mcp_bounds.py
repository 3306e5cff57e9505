"""Answers of MCP servers within bounds: the library gets no more of a message than the suite reads.

The library has no limit for a message on standard output and for a JSON answer over HTTP. So it gets what
counts for it: a text encoding for standard output, and an HTTP client whose answers end at the limit.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn

import anyio

from isolation_tests.adapters.described.bodies import MOST_BYTES
from isolation_tests.adapters.described.mapping import OutOfBounds

__all__ = ["ENCODING", "Excess", "bounded_client", "watched_by"]

ENCODING = "utf_8_within_isolation_bounds"
"""UTF-8 that ends a stream in which a line is too long."""
_PLAIN = ("", "identity")
_CHUNK = 2**16
"""The most that is read of standard output at once."""


@dataclass(eq=False, slots=True)
class Excess:
    """Whether a connection has brought more than is read of one message. said: what was wrong with it."""

    said: str = ""
    _limits: set[asyncio.Timeout] = field(default_factory=set)

    def note(self, said: str) -> None:
        """Remember what was wrong, and end what waits: the library still reads, and would not say so."""
        self.said = self.said or said
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Raise TimeoutError after these seconds, or as soon as a message is beyond the bounds."""
        async with asyncio.timeout(seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def reason(self) -> OutOfBounds | None:
        """Why the connection could not be opened, if this was it."""
        return self.error("the server") if self.said else None

    def error(self, tool: str) -> OutOfBounds:
        """The error for the call whose answer it was, or for one that was open at that moment."""
        return OutOfBounds(f"{tool}: {self.said}; let the server return its lists in pages.")


_watching: ContextVar[Excess | None] = ContextVar("isolation_tests_mcp_excess", default=None)


def watched_by(excess: Excess) -> None:
    """From now on, what this task and those that it starts read from standard output counts for `excess`."""
    _watching.set(excess)


def _too_large(excess: Excess | None) -> str:
    said = f"a message is larger than {MOST_BYTES // 1_000_000} MB, so the rest was not read"
    if excess is not None:
        excess.note(said)
    return said


class _Decoder(codecs.getincrementaldecoder("utf-8")):  # type: ignore[misc]  # made when it is asked for
    """Decodes whole lines; once one is too long, the stream counts as closed, which the library expects.

    The library joins what it gets of a line again and again, so it gets a line only when it is whole.
    """

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._line = bytearray()

    def decode(self, input: Any, final: bool = False) -> str:  # noqa: A002, FBT001, FBT002 - as in the base
        whole, newline, rest = bytes(input).rpartition(b"\n")
        ready = bytes(self._line) + whole + newline if newline or final else b""
        if newline or final:
            self._line.clear()
        self._line += rest
        if max(len(self._line), len(ready)) > MOST_BYTES + _CHUNK:
            _too_large(_watching.get())
            raise anyio.ClosedResourceError
        return str(super().decode(ready, final)) if ready or final else ""


def _encoding(name: str) -> codecs.CodecInfo | None:
    if name != ENCODING:
        return None
    plain = codecs.lookup("utf-8")
    return codecs.CodecInfo(plain.encode, plain.decode, incrementaldecoder=_Decoder, name=ENCODING)


codecs.register(_encoding)


def bounded_client(library: Any, excess: Excess, **settings: Any) -> Any:
    """An HTTP client of `library` (httpx, or one with its interface) whose answers end at the limit.

    It asks for plain answers, and does not unpack others: an answer may unpack to a thousand times its size.
    """

    class Body(library.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any, *, packed: bool, events: bool) -> None:
            self._inner, self._packed, self._events = inner, packed, events

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._inner:
                # A stream of events may go on for long; each event counts for itself.
                end = chunk.rfind(b"\n\n") if self._events else -1
                size = size + len(chunk) if end < 0 else len(chunk) - end
                if self._packed:
                    self._refuse("an answer is packed, which was not asked for")
                if size > MOST_BYTES:
                    self._refuse(_too_large(excess))
                yield chunk

        def _refuse(self, said: str) -> NoReturn:
            excess.note(said)
            raise library.StreamError(said)

        async def aclose(self) -> None:
            await self._inner.aclose()

    class Transport(library.AsyncHTTPTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            response = await super().handle_async_request(request)
            packed = response.headers.pop("content-encoding", "").strip().lower() not in _PLAIN
            events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
            response.stream = Body(response.stream, packed=packed, events=events)
            return response

    headers = {**(settings.pop("headers", None) or {}), "Accept-Encoding": "identity"}
    return library.AsyncClient(transport=Transport(), headers=headers, **settings)
