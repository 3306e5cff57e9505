"""One bridge process: starts it, sends calls by number, matches answers, and says how it ended."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

from isolation_tests.adapter import BadOption, Indeterminate, Refused, Unavailable
from isolation_tests.adapters.process.protocol import (
    BadLineError,
    BridgeError,
    Hello,
    answered,
    call_line,
    cancel_line,
    carried,
    hello_line,
    identified,
    line_of,
    read_hello,
)

__all__ = ["MOST_LINE_BYTES", "STOP_SECONDS", "Bridge", "started"]

MOST_LINE_BYTES = 64 * 2**20
STOP_SECONDS = 10.0
_LAST_WORDS_SECONDS = 1.0
_CHUNK_BYTES = 2**18
_KEPT_LOG_BYTES = 2**16
_MOST_ECHOED = 10_000


@asynccontextmanager
async def started(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    options: Mapping[str, Any],
    start_seconds: float,
    call_seconds: float,
) -> AsyncIterator[Bridge]:
    """Start a bridge, yield it when it has said hello, and end it in order.

    command: the program and its arguments. folder: where it runs. environment: variables to add. options: for
    the bridge itself. start_seconds: limit for its hello. call_seconds: limit for each call. Raises
    `BadOption` if there is no such program, and `Unavailable` if it says no hello or a wrong one.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            _program(command[0], folder),
            *command[1:],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_CHUNK_BYTES,
            cwd=folder,
            env={**os.environ, **environment},
            # A session of its own: Ctrl-C must not end it before the run has cleaned up through it.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise BadOption(f"options.command: {command[0]!r} can't be started ({error}); correct it.") from error
    bridge = Bridge(process, call_seconds)
    try:
        await bridge.greet(options, start_seconds)
        yield bridge
    finally:
        await bridge.end()
    bridge.complain()


def _program(name: str, folder: Path) -> str:
    # Programs of this Python environment come first, even if it is not activated.
    places = str(folder), str(Path(sys.executable).parent), None
    local = str(folder / name) if os.sep in name else name
    found = next((place for each in places if (place := which(local, path=each))), None)
    if found is None:
        raise BadOption(f"options.command: there is no program {name!r}; install it, or correct the command.")
    return found


