"""An opened target: one adapter on one lane of its own, every call with a time limit.

A lane is one thread that opens the adapter, makes all its calls and closes it, because many clients
(SQLite's for one) belong to the thread that made them. An async adapter's lane is an event loop. Calls that
shall overlap get lanes of their own: more threads, or more tasks on that event loop.
"""

from __future__ import annotations

import inspect
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

import anyio

from isolation_tests.adapter import BadOption, Unavailable
from isolation_tests.core import metering
from isolation_tests.core.errors import Problem, TargetProblem, UsageProblem, withheld
from isolation_tests.execution.axes import (
    SCOPE,
    SCOPED_METHODS,
    BadAxes,
    declared_axes,
    usual_scope,
)
from isolation_tests.execution.batch import Batch, Got, Sent
from isolation_tests.execution.contract import NEEDED, claimed, is_async, missing_methods
from isolation_tests.execution.meter import Call, Meter
from isolation_tests.model import Axis

OPEN_LIMIT_SECONDS = 120.0
CLOSE_LIMIT_SECONDS = 30.0


class TimeLimit(Exception):  # noqa: N818 - the field's word
    """A call did not answer within the target's time limit and was given up."""


class NotClosed(TargetProblem):
    """Closing an adapter failed. Its own text is left out, because it may be a stranger's."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"closing the target failed with {withheld(error)}.")


class GivenUp(Exception):  # noqa: N818 - the field's word
    """A call was cancelled in the middle because its plan says so."""

    planned = True


class _Lane:
    """One daemon thread that runs jobs in order; async jobs share one event loop.

    A daemon, so that a call that never returns can't keep the process alive.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.put((future, job))
        return future

    def stop(self) -> None:
        self._jobs.put(None)

    def _serve(self) -> None:
        while (item := self._jobs.get()) is not None:
            future, job = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the answer
                future.set_exception(error)


class _LoopLane:
    """A lane that has become one event loop, on the thread it already had."""

    def __init__(self, lane: _Lane) -> None:
        self._lane = lane
        self._ready: Future[tuple[Any, anyio.Event]] = Future()
        self._lane.submit(lambda: anyio.run(self._main))
        self._portal, self._stop = self._ready.result(OPEN_LIMIT_SECONDS)

    async def _main(self) -> None:
        async with anyio.from_thread.BlockingPortal() as portal:
            stop = anyio.Event()
            self._ready.set_result((portal, stop))
            await stop.wait()

    def submit(self, job: Callable[[], Any]) -> Future[Any]:
        async def run() -> Any:
            answer = job()
            return await answer if inspect.isawaitable(answer) else answer

        future: Future[Any] = self._portal.start_task_soon(run)
        return future

    def stop(self) -> None:
        self._portal.start_task_soon(self._stop.set)
        self._lane.stop()


