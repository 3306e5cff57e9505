"""Tries a request again when the service asks to wait: as late as it asks, and never all at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tenacity import RetryCallState, wait_random_exponential

from isolation_tests.core import metering

__all__ = ["jittered", "policy", "seconds_of"]

_FIRST_PAUSE_SECONDS, _LONGEST_GUESS_SECONDS = 0.5, 5.0
_JITTER = 0.1
Asked = Callable[[RetryCallState], float | None]


def seconds_of(after: str | None) -> float | None:
    """The seconds that a header Retry-After means, which holds a number or a date; None without a meaning."""
    if not after:
        return None
    with suppress(ValueError):
        return max(0.0, float(after))
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds())
    return None


def jittered(seconds: float) -> float:
    """A little later: whoever was told the same number of seconds would come back at the same moment."""
    return seconds * (1 + _JITTER * random.random())  # noqa: S311 - a delay is no secret


def policy(asked: Asked, tries: int) -> dict[str, Any]:
    """How tenacity waits and when it stops, for at most so many tries.

    asked: the seconds that the service asks to wait; None if it names none. What is longer than a run waits,
    or asked for at the last try, holds the whole run.
    """
    guess = wait_random_exponential(_FIRST_PAUSE_SECONDS, _LONGEST_GUESS_SECONDS)

    def wait(state: RetryCallState) -> float:
        seconds = asked(state)
        return guess(state) if seconds is None else jittered(seconds)

    def stop(state: RetryCallState) -> bool:
        seconds = asked(state) or 0.0
        last = state.attempt_number >= tries or seconds > metering.MOST_PAUSE_SECONDS
        if last and seconds:
            metering.hold(seconds)
        return last

    return {"wait": wait, "stop": stop}
