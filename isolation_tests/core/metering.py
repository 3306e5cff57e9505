"""How an adapter says that it is about to send a request, so that a run's budget counts each of them.

An adapter that never says so is counted by its calls. Outside a run, nothing is counted.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Protocol

__all__ = ["MOST_PAUSE_SECONDS", "CallMeter", "begin", "hold", "pause", "paused", "request"]

MOST_PAUSE_SECONDS = 60.0
"""The longest pause that a run makes because a target asks for one."""


class CallMeter(Protocol):
    """Counts the requests of one call."""

    def request(self) -> None:
        """Count one request; raises an exception that must go through if the run may send no more."""

    def paused(self, seconds: float) -> None:
        """Take in that the call waits, because the target asked it to: that is not the target's time."""

    def hold(self, seconds: float) -> None:
        """Send nothing to the target for so many seconds."""


_CALL: ContextVar[CallMeter | None] = ContextVar("isolation_tests_call", default=None)


def begin(meter: CallMeter | None) -> None:
    """Count what this thread or task sends from now on as requests of this call."""
    _CALL.set(meter)


def request() -> None:
    """Say that one request is about to be sent."""
    if (meter := _CALL.get()) is not None:
        meter.request()


def paused(seconds: float) -> None:
    """Say that this call is about to wait for so many seconds because the target asked for it."""
    if (meter := _CALL.get()) is not None:
        meter.paused(seconds)


def pause(seconds: float) -> None:
    """Wait because the target asked for it."""
    paused(seconds)
    time.sleep(seconds)


def hold(seconds: float) -> None:
    """Say that the target wants no request for so many seconds, longer than one call can wait."""
    if (meter := _CALL.get()) is not None:
        meter.hold(seconds)
