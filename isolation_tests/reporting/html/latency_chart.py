"""How long calls took in a run, by operation and by how many were under way at once, in figures and drawn."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from isolation_tests.model import CheckResult, Event, History, Operation, Outcome

__all__ = ["LOADS", "Bar", "Chart", "Latency", "Mark", "chart", "latencies"]

LOADS = ("alone", "2 to 4 at once", "5 or more at once")
_MILLISECONDS = 1000
_WIDE_SPREAD = 50
_FEWEST_STEPS = 2


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the calls of an operation took under a load, in milliseconds."""

    operation: Operation
    load: str
    count: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An operation's median and 95th percentile, in percent of the drawing's width."""

    operation: Operation
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A round number of milliseconds, and its place in percent of the drawing's width."""

    figure: float
    place: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars along a scale. logarithmic: the scale is, because the longest bar would dwarf the shortest."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    logarithmic: bool


def latencies(results: Iterable[CheckResult]) -> tuple[Latency, ...]:
    """Median, 95th percentile and number of answered calls in the kept histories, in the operations' order.

    A call's load is the number of calls of its own history that were under way at the same time.
    """
    taken: dict[tuple[Operation, str], list[float]] = {}
    for history in _histories(results):
        for event, load in _loaded(history.events):
            if event.outcome is Outcome.OK:
                taken.setdefault((event.op, load), []).append((event.ended - event.started) * _MILLISECONDS)
    order = list(Operation)
    places = sorted(taken, key=lambda place: (order.index(place[0]), LOADS.index(place[1])))
    return tuple(_latency(operation, load, taken[operation, load]) for operation, load in places)


def chart(rows: Sequence[Latency]) -> Chart:
    """Median and 95th percentile of each operation at its least load, as bars."""
    first: dict[Operation, Latency] = {}
    for row in rows:
        first.setdefault(row.operation, row)
    shown = first.values()
    low, high = min(row.median for row in shown), max(row.p95 for row in shown)
    wide = low > 0 and high / low > _WIDE_SPREAD
    figures = _decades(low, high) if wide else _steps(high)
    place = partial(_place, begin=figures[0], end=figures[-1], logarithmic=wide)
    return Chart(
        bars=tuple(Bar(row.operation, place(row.median), place(row.p95)) for row in shown),
        marks=tuple(Mark(figure, place(figure)) for figure in figures),
        logarithmic=wide,
    )


def _place(figure: float, *, begin: float, end: float, logarithmic: bool) -> float:
    share = math.log(figure / begin, end / begin) if logarithmic else (figure - begin) / (end - begin)
    return 100 * share


def _decades(low: float, high: float) -> list[float]:
    """The powers of ten from below the shortest to above the longest: a bar has to have a beginning."""
    return [10.0**n for n in range(math.ceil(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)]


def _steps(high: float) -> list[float]:
    """Zero and round numbers in even steps, the last of them not below the longest."""
    if high <= 0:
        return [0.0, 1.0]
    finest = 10.0 ** math.floor(math.log10(high / _FEWEST_STEPS))
    coarser = (size for size in (2 * finest, 5 * finest) if high / size >= _FEWEST_STEPS)
    step = max(coarser, default=finest)
    return [step * n for n in range(math.ceil(high / step) + 1)]


def _histories(results: Iterable[CheckResult]) -> Iterator[History]:
    """Each kept history once: that of a finding is kept with its check and with its case."""
    told = set()
    for result in results:
        for history in (*result.histories, *(case.history for case in result.cases)):
            first = history.events[0].started if history.events else 0.0
            own = (tuple(user.number for user in history.users), first)
            if own not in told:
                told.add(own)
                yield history


def _loaded(events: Sequence[Event]) -> Iterator[tuple[Event, str]]:
    starts, ends = sorted(e.started for e in events), sorted(e.ended for e in events)
    for event in events:
        under_way = bisect_left(starts, event.ended) - bisect_right(ends, event.started)
        yield event, LOADS[0 if under_way <= 1 else 1 if under_way <= 4 else 2]


def _latency(operation: Operation, load: str, taken: Sequence[float]) -> Latency:
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    return Latency(operation, load, len(taken), statistics.median(taken), p95)
