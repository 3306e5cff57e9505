"""The figures of a scale run in words."""

from __future__ import annotations

import math
from collections.abc import Iterator

from isolation_tests.core.plural import counted
from isolation_tests.reporting.evidence.scale import Decile, ScaleFigures, ScaleQuestion, latency

__all__ = ["DECILE_HEADINGS", "asked_words", "bound_words", "decile_rows", "scale_lines"]

DECILE_HEADINGS = ("users", "recall", "search ms, p50", "p99", "add ms, p50", "p99")


def asked_words(asked: ScaleQuestion) -> str:
    """What a scale run was asked, as a phrase."""
    facts = counted(asked.facts, "fact")
    each = f"{facts} each" if asked.sizes == "equal" else f"1 to {facts} each, by Zipf's law"
    room = f", at most {asked.together:,} at once" if asked.together < asked.users else ""
    return f"{asked.users:,} users with {each}{room}"


def bound_words(figures: ScaleFigures) -> str:
    """How many answers showed another user's fact, with the bound of the rate."""
    if figures.bound is None:
        return "no answer was judged"
    seen = f"another user's fact in {figures.leaks:,} of {figures.answers:,} answers"
    return f"{seen}: below {_rounded_up(figures.bound)} at 95 % (Clopper-Pearson)"


def _rounded_up(rate: float) -> str:
    """A rate with two digits, never smaller than it is."""
    scale = 10.0 ** (1 - math.floor(math.log10(rate)))
    return f"{math.ceil(round(rate * scale, 6)) / scale:.2g}"


def decile_rows(asked: ScaleQuestion, figures: ScaleFigures) -> list[tuple[str, ...]]:
    """One row for each tenth of the users, in the order in which they came."""
    return [
        (f"{place * asked.users // 10:,} to {(place + 1) * asked.users // 10:,}", *_cells(decile))
        for place, decile in enumerate(figures.deciles)
    ]


def _cells(decile: Decile) -> Iterator[str]:
    yield _recall(decile.found, decile.asked)
    for buckets in (decile.search, decile.add):
        for share in (0.5, 0.99):
            seconds = latency(buckets, share)
            yield "-" if seconds is None else f"{seconds * 1000:.3g}"


def _recall(found: int, asked: int) -> str:
    """The share of own facts that were found, never rounded up to all of them."""
    return f"{math.floor(found / asked * 10_000) / 100:g} %" if asked else "-"


def scale_lines(figures: ScaleFigures) -> list[str]:
    """The figures, one topic per line."""
    users = f"{figures.users:,} users with {figures.facts:,} facts"
    lines = [
        f"scale: {users}, at most {figures.together:,} users in one store at a time",
        f"scale: {bound_words(figures)}",
        f"scale: digest of answers {figures.digest[:16]}",
    ]
    if figures.restored:
        lines.append(
            f"scale: the facts of {counted(figures.restored, 'user')} were stored again under fresh names, "
            "because a process had ended before the last look"
        )
    return lines
