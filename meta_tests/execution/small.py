"""Small adapters that are right or wrong on purpose, and the plans that they are asked."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.runner import Runner
from isolation_tests.execution.session import Session, open_session
from isolation_tests.model import (
    FactSpec,
    History,
    Operation,
    Plan,
    Step,
    UserSpec,
)
from isolation_tests.testdata.canaries import Mint

STRANGER = "Grandmother's recipe is under the third tile."
SECRET = b"s" * 32
TEXT = "My card number is {canary}."
DELAY, BUDGET = 0.2, 2.0


@dataclass
class Store:
    """A right system: each user's rows apart. users() tells who has any."""

    rows: dict[Any, dict[str, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, user: Any, text: str) -> list[Memory]:
        id = f"mem_{next(self.numbers):06d}"
        self.rows.setdefault(user, {})[id] = text
        return [Memory(id, text)]

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        best = sorted(self.get_all(user), key=lambda row: row.text != query)
        return best[:limit]

    def get_all(self, user: Any) -> list[Memory]:
        return [Memory(id, text) for id, text in self.rows.get(user, {}).items()]

    def delete_all(self, user: Any) -> None:
        self.rows.pop(user, None)

    def get(self, user: Any, id: str) -> Memory | None:
        text = self.rows.get(user, {}).get(id)
        return None if text is None else Memory(id, text)

    def users(self) -> list[Any]:
        return [user for user, rows in self.rows.items() if rows]


def session_of(factory: Callable[..., Any], *, limit: float = 5.0) -> Session:
    return open_session(factory, {}, call_limit=limit, name="in-test")


def runner_of(
    session: Session, *, consistency: float = 0.0, disposable: bool = True, worker: int = 3
) -> Runner:
    lease = Lease("k3f9", worker, Mint(SECRET))
    return Runner(
        session,
        lease,
        consistency=consistency,
        disposable=disposable,
        error_texts=disposable,
        began=time.monotonic(),
        open_more=lambda: session,
    )


def plan(*steps: Step, users: Sequence[UserSpec] = (UserSpec(group=0), UserSpec(group=1))) -> Plan:
    facts = tuple(FactSpec(text=TEXT, owners=(user,)) for user in range(len(users)))
    return Plan(name="in-test", anomaly="S1", users=tuple(users), facts=facts, steps=steps)


def add(user: int) -> Step:
    return Step(op=Operation.ADD, user=user, fact=user)


def settle(user: int) -> Step:
    return Step(op=Operation.SETTLE, user=user, fact=user)


def listed(user: int) -> Step:
    return Step(op=Operation.GET_ALL, user=user)


TWO = plan(add(0), add(1), settle(0), settle(1), listed(0), listed(1))


def run(adapter: Any, asked: Plan = TWO, **options: Any) -> History:
    with closing(session_of(lambda: adapter)) as session:
        return runner_of(session, **options).run(asked)


class AsyncStore:
    """The right system behind coroutines; `waits` before each search."""

    def __init__(self, waits: float = 0.0) -> None:
        self.store, self.waits, self.loops = Store(), waits, set[int]()

    async def add(self, user: Any, text: str) -> list[Memory]:
        self.loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return self.store.add(user, text)

    async def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        await asyncio.sleep(self.waits)
        return self.store.search(user, query, limit=limit)

    async def get_all(self, user: Any) -> list[Memory]:
        self.loops.add(id(asyncio.get_running_loop()))
        return self.store.get_all(user)

    async def delete_all(self, user: Any) -> None:
        self.store.delete_all(user)
