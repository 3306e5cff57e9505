"""A dry run: what a run would send, found out by performing all of it on a right system in memory.

The target is opened, to learn what it offers, and then left alone. The stand-in offers the same and keeps its
users apart, so the run that it sees is the one that the target would see if it did, too.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS
from isolation_tests.adapters.axes.reference import ReferenceAxesStore
from isolation_tests.adapters.described.mapping import offering
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.core.plural import counted
from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.profiles import Profile
from isolation_tests.engine.run import blaming
from isolation_tests.engine.search.order import asked
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.contract import KEYWORDS
from isolation_tests.execution.polling import most_polls
from isolation_tests.execution.session import Session
from isolation_tests.model import WRITING, Budget, CheckResult, Operation
from isolation_tests.targets.resolve import Target
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.display import show

__all__ = ["Forecast", "forecast_lines", "rehearse"]

_WRITES = frozenset(operation.value for operation in WRITING)
_USERLESS = frozenset({"users"})


@dataclass(frozen=True)
class Forecast:
    """What a run would send. hostile: names that can't identify the run, each with the operations it goes to.

    calls: by operation, those that clean up included. polls: further reads, if every write takes as long to
    show as the target's file allows. users: for whom something is written. bytes: written. at_once: the most
    memories that stand at once.
    """

    calls: Mapping[str, int]
    polls: int
    users: int
    bytes: int
    hostile: Mapping[str, tuple[str, ...]]
    checks: int
    at_once: int = 0

    @property
    def total(self) -> int:
        """All calls."""
        return sum(self.calls.values())

    def dangerous(self) -> list[str]:
        """The hostile names that would write or delete."""
        return [name for name, operations in self.hostile.items() if _WRITES & {*operations}]


@dataclass
class _Log:
    """Every call that the stand-in was asked for."""

    lease: Lease
    calls: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    users: set[str] = field(default_factory=set)
    hostile: dict[str, set[str]] = field(default_factory=dict)
    standing: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, method: str, user: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        with self.lock:
            self.calls[method] += 1
            if not self.lease.made(user):
                self.hostile.setdefault(show(user), set()).add(method)
            elif method in _WRITES:
                self.users.add(repr(user))
            self._stands(method, repr(user))
            if method in ("add", "update"):
                stored = json.dumps(dict(keywords), default=str) if keywords else ""
                self.bytes += len(str(arguments[-1]).encode(errors="replace")) + len(stored.encode())

    def _stands(self, method: str, user: str) -> None:
        """Count the memories that stand now."""
        if method == Operation.DELETE_ALL:
            self.standing.pop(user, None)
        else:
            self.standing[user] += {Operation.ADD: 1, Operation.DELETE: -1}.get(Operation(method), 0)
        self.at_once = max(self.at_once, self.standing.total())


class _StandIn:
    """The reference store with the methods and keywords that a target offers, and a log of its calls."""

    def __init__(self, offered: Iterable[str], store: ReferenceStore | ReferenceAxesStore, log: _Log) -> None:
        offered = {*offered}
        self.axes = store.axes if isinstance(store, ReferenceAxesStore) else None
        for name in (*CORE_METHODS, *(set(OPTIONAL_METHODS) & offered)):
            lacking = {
                keyword
                for capability, places in KEYWORDS.items()
                for method, keyword in places
                if method == name and capability not in offered
            }
            method = offering(_logged(name, getattr(store, name), log), dict.fromkeys(lacking, False))
            setattr(self, name, _later(method) if "async" in offered else method)


def _logged(name: str, method: Callable[..., Any], log: _Log) -> Callable[..., Any]:
    if name in _USERLESS:
        return method

    @wraps(method)
    def logged(user: Any, *arguments: Any, **keywords: Any) -> Any:
        log.take(name, user, arguments, {key: one for key, one in keywords.items() if key != "limit"})
        return method(user, *arguments, **keywords)

    return logged


def _later(method: Callable[..., Any]) -> Callable[..., Any]:
    async def later(*arguments: Any, **keywords: Any) -> Any:
        await asyncio.sleep(0)
        return method(*arguments, **keywords)

    later.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]  # inspect reads it
    return later


class _Rehearsed(Target):
    """The target's stand-in: its twin is the stand-in too."""

    def open_twin(self) -> Session:
        return self.open()


def rehearse(target: Target, profile: Profile, key: RunKey) -> Forecast:
    """What a run would send to the target, if the target keeps its users apart.

    Raises a `Problem` if the target can't be opened. Opening makes the adapter's own first calls, if it has
    any; nothing else is sent.
    """
    with blaming(target.name):
        session = target.open()
        session.close()
    lease = Lease(key.run_id, 0, Mint(key.secret))
    axes = {axis.name: axis.omitted.value for axis in session.axes}
    log, store = _Log(lease), ReferenceAxesStore(axes) if axes else ReferenceStore()
    at_once = target.config.model_copy(update={"options": {}, "consistency_seconds": 0.0, "requires": ()})
    stand_in = _Rehearsed(
        config=at_once, factory=partial(_StandIn, session.claimed, store, log), source=target.source
    )
    examiner = Examiner(stand_in, replace(profile, replays=0, shrinks=0), key)
    try:
        results = _all_of(examiner)
    finally:
        examiner.close()
    return Forecast(
        calls=dict(sorted(log.calls.items())),
        polls=_waits(results) * most_polls(target.config.consistency_seconds),
        users=len(log.users),
        bytes=log.bytes,
        hostile={name: tuple(sorted(operations)) for name, operations in sorted(log.hostile.items())},
        checks=len(results),
        at_once=log.at_once,
    )


def _all_of(examiner: Examiner) -> list[CheckResult]:
    """Perform every check of the profile."""
    first = smoke(examiner)
    heard = call_witnesses(examiner)
    results = [
        first,
        *(result_of(examiner, entry, cell) for entry, cell in asked(examiner.profile, examiner.claimed)),
        heard(),
    ]
    return [result for result in results if result is not None]


def _waits(results: Iterable[CheckResult]) -> int:
    """How often a plan waits for a list, and how often for a search as well."""
    steps = [step for one in results for history in one.histories for step in history.plan.steps]
    waits = [step for step in steps if step.op is Operation.SETTLE]
    return len(waits) + sum(step.fact is not None for step in waits)


def forecast_lines(forecast: Forecast, name: str, profile: Profile, seed: int, budget: Budget) -> list[str]:
    """A forecast for people, one topic per line."""
    by_operation = ", ".join(f"{operation} {number:,}" for operation, number in forecast.calls.items())
    dangerous = forecast.dangerous()
    reading = [each for each in forecast.hostile if each not in dangerous]
    limits = ", ".join(f"{limit:,g} {kind}" for kind, limit in budget.figures().items())
    most = forecast.total + forecast.polls
    what = f"{counted(forecast.checks, 'check')} of profile {profile.name}, seed {seed}"
    beyond = "each finding is replayed beyond that, and an adapter may send several requests for a call"
    deleted = "each named after the run and deleted again"
    return [
        f"dry run of {name}: {what}; the target was opened, and nothing was tested",
        f"calls: {forecast.total:,} ({by_operation})",
        f"at most: {most:,} calls, if every write shows late; {beyond}",
        f"users: {forecast.users:,}, {deleted}; {forecast.bytes:,} bytes written",
        f"at once: at most {forecast.at_once:,} memories, fewer if storing them takes too long",
        f"hostile names that only read: {', '.join(reading) or 'none'}",
        f"hostile names that also write and delete: {', '.join(dangerous) or 'none'}",
        f"budget: {limits or 'none'}",
    ]
