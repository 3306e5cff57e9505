"""When the calls of a concurrent finding ran: one row per lane, one bar per call, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isolation_tests.model import Case, Event
from isolation_tests.reporting.html.sequence_diagram import hit, whose

__all__ = ["Bar", "Lane", "Timeline", "timeline"]

WIDTH = 640
_MOST_BARS = 48
_THINNEST = 3.0
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """One call. x, width: in drawing units. started, ended: milliseconds after the first bar's start."""

    who: str
    call: str
    x: float
    width: float
    started: float
    ended: float
    here: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """The calls of one thread or task, in order."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes over a span of milliseconds. left_out: number of distant calls that are not drawn."""

    lanes: tuple[Lane, ...]
    span: float
    left_out: int


def timeline(case: Case) -> Timeline | None:
    """The calls around the finding, if its plan has overlapping calls; else None."""
    last = hit(case)
    if last is None or all(step.lane is None for step in case.history.plan.steps):
        return None
    near = sorted(case.history.events, key=lambda event: _apart(event, last))[:_MOST_BARS]
    begin, end = min(event.started for event in near), max(event.ended for event in near)
    scale = WIDTH / (end - begin or 1)
    lanes = sorted({event.worker for event in near})
    return Timeline(
        lanes=tuple(
            Lane(
                _lane(worker),
                tuple(_bar(case, event, last, begin, scale) for event in _ordered(near, worker)),
            )
            for worker in lanes
        ),
        span=(end - begin) * _MILLISECONDS,
        left_out=len(case.history.events) - len(near),
    )


def _apart(event: Event, last: Event) -> float:
    return max(event.started - last.ended, last.started - event.ended, 0.0)


def _ordered(events: Sequence[Event], worker: str) -> list[Event]:
    return sorted((event for event in events if event.worker == worker), key=lambda event: event.started)


def _lane(worker: str) -> str:
    _, _, lane = worker.partition("-")
    return f"lane {int(lane) + 1}" if lane.isdecimal() else "sequential"


def _bar(case: Case, event: Event, last: Event, begin: float, scale: float) -> Bar:
    width = max((event.ended - event.started) * scale, _THINNEST)
    return Bar(
        who=whose(case, event.user),
        call=event.op.value,
        x=min((event.started - begin) * scale, WIDTH - width),
        width=width,
        started=(event.started - begin) * _MILLISECONDS,
        ended=(event.ended - begin) * _MILLISECONDS,
        here=event is last,
    )
