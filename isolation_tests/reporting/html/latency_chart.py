"""How long calls took in a run, by operation and by how many were under way at once, in figures and drawn."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from isolation_tests.model import CheckResult, Event, History, Operation, Outcome

__all__ = ["Chart", "Latency", "chart", "latencies"]

LOADS = ("alone", "2 to 4 at once", "5 or more at once")
_FEW = 4
_MILLISECONDS = 1000
_WIDE_SPREAD = 50
_ROW, _FRAME, _WIDTH = 44, 90, 720
# What pygal adds for its own scripts and tooltips; a page without scripts needs none of it.
_DROPPED = frozenset({"defs", "script", "style", "desc", "title"})
_DROPPED_CLASSES = frozenset({"overlay", "text-overlay", "tooltip-overlay", "titles"})
_KEPT_ATTRIBUTES = frozenset({"class", "d", "height", "rx", "ry", "transform", "viewBox", "width", "x", "y"})


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the calls of an operation took under a load, in milliseconds."""

    operation: Operation
    load: str
    count: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing as inline SVG. logarithmic: its scale is, since the longest would dwarf the shortest."""

    svg: Markup
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
    """Median and 95th percentile of each operation at its least load, drawn.

    The drawing has no script, no style and no address: its colours are the page's, so dark mode follows.
    """
    import pygal

    first: dict[Operation, Latency] = {}
    for row in rows:
        first.setdefault(row.operation, row)
    shown = list(reversed(first.values()))
    medians, highest = [row.median for row in shown], [row.p95 for row in shown]
    wide = _is_wide([*medians, *highest])
    marks = _decades(min(medians), max(highest)) if wide else []
    drawing = pygal.HorizontalBar(
        height=_FRAME + _ROW * len(shown),
        width=_WIDTH,
        logarithmic=wide,
        range=(marks[0], marks[-1]) if marks else None,
        zero=marks[0] if marks else 0,
        y_labels=marks or None,
        formatter=lambda figure: f"{figure:g}",
        show_legend=False,
        js=(),
        x_labels=[row.operation.value for row in shown],
    )
    drawing.add("95th percentile", highest)
    drawing.add("median", medians)
    return Chart(Markup("").join(_markup(drawing.render_tree())), wide)


def _is_wide(figures: Sequence[float]) -> bool:
    return min(figures, default=0) > 0 and max(figures) / min(figures) > _WIDE_SPREAD


def _decades(low: float, high: float) -> list[float]:
    """The powers of ten from below the shortest to above the longest: a bar has to have a beginning."""
    return [10.0**n for n in range(math.ceil(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)]


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
        yield event, LOADS[0 if under_way <= 1 else 1 if under_way <= _FEW else 2]


def _latency(operation: Operation, load: str, taken: Sequence[float]) -> Latency:
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    return Latency(operation, load, len(taken), statistics.median(taken), p95)


def _markup(node: Any) -> Iterator[Markup]:
    """The drawing's elements with geometry and classes only."""
    if not isinstance(node.tag, str):
        return
    name = node.tag.rpartition("}")[2]
    classes = set(node.get("class", "").split())
    if name in _DROPPED or classes & _DROPPED_CLASSES:
        return
    hidden = Markup(' aria-hidden="true"') if name == "svg" else Markup("")
    attributes = Markup("").join(
        Markup(' {}="{}"').format(key, value)
        for key, value in node.items()
        if key in _KEPT_ATTRIBUTES and value
    )
    yield Markup("<{}{}{}>").format(name, attributes, hidden)
    if node.text:
        yield Markup.escape(node.text)
    for child in node:
        yield from _markup(child)
    yield Markup("</{}>").format(name)
