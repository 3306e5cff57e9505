"""A run's coverage in words: one line, and a table with what was not asked."""

from __future__ import annotations

from dataclasses import dataclass

from isolation_tests.core.plural import counted
from isolation_tests.coverage.figures import DIMENSIONS, Coverage

__all__ = ["CoverageRow", "coverage_line", "coverage_rows"]

_MOST_SHOWN = 12
_FEWEST = 2
_SIZES = {_FEWEST: "pairs", 3: "triples", 4: "quadruples"}


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One line of the table. dimensions: joined. missing: the first combinations that did not occur."""

    dimensions: str
    covered: int
    possible: int
    missing: str


def coverage_line(coverage: Coverage) -> str:
    """How many pairs of all dimensions occurred, and how many of calls and names, in one phrase."""
    *some, last = DIMENSIONS
    among = f" of {', '.join(some)} and {last}"
    parts = [
        _share(*coverage.total(ways), f"{_SIZES[ways]}{among if ways == _FEWEST else ''}")
        for ways in range(_FEWEST, coverage.ways + 1)
    ]
    covered, possible = coverage.total(_FEWEST, names=True)
    if possible:
        parts.append(_share(covered, possible, f"{_SIZES[_FEWEST]} of calls and names"))
    return ", ".join(parts)


def _share(covered: int, possible: int, what: str) -> str:
    """Rounded down, so that 100 % means all."""
    percent = 100 * covered // possible if possible else 100
    return f"{covered} of {possible} {what} ({percent} %)"


def coverage_rows(coverage: Coverage) -> tuple[CoverageRow, ...]:
    """The table: every figure, with what did not occur."""
    return tuple(
        CoverageRow(
            " and ".join(one.dimensions),
            one.covered,
            one.possible,
            _missing(one.missing, one.possible - one.covered),
        )
        for one in coverage.figures
    )


def _missing(some: tuple[str, ...], number: int) -> str:
    """The first combinations that did not occur, and how many more there are."""
    shown = [f"({one})" for one in some[:_MOST_SHOWN]]
    more = number - len(shown)
    return ", ".join([*shown, *([f"and {counted(more, 'other')}"] if more > 0 else [])])
