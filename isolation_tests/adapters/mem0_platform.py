"""The hosted mem0 platform through its own clients: the real `MemoryClient` and `AsyncMemoryClient`.

The platform's by-id calls take only a memory's id: a key opens every memory of its project, whoever owns it.
They have no parameter for the user, so this adapter does what a careful application has to do: it fetches the
memory first, compares its `user_id` with the calling user, and answers a foreign memory like an absent one.
This is the only check that the adapter adds.
"""

from __future__ import annotations

import logging
import os
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
)
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar

from isolation_tests.adapter import BadOption, Indeterminate, Refused, Unavailable
from isolation_tests.adapters.resources import local_server, need, scratch
from isolation_tests.adapters.support import mem0_platform_calls as calls
from isolation_tests.adapters.support.mem0_parts import load_mem0
from isolation_tests.adapters.support.mem0_platform_calls import NO_MEMORY, Call, Steps
from isolation_tests.adapters.support.retries import jittered
from isolation_tests.core import metering, packaged

__all__ = ["AsyncMem0Platform", "Mem0Platform", "open_memory"]

STAND_IN = "stand-in"
_KEY = "MEM0_API_KEY"
_TRIES = 4
_CLIENTS = ("sync", "async")

P = ParamSpec("P")
T = TypeVar("T")


def open_memory(
    *, host: str = "", client: str = "sync", fault: str = "", dsn: str = "", visible_after: float = 0.05
) -> AbstractContextManager[Mem0Platform] | AbstractAsyncContextManager[AsyncMem0Platform]:
    """Open the project of the key in the environment variable MEM0_API_KEY.

    host: address of the API; empty for the client's default; "stand-in" starts this suite's stand-in, which
    needs no key. client: "sync" or "async". Only for the stand-in: `fault` is a fault to plant, `dsn` is your
    own Postgres, in which a schema is created and dropped, `visible_after` the seconds until a write shows.
    Raises BadOption for a wrong option or a missing key, and Unavailable if the API or the key does not work.
    """
    if client not in _CLIENTS:
        raise BadOption(f"client is {client!r}; write {' or '.join(_CLIENTS)}.")
    if host != STAND_IN and (fault or dsn):
        raise BadOption(f"{'fault' if fault else 'dsn'} works only with host={STAND_IN}; leave it out.")
    place = _Place(host, fault, dsn, visible_after)
    return _opened_async(place) if client == "async" else _opened(place)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the API is: a host, or the stand-in with its options."""

    host: str
    fault: str
    dsn: str
    visible_after: float

    @contextmanager
    def client(self, kind: str) -> Iterator[tuple[Any, Any]]:
        """Yield a client of that class and mem0's exceptions; start the stand-in if it is chosen."""
        with ExitStack() as opened:
            mem0 = load_mem0(opened.enter_context(scratch("mem0")))
            # It logs every refusal, and the suite provokes hundreds of them.
            logging.getLogger("mem0.client").setLevel(logging.CRITICAL)
            key, host = os.environ.get(_KEY, ""), self.host or None
            if self.host == STAND_IN:
                key = f"m0-{secrets.token_hex(16)}"
                host = opened.enter_context(local_server(_script(), self._arguments(key)))
            elif not key:
                raise BadOption(f"{_KEY} is not set; set it to the key of a mem0 project.")
            with _reaching(host or "https://api.mem0.ai"):
                client = getattr(mem0, kind)(api_key=key, host=host)
            yield client, mem0.exceptions

    def _arguments(self, key: str) -> list[str]:
        named = (("--fault", self.fault), ("--dsn", self.dsn))
        given = [part for option, value in named if value for part in (option, value)]
        return ["--key", f"{key}=stand-in", "--visible-after", str(self.visible_after), *given]


def _script() -> Any:
    return packaged.folder("staging") / "mem0_platform.py"


@contextmanager
def _reaching(host: str) -> Iterator[None]:
    """Say in one sentence why a client can't be created: it calls the API right away."""
    httpx = need("httpx", "mem0-platform")
    try:
        yield
    # The sync client uses httpx, the async one requests, whose errors are OSErrors.
    except (ValueError, OSError, httpx.HTTPError) as error:
        status = getattr(getattr(error.__context__, "response", None), "status_code", None)
        if status in {401, 403}:
            sentence = f"{host} rejected the key in {_KEY}; set it to a valid key of a mem0 project."
        elif status is not None:
            sentence = f"{host} answered a ping with {status}; try again later or correct the option host."
        else:
            sentence = f"There is no mem0 platform at {host}; check the network and the option host."
        raise Unavailable(sentence) from error


@contextmanager
def _opened(place: _Place) -> Iterator[Mem0Platform]:
    with place.client("MemoryClient") as (client, errors), closing(client.client):
        yield Mem0Platform(client, errors)