class Bridge:
    """A running bridge. Calls may overlap; each waits for the answer that has its number.

    What breaks the protocol as a whole (noise, an answer to no call, the process's end) fails all open calls
    and all later ones with the same sentence, because no answer can be trusted after it. The sentence quotes
    nothing that the bridge printed for one user: another user's call would get it.
    """

    def __init__(self, process: Process, call_seconds: float) -> None:
        self._process, self._call_seconds = process, call_seconds
        self._numbers = itertools.count(1)
        self._last = 0
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._given_up: set[int] = set()
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._problem: str | None = None
        self._told = self._ending = False
        self._log = bytearray()
        self._echoed: set[str] = set()
        self._tasks = [asyncio.create_task(each) for each in (self._listen(), self._keep_log())]
        self.hello = Hello("", "", frozenset())
        # For a bridge that hangs, and whose opening is never closed because a call of it hung.
        atexit.register(self._kill)

    async def greet(self, options: Mapping[str, Any], seconds: float) -> None:
        """Exchange hellos; raises `Unavailable` with one sentence if the bridge does not."""
        try:
            self._send(hello_line(options))
            async with asyncio.timeout(seconds):
                self.hello = await self._hello
        except TimeoutError:
            problem = f"the bridge said no hello within {seconds:g} seconds; {self._last_words()}"
        except BridgeError as error:
            problem = f"{error}; {self._last_words()}"
        else:
            return
        self._told = True
        self._kill()
        raise Unavailable(f"{problem.rstrip('.')}.")

    async def call(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """The answer to one call, in the form that the adapter's contract wants.

        Raises as `protocol.answered` does, and `Indeterminate` if there is no answer in time. A value that
        the bridge's language can't carry unchanged is refused and not sent.
        """
        for name, value in arguments.items():
            if not carried(value):
                await self._try_echo(name, value)
        return answered(operation, await self.ask(operation, arguments))

    async def _try_echo(self, name: str, value: object) -> None:
        """Send a value there and back once; raises `Refused` if it comes back changed."""
        # The encoded form compares types too: 1.0 and 1 are different there.
        sent = call_line(0, "echo", {name: value})
        key = sent.decode()
        if key in self._echoed:
            return
        came = answered("echo", await self.ask("echo", {"value": value}))
        if call_line(0, "echo", {name: came}) != sent:
            raise Refused(f"the bridge's language can't carry this {name} unchanged, so it was not sent")
        if len(self._echoed) >= _MOST_ECHOED:
            self._echoed.clear()
        self._echoed.add(key)

    async def ask(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The line that answers one call, as the bridge said it; `Indeterminate` if none comes in time."""
        if self._problem is not None:
            self._told = True
            raise BridgeError(self._problem)
        number = next(self._numbers)
        line = call_line(number, operation, arguments)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        self._last = number
        try:
            self._send(line)
            async with asyncio.timeout(self._call_seconds):
                await self._drained()
                return await answer
        except TimeoutError:
            self._give_up(number)
        except asyncio.CancelledError:
            self._give_up(number)
            raise
        finally:
            self._open.pop(number, None)
        raise Indeterminate(f"the bridge did not answer {operation} within {self._call_seconds:g} seconds")

    def _give_up(self, number: int) -> None:
        answer = self._open.get(number)
        if self._problem is None and answer is not None and (answer.cancelled() or not answer.done()):
            self._given_up.add(number)
            self._send(cancel_line(number))

    def _send(self, line: bytes) -> None:
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(line)

    async def _drained(self) -> None:
        # A closed pipe is no message of its own: the reader says how the process ended.
        with suppress(ConnectionError):
            if self._process.stdin is not None:
                await self._process.stdin.drain()

    async def _listen(self) -> None:
        """Read lines until the process ends, or breaks the protocol."""
        try:
            async for line in self._lines():
                self._hear(line)
        except BridgeError as error:
            self._fail(str(error))
            self._kill()
            return
        status = await self._process.wait()
        # Its last words may still be on their way.
        await asyncio.wait(self._tasks[1:], timeout=_LAST_WORDS_SECONDS)
        if self._ending and status == 0:
            return
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self._fail(
            f"the bridge {ended}, with {len(self._open)} calls open" if self.hello.name else f"it {ended}"
        )

    async def _lines(self) -> AsyncIterator[bytes]:
        parts: list[bytes] = []
        length = 0
        while chunk := await self._process.stdout.read(_CHUNK_BYTES):  # type: ignore[union-attr]
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                yield b"".join((*parts, line))
                parts, length = [], 0
            if rest:
                parts.append(rest)
                length += len(rest)
            if length > MOST_LINE_BYTES:
                raise BadLineError(
                    f"the bridge printed a line of more than {MOST_LINE_BYTES // 2**20} MiB; answer long "
                    "lists in pages"
                )
        if parts:
            raise BadLineError("the bridge ended in the middle of a line")

    def _hear(self, line: bytes) -> None:
        if not self._hello.done():
            self._hello.set_result(read_hello(line_of(line, quote=True)))
            return
        said = line_of(line)
        number = identified(said)
        waiting = self._open.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(said)
        elif number in self._given_up or (waiting is not None and waiting.cancelled()):
            # Too late: its caller has given up, and was told that the outcome is unknown.
            self._given_up.discard(number)
            self._open.pop(number, None)
        elif 0 < number <= self._last:
            raise BadLineError(f"the bridge answered call {number} twice")
        else:
            raise BadLineError(f"the bridge answered call {number}, which was not made")

    def _fail(self, problem: str) -> None:
        if self._problem is None:
            self._problem = problem + self._kept_log()
        waiting: list[asyncio.Future[Any]] = [self._hello, *self._open.values()]
        for future in waiting:
            if not future.done():
                self._told = True
                future.set_exception(BridgeError(self._problem))
        self._hello.cancelled() or self._hello.exception()

    def _kept_log(self) -> str:
        """Where the bridge's error output can be read, if there is any and it was not quoted."""
        if not (self._log and self.hello.name):
            return ""
        handle, path = tempfile.mkstemp(prefix="isolation-tests-bridge-", suffix=".log")
        with os.fdopen(handle, "wb") as file:
            file.write(self._log)
        return f"; its error output is in {path}"

    async def _keep_log(self) -> None:
        while chunk := await self._process.stderr.read(_CHUNK_BYTES):  # type: ignore[union-attr]
            self._log += chunk
            del self._log[:-_KEPT_LOG_BYTES]

    def _last_words(self) -> str:
        lines = self._log.decode("utf-8", "replace").strip().splitlines()
        return f"its last error output was: {ascii(lines[-1])[1:-1]}" if lines else "it printed no error"

    async def end(self) -> None:
        """Close the bridge's input, wait for its orderly end, and kill it if it goes on."""
        self._ending = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*self._tasks)
        except TimeoutError:
            self._fail(f"the bridge did not end within {STOP_SECONDS:g} seconds after its input was closed")
        finally:
            self._kill()
            for task in self._tasks:
                task.cancel()
            await self._process.wait()
            atexit.unregister(self._kill)

    def complain(self) -> None:
        """Raise `BridgeError` for a problem that no call was told."""
        if self._problem is not None and not self._told:
            raise BridgeError(self._problem)

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                # With what it has started itself: a wrapper such as npx passes no signal on.
                os.killpg(self._process.pid, signal.SIGKILL)
            elif self._process.returncode is None:
                self._process.kill()