class Session:
    """An open adapter. `call` makes one call on its lane; a call past its limit loses the session.

    factory: called with the target's options; may return an adapter, an awaitable of one, or a
    (sync or async) context manager. meter: counts what the session sends; None counts nothing. `unasked`:
    operations of the system that the adapter never calls. `axes`: those that the adapter declares, outer to
    inner; none if the user is the only one. `usual`: the scope of calls that name none; None without axes.
    """

    def __init__(
        self,
        factory: Callable[..., Any],
        options: dict[str, Any],
        *,
        call_limit: float,
        name: str,
        meter: Meter | None = None,
    ) -> None:
        self._factory, self._options, self._limit, self._name = factory, options, call_limit, name
        self.meter = meter
        self._lane: _Lane | _LoopLane = _Lane(name)
        self._more: list[_Lane] = []
        self._growing = threading.Lock()
        self._context: AbstractContextManager[Any] | AbstractAsyncContextManager[Any] | None = None
        self.lost: str | None = None
        self.axes: tuple[Axis, ...] = ()
        try:
            self.adapter = self._open()
        except BaseException:
            self._lane.stop()
            raise
        self.claimed = claimed(self.adapter, self.axes)
        self.usual = usual_scope(self.axes) if self.axes else None
        unasked = getattr(self.adapter, "unasked", ())
        # An adapter may answer to any name, with a method for instance.
        self.unasked = tuple(map(str, unasked)) if isinstance(unasked, list | tuple) else ()

    def _open(self) -> Any:
        opened = self._opening(lambda: self._factory(**self._options))
        if inspect.isawaitable(opened):
            awaited = opened
            opened = self._in_loop(lambda: awaited)
        if isinstance(opened, AbstractContextManager):
            self._context = opened
            opened = self._opening(opened.__enter__)
        elif isinstance(opened, AbstractAsyncContextManager):
            self._context = opened
            opened = self._in_loop(opened.__aenter__)
        if is_async(opened):
            self._in_loop(lambda: None)
        self.lacking = frozenset(missing_methods(opened))
        try:
            self._check(opened)
        except TargetProblem:
            if self._context is not None:
                self._leave()
            raise
        return opened

    def _check(self, opened: Any) -> None:
        """Raise `TargetProblem` if the adapter lacks a method, or if what it says of its axes can't be."""
        lacking = [name for name in NEEDED if name in self.lacking]
        about = f"{self._name}: the adapter (a {type(opened).__name__})"
        if lacking:
            raise TargetProblem(
                f"{about} has no method {', '.join(lacking)}; see isolation_tests.adapter.MemoryAdapter."
            )
        try:
            self.axes = declared_axes(opened)
        except BadAxes as error:
            raise TargetProblem(f"{about} can't be tested: {error}.") from None

    def _in_loop(self, job: Callable[[], Any]) -> Any:
        if isinstance(self._lane, _Lane):
            self._lane = _LoopLane(self._lane)
        return self._opening(job)

    def _opening(self, job: Callable[[], Any]) -> Any:
        call = None if self.meter is None else self.meter.opening()
        return self._wait(self._lane.submit(_counted(job, call)), OPEN_LIMIT_SECONDS, call)

    def _wait(self, future: Future[Any], limit: float, call: Call | None = None) -> Any:
        """The future's result in time; what the call waits because the target asked it to is not counted."""
        began = time.monotonic()
        while True:
            waited = 0.0 if call is None else call.waited
            try:
                return future.result(max(0.0, began + limit + waited - time.monotonic()))
            except FutureTimeout:
                if future.done():
                    return future.result()
                if call is None or call.waited <= waited:
                    break
        self.lost = f"a call did not answer within {limit:g} seconds"
        future.cancel()
        raise TimeLimit(self.lost)

    def call(
        self,
        method: str,
        *args: Any,
        lane: int = 0,
        give_up: float | None = None,
        counted: Call | None = None,
        **keywords: Any,
    ) -> Any:
        """Call one method of the adapter and return its raw answer; raise `TimeLimit` past the limit.

        lane: calls of different lanes may overlap. counted: counts what the call sends. give_up: seconds
        after which an async call is cancelled and `GivenUp` is raised; a sync call can't be cancelled and is
        waited for. Without the keyword `scope`, a call acts in the usual one.
        """
        if self.lost:
            raise TimeLimit(self.lost)
        bound = getattr(self.adapter, method)
        if self.usual is not None and method in SCOPED_METHODS:
            # A scope is the call's own, because a system may write into what it is passed.
            keywords = {**keywords, SCOPE: dict(keywords.get(SCOPE, self.usual))}
        chosen = self._lane_of(lane)
        future = chosen.submit(_counted(lambda: bound(*args, **keywords), counted))
        if give_up is None or isinstance(chosen, _Lane):
            return self._wait(future, self._limit, counted)
        try:
            return future.result(give_up)
        except FutureTimeout:
            if future.done():
                raise
            future.cancel()
            raise GivenUp(f"cancelled after {give_up:g} seconds") from None

    def call_many(self, calls: Sequence[Sent], *, counted: Call | None = None) -> list[Got]:
        """Make many calls one after the other in one hand-off; what a call raises is part of what it got.

        Raises `TimeLimit` if a call does not answer within the limit, which is noticed within twice of it.
        """
        if self.lost:
            raise TimeLimit(self.lost)
        batch = Batch(self.adapter, calls)
        job = batch.now if isinstance(self._lane, _Lane) else batch.later
        future = self._lane.submit(_counted(job, counted))
        while True:
            before = len(batch.got), 0.0 if counted is None else counted.waited
            try:
                made: list[Got] = future.result(self._limit)
            except FutureTimeout:
                now = len(batch.got), 0.0 if counted is None else counted.waited
                if before != now and not future.done():
                    continue
            else:
                return made
            if future.done():
                return future.result()  # type: ignore[no-any-return]  # a future of Any
            self.lost = f"a call did not answer within {self._limit:g} seconds"
            future.cancel()
            raise TimeLimit(self.lost)

    def _lane_of(self, number: int) -> _Lane | _LoopLane:
        if number == 0 or isinstance(self._lane, _LoopLane):
            return self._lane
        with self._growing:
            while len(self._more) < number:
                self._more.append(_Lane(f"{self._name}-{len(self._more) + 1}"))
            return self._more[number - 1]

    def close(self) -> None:
        """Close the adapter on its lane; a lost session is left to die with the process.

        Raises `NotClosed` if the adapter raises an exception.
        """
        if self.lost:
            return
        try:
            self._leave()
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is told without its text
            raise NotClosed(error) from None
        finally:
            for lane in (*self._more, self._lane):
                lane.stop()

    def _leave(self) -> None:
        """Leave the factory's context, or else call the adapter's own `close`, if it has one."""
        context = self._context
        if isinstance(context, AbstractContextManager):
            self._wait(self._lane.submit(lambda: context.__exit__(None, None, None)), CLOSE_LIMIT_SECONDS)
        elif context is not None:
            self._wait(self._lane.submit(lambda: context.__aexit__(None, None, None)), CLOSE_LIMIT_SECONDS)
        elif callable(close := getattr(self.adapter, "close", None)):
            self._wait(self._lane.submit(close), CLOSE_LIMIT_SECONDS)


def _counted(job: Callable[[], Any], call: Call | None) -> Callable[[], Any]:
    """The job, which counts what it sends as requests of this call."""

    def counted() -> Any:
        metering.begin(call)
        return job()

    return counted


def open_session(
    factory: Callable[..., Any],
    options: dict[str, Any],
    *,
    call_limit: float,
    name: str,
    meter: Meter | None = None,
) -> Session:
    """Open a target, or raise `TargetProblem` with one sentence on why it can't be."""
    try:
        return Session(factory, options, call_limit=call_limit, name=name, meter=meter)
    except Problem:
        raise
    except BadOption as error:
        raise UsageProblem(f"{name}: {error}") from error
    except Unavailable as error:
        raise TargetProblem(f"{name}: {error}") from error
    except TimeLimit as error:
        raise TargetProblem(f"{name}: opening the adapter took too long: {error}.") from error
    except ImportError as error:
        raise TargetProblem(f"{name}: a package is missing: {error}") from error
    except TypeError as error:
        raise TargetProblem(
            f"{name}: the factory could not be called with options {sorted(options) or 'none'}: {error}"
        ) from error
    except Exception as error:
        kind = type(error).__name__
        raise TargetProblem(f"{name}: the adapter could not be opened: {kind}: {error}") from error
