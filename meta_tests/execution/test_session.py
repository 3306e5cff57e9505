"""Sessions: any kind of adapter and factory is opened, called in time, and closed."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.core.errors import TargetProblem
from isolation_tests.execution.session import NotClosed, TimeLimit
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.model import Operation, Step
from meta_tests.execution.small import (
    BUDGET,
    STRANGER,
    TWO,
    AsyncStore,
    Store,
    add,
    plan,
    run,
    runner_of,
    session_of,
)


class Hanging(Store):
    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        time.sleep(0.6)
        return []


@pytest.mark.parametrize("factory", [Hanging, lambda: AsyncStore(30.0)], ids=["sync", "async"])
def test_a_call_that_hangs_is_given_up(factory: Callable[[], Any]) -> None:
    session = session_of(factory, limit=0.15)
    runner = runner_of(session)
    began = time.monotonic()
    history = runner.run(TWO)
    assert time.monotonic() - began < BUDGET
    assert history.events[-1].error_kind == "TimeLimit"
    assert judge(history).errors
    assert not judge(history).findings
    assert len(runner.leftovers) == 2
    with pytest.raises(TimeLimit):
        session.call("get_all", "anybody")
    session.close()


def test_a_call_that_returns_too_late_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    session = session_of(Hanging, limit=0.1)
    with pytest.raises(TimeLimit):
        session.call("search", "a", "b", limit=1)
    time.sleep(0.8)
    assert died == []


def test_an_adapters_own_time_out_is_not_the_suites() -> None:
    class Impatient(Store):
        def get_all(self, user: Any) -> list[Memory]:
            raise TimeoutError("the adapter's own")

    with closing(session_of(Impatient)) as session:
        with pytest.raises(TimeoutError, match="own"):
            session.call("get_all", "a")
        assert session.lost is None


class Sqlite:
    """A connection that only the thread which opened it may use."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE TABLE memory (id INTEGER PRIMARY KEY, user TEXT, text TEXT)")

    def add(self, user: Any, text: str) -> list[Memory]:
        made = self._db.execute("INSERT INTO memory (user, text) VALUES (?, ?)", (user, text))
        return [Memory(f"{made.lastrowid}", text)]

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return [row for row in self.get_all(user) if row.text == query][:limit]

    def get_all(self, user: Any) -> list[Memory]:
        rows = self._db.execute("SELECT id, text FROM memory WHERE user = ?", (user,))
        return [Memory(f"{id}", text) for id, text in rows]

    def delete_all(self, user: Any) -> None:
        self._db.execute("DELETE FROM memory WHERE user = ?", (user,))

    def close(self) -> None:
        self._db.close()


class Nested(Store):
    """A sync method that runs a loop of its own."""

    def get_all(self, user: Any) -> list[Memory]:
        async def fetch() -> list[Memory]:
            return super(Nested, self).get_all(user)

        return asyncio.run(fetch())


@contextmanager
def managed() -> Iterator[Store]:
    yield Sqlite()  # type: ignore[misc]


@asynccontextmanager
async def managed_async() -> AsyncIterator[AsyncStore]:
    await asyncio.sleep(0)
    yield AsyncStore()


async def made_by_coroutine() -> AsyncStore:
    await asyncio.sleep(0)
    return AsyncStore()


async def sync_made_by_coroutine() -> Store:
    return Store()


FACTORIES: dict[str, Callable[[], Any]] = {
    "plain": Store,
    "sqlite": Sqlite,
    "async": AsyncStore,
    "asyncio-run-inside": Nested,
    "context-manager": managed,
    "async-context-manager": managed_async,
    "coroutine": made_by_coroutine,
    "coroutine-of-sync": sync_made_by_coroutine,
}


@pytest.mark.parametrize("kind", FACTORIES)
def test_any_kind_of_adapter_runs_and_holds(kind: str) -> None:
    with closing(session_of(FACTORIES[kind])) as session:
        history = runner_of(session).run(TWO)
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert controls(history) == 4


def test_an_async_adapter_has_one_loop() -> None:
    adapter = AsyncStore()
    run(adapter)
    assert len(adapter.loops) == 1


def test_a_context_is_left_on_its_own_thread() -> None:
    threads: list[int] = []

    @contextmanager
    def opened() -> Iterator[Store]:
        threads.append(threading.get_ident())
        yield Store()
        threads.append(threading.get_ident())

    with closing(session_of(opened)) as session:
        runner_of(session).run(TWO)
    assert len(threads) == 2
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


class Unclosable(Store):
    def close(self) -> None:
        raise ConnectionError(STRANGER)


@pytest.mark.long
def test_a_target_that_fails_to_close_between_plans_is_told_without_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever closes it: its text may be a stranger's, and stands in no report and no traceback."""
    reopening = plan(add(0), Step(op=Operation.REOPEN, user=0))
    with pytest.raises(NotClosed) as told:
        run(Unclosable(), reopening)
    text = "".join(traceback.format_exception(told.value))
    assert "recipe" not in text
    assert (
        f"closing the target failed with ConnectionError [text withheld, {len(STRANGER)} characters" in text
    )


def test_close_is_called_once() -> None:
    closed: list[int] = []

    class Closing(Store):
        def close(self) -> None:
            closed.append(1)

    session_of(Closing).close()
    assert closed == [1]


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        (object, "has no method add, search"),
        (lambda needed: needed, "could not be called with options none"),
        (lambda: 1 / 0, "could not be opened: ZeroDivisionError"),
        (lambda: __import__("no_such_package_at_all"), "a package is missing"),
    ],
)
def test_what_can_not_be_opened_is_told_in_one_sentence(factory: Callable[..., Any], says: str) -> None:
    with pytest.raises(TargetProblem, match=says):
        session_of(factory)