@asynccontextmanager
async def _opened_async(place: _Place) -> AsyncIterator[AsyncMem0Platform]:
    with place.client("AsyncMemoryClient") as (client, errors):
        async with client:
            yield AsyncMem0Platform(client, errors)


class _Client:
    """One of the platform's clients, with the meaning of its errors."""

    def __init__(self, client: Any, errors: Any) -> None:
        self.client, self.errors = client, errors

    def start(self, call: Call) -> Any:
        """Call the client and return its answer, or an awaitable of it from the async client."""
        metering.request()
        return getattr(self.client, call.method)(*call.positional, **call.keywords)

    def pause_or_error(self, error: Exception, call: Call, tried: int) -> float | Exception:
        """The seconds to wait before another try, or the exception to raise."""
        if isinstance(error, self.errors.RateLimitError):
            wanted = float(error.debug_info.get("retry_after", 1))
            if tried < _TRIES and wanted <= metering.MOST_PAUSE_SECONDS:
                return jittered(wanted)
            metering.hold(wanted)
        return self._meaning(error, call)

    def _meaning(self, error: Exception, call: Call) -> Exception:
        """A client's error as an exception of the adapter contract; the error itself if it is a fault."""
        errors = self.errors
        if isinstance(error, errors.MemoryNotFoundError) and call.method == "get":
            # The same text as for a foreign memory: a different one would reveal that the memory exists.
            return Refused(NO_MEMORY)
        refused = (errors.ValidationError, errors.AuthenticationError, errors.MemoryNotFoundError)
        if isinstance(error, (*refused, errors.MemoryQuotaExceededError)):
            return Refused(str(error))
        if isinstance(error, errors.MemoryError):
            return Indeterminate(str(error))
        *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
        validates = str(frame.f_globals.get("__name__")).startswith("mem0.client")
        return Refused(str(error)) if isinstance(error, ValueError) and validates else error


def _sync(steps: Callable[Concatenate[Any, P], Steps[T]]) -> Callable[Concatenate[Mem0Platform, P], T]:
    """The steps as a method that makes each call in turn."""

    @wraps(steps)
    def method(self: Mem0Platform, /, *args: P.args, **kwargs: P.kwargs) -> T:
        calls_to_make = steps(self, *args, **kwargs)
        answer: Any = None
        while True:
            try:
                call = calls_to_make.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # typeshed has Any
            answer = self._made(call)

    return method


def _async(
    steps: Callable[Concatenate[Any, P], Steps[T]],
) -> Callable[Concatenate[AsyncMem0Platform, P], Any]:
    """The steps as an async method that awaits each call in turn."""

    @wraps(steps)
    async def method(self: AsyncMem0Platform, /, *args: P.args, **kwargs: P.kwargs) -> T:
        calls_to_make = steps(self, *args, **kwargs)
        answer: Any = None
        while True:
            try:
                call = calls_to_make.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # typeshed has Any
            answer = await self._made(call)

    return method


class Mem0Platform(_Client):
    """`MemoryClient`: each method makes the client's own call; by-id methods check the owner first."""

    add = _sync(calls.add)
    search = _sync(calls.search)
    get_all = _sync(calls.get_all)
    delete_all = _sync(calls.delete_all)
    get = _sync(calls.get)
    update = _sync(calls.update)
    delete = _sync(calls.delete)
    history = _sync(calls.history)
    count = _sync(calls.count)
    page = _sync(calls.page)
    users = _sync(calls.users)

    def _made(self, call: Call) -> Any:
        for tried in count(1):
            try:
                return self.start(call)
            except Exception as error:  # noqa: BLE001 - raised again in the words of the contract
                next_step = self.pause_or_error(error, call, tried)
            # Raised here so that the client's error is not its context: that error holds the connections, and
            # with them other users' current requests.
            if isinstance(next_step, Exception):
                raise next_step
            metering.pause(next_step)
        return None


class AsyncMem0Platform(_Client):
    """`AsyncMemoryClient`, a separate client: the same calls, awaited."""

    add = _async(calls.add)
    search = _async(calls.search)
    get_all = _async(calls.get_all)
    delete_all = _async(calls.delete_all)
    get = _async(calls.get)
    update = _async(calls.update)
    delete = _async(calls.delete)
    history = _async(calls.history)
    count = _async(calls.count)
    page = _async(calls.page)
    users = _async(calls.users)

    async def _made(self, call: Call) -> Any:
        import anyio

        for tried in count(1):
            try:
                return await self.start(call)
            except Exception as error:  # noqa: BLE001 - raised again in the words of the contract
                next_step = self.pause_or_error(error, call, tried)
            # Raised here so that the client's error is not its context: that error holds the connections, and
            # with them other users' current requests.
            if isinstance(next_step, Exception):
                raise next_step
            metering.paused(next_step)
            await anyio.sleep(next_step)
        return None
