"""How long a read waits before it is made again, until a write shows."""

from __future__ import annotations

from collections.abc import Iterator

FIRST_POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 2.0


def pauses() -> Iterator[float]:
    """The seconds before each further time, without an end."""
    pause = FIRST_POLL_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_POLL_SECONDS)


def most_polls(consistency: float) -> int:
    """How often a read is repeated at most until a write shows, beyond the first time."""
    polls, waited, longer = 0, 0.0, pauses()
    while waited < consistency:
        polls, waited = polls + 1, waited + next(longer)
    return polls
