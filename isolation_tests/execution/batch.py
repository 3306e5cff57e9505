"""Many calls of one adapter in one hand-off to its lane, each timed, none judged."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from isolation_tests.core.errors import Problem

__all__ = ["Batch", "Got", "Sent"]


class Sent(NamedTuple):
    """One call: the adapter's method, the user, and the arguments after the user."""

    method: str
    user: Any
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = {}


class Got(NamedTuple):
    """What became of a call: its raw answer, or what it raised, and how many seconds it took."""

    answer: Any
    error: Exception | None
    seconds: float


@dataclass
class Batch:
    """Calls in order. got: what became of those that were made so far; another thread may look at its length.

    A `Problem` that the suite itself raises within a call, such as the end of a budget, ends the batch.
    """

    adapter: Any
    calls: Sequence[Sent]
    got: list[Got] = field(default_factory=list)

    def now(self) -> list[Got]:
        """Make all calls of a sync adapter."""
        clock, adapter = time.perf_counter, self.adapter
        for method, user, arguments, keywords in self.calls:
            started = clock()
            try:
                answer = getattr(adapter, method)(user, *arguments, **keywords)
            except Problem:
                raise
            except Exception as error:  # noqa: BLE001 - whatever an adapter raises is judged by the caller
                self.got.append(Got(None, error, clock() - started))
            else:
                self.got.append(Got(answer, None, clock() - started))
        return self.got

    async def later(self) -> list[Got]:
        """Make all calls of an async adapter, on its event loop."""
        clock, adapter = time.perf_counter, self.adapter
        for method, user, arguments, keywords in self.calls:
            started = clock()
            try:
                answer = getattr(adapter, method)(user, *arguments, **keywords)
                answer = await answer if inspect.isawaitable(answer) else answer
            except Problem:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                self.got.append(Got(None, error, clock() - started))
            else:
                self.got.append(Got(answer, None, clock() - started))
        return self.got
