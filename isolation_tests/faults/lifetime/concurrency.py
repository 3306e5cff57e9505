"""C1 to C4: overlapping calls mix up their users, replies or connections. Calls in turn work correctly."""

from __future__ import annotations

import asyncio
import functools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from isolation_tests.adapter import CORE_METHODS
from isolation_tests.faults.support.base import Fault, Handler, Wrapper, call

_WINDOW_SECONDS = 0.0005
_HELD_SECONDS = 0.01
_READS = ("search", "get_all")


class Overlapping(Wrapper):
    """Counts the running calls; handlers get the user that the call ends up with."""

    def __init__(self, inner: Any) -> None:
        self._under_way = 0
        self._counting = threading.Lock()
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._through, name) if name in CORE_METHODS else super()._handler(name)

    async def _through(self, name: str, user: Any, *args: Any, **keywords: Any) -> Any:
        with self._busy():
            mistaken = await self._taken_for(name, user)
            return await call(getattr(self._inner, name), mistaken, *args, **keywords)

    async def _taken_for(self, _name: str, user: Any) -> Any:
        return user

    async def _let_others_in(self) -> None:
        # Around a sync adapter nothing is awaited, so the thread itself waits.
        await asyncio.sleep(_WINDOW_SECONDS) if self._waits else _doze()

    @contextmanager
    def _busy(self) -> Iterator[None]:
        with self._counting:
            self._under_way += 1
        try:
            yield
        finally:
            with self._counting:
                self._under_way -= 1


def _doze() -> None:
    time.sleep(_WINDOW_SECONDS)


class SharedHandle(Overlapping):
    """Keeps the user of a call on the shared object for a moment, where another call can overwrite it.

    chance: the probability that a call leaves time for that. methods: the calls that do so.
    """

    def __init__(self, inner: Any, chance: float = 1.0, methods: tuple[str, ...] = _READS) -> None:
        self._chance, self._methods = chance, methods
        self._user: Any = None
        super().__init__(inner)

    async def _taken_for(self, name: str, user: Any) -> Any:
        if name not in self._methods:
            return user
        self._user = user
        if random.random() >= self._chance:  # noqa: S311 - a race has no seed
            return user
        await self._let_others_in()
        return self._user


class ThreadLocal(Overlapping):
    """Under load, a call has the user of the thread's previous call."""

    def __init__(self, inner: Any) -> None:
        self._local = threading.local()
        super().__init__(inner)

    async def _taken_for(self, name: str, user: Any) -> Any:
        earlier, until = getattr(self._local, "held", (user, 0.0))
        await self._let_others_in()
        loaded, now = self._under_way > 1, time.monotonic()
        self._local.held = user, now + _HELD_SECONDS if loaded else now
        return earlier if loaded and now < until and name in _READS else user


class CrossedReply(Wrapper):
    """Replies come over one connection in order; a cancelled call leaves its reply for the next caller.

    A connection that was idle for a moment is opened again.
    """

    def __init__(self, inner: Any) -> None:
        self._replies: list[asyncio.Future[Any]] = []
        self._connection: asyncio.Lock | None = None
        self._idle_from = 0.0
        super().__init__(inner)

    def _handler(self, name: str) -> Handler | None:
        return functools.partial(self._over, name) if name in _READS else super()._handler(name)

    async def _over(self, name: str, user: Any, *args: Any, **keywords: Any) -> Any:
        if self._connection is None:
            self._connection = asyncio.Lock()
        if not self._connection.locked() and time.monotonic() > self._idle_from:
            self._replies.clear()
        self._idle_from = time.monotonic() + _HELD_SECONDS
        async with self._connection:
            self._replies.append(
                asyncio.ensure_future(call(getattr(self._inner, name), user, *args, **keywords))
            )
            await asyncio.sleep(_WINDOW_SECONDS)
            reply = self._replies[0]
            await asyncio.wait([reply])
            del self._replies[0]
            return reply.result()


@dataclass
class _Connection:
    user: Any = None
    dirty: bool = False


class PoolState(Overlapping):
    """Under load, a connection whose call failed goes back to the pool with its user still set."""

    def __init__(self, inner: Any) -> None:
        self._free = [_Connection()]
        super().__init__(inner)

    async def _on_get(self, user: Any, id: str) -> Any:
        with self._busy():
            connection = self._take()
            connection.user, connection.dirty = user, self._under_way > 1
            try:
                answer = await call(self._inner.get, user, id)
                connection.dirty = connection.dirty and answer is None
                return answer
            finally:
                self._free.append(connection)

    async def _taken_for(self, name: str, user: Any) -> Any:
        connection = self._take()
        await self._let_others_in()
        stale = connection.user if connection.dirty and name in _READS else user
        connection.dirty = False
        self._free.append(connection)
        return stale

    def _take(self) -> _Connection:
        try:
            return self._free.pop()
        except IndexError:
            return _Connection()


FAULTS = (
    Fault(
        "C1-shared-handle",
        "C1",
        "The user of a call is kept on the shared object, where the next call overwrites it.",
        SharedHandle,
        like="graphiti#1331",
    ),
    Fault(
        "C1-shared-handle-writes",
        "C1",
        "Like C1-shared-handle, but when storing: the memory is stored for another user.",
        functools.partial(SharedHandle, methods=("add",)),
        like="graphiti#1676",
    ),
    Fault(
        "C1-shared-handle-rarely",
        "C1",
        "Like C1-shared-handle, but in only one of 200 calls.",
        functools.partial(SharedHandle, chance=0.005),
        like="Memori#136",
    ),
    Fault(
        "C2-thread-local",
        "C2",
        "Under load, a call has the user that its thread served before.",
        ThreadLocal,
        like="amfs#191",
    ),
    Fault(
        "C3-crossed-reply",
        "C3",
        "A cancelled call leaves its reply on the connection, and the next caller gets it.",
        CrossedReply,
        like="ChatGPT, 20 March 2023",
        needs=("async",),
    ),
    Fault(
        "C4-pool-state",
        "C4",
        "After a failed call, a pooled connection keeps its user for the next caller.",
        PoolState,
        like="node-postgres#2897",
        needs=("get",),
    ),
)
