"""What a bridge costs: the same calls of the same store, in this process and behind a bridge.

Both go through a session, as in a run, in turns of one run, so that a busy machine slows both:
    python benchmarks/bridge.py --calls 2000
Prints the medians, their difference and their ratio, and ends with 1 if a call costs 0.3 ms more or above.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from isolation_tests.execution.session import Session
from isolation_tests.targets.resolve import resolve

MOST_OVERHEAD = 0.3
"""Milliseconds."""

TARGETS = {"in this process": "reference-async", "behind a bridge": "reference-js"}
CALLS: dict[str, Callable[[Session, str], object]] = {
    "get_all": lambda session, user: session.call("get_all", user),
    "search": lambda session, user: session.call("search", user, "tea", limit=10),
    "count": lambda session, user: session.call("count", user),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The times of one call's repetitions, in milliseconds, by where the store is."""

    call: str
    times: dict[str, list[float]] = field(default_factory=lambda: {place: [] for place in TARGETS})

    @property
    def medians(self) -> list[float]:
        """The median for each place, in the order of TARGETS."""
        return [statistics.median(self.times[place]) for place in TARGETS]

    @property
    def overhead(self) -> float:
        """The milliseconds that the bridge adds at the median."""
        here, there = self.medians
        return there - here


def measure(calls: int) -> list[Measured]:
    """The times of each call, the two stores taking turns."""
    sessions = {place: resolve(name).open() for place, name in TARGETS.items()}
    try:
        for session in sessions.values():
            session.call("add", "someone", "I drink tea")
        return [_measured(name, sessions, calls) for name in CALLS]
    finally:
        for session in sessions.values():
            session.close()


def _measured(name: str, sessions: dict[str, Session], calls: int) -> Measured:
    measured = Measured(name)
    for _ in range(calls):
        for place, session in sessions.items():
            started = time.perf_counter()
            CALLS[name](session, "someone")
            measured.times[place].append(1000 * (time.perf_counter() - started))
    return measured


def main() -> int:
    """Print one line for each call."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000, help="repetitions of each call")
    measured = measure(parser.parse_args().calls)
    for each in measured:
        here, there = each.medians
        print(  # noqa: T201 - its output
            f"{each.call:8} {here:.3f} ms in this process, {there:.3f} ms behind a bridge: "
            f"+{each.overhead:.3f} ms, {there / here:.1f} times"
        )
    return int(any(each.overhead >= MOST_OVERHEAD for each in measured))


if __name__ == "__main__":
    sys.exit(main())
