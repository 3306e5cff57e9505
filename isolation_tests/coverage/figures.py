"""How much of what can be asked was asked: pairs of values that occurred, of those that can, and the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from isolation_tests.coverage.calls import Call
from isolation_tests.coverage.space import CORE
from isolation_tests.model import Frozen

DIMENSIONS = ("calls", "values", "users' states", "overlap")
NAMES = "names"
MOST_MISSING = 100


class Covered(Frozen):
    """Of how many combinations of values of some dimensions each occurred in a call."""

    dimensions: tuple[str, ...]
    """The dimensions, such as calls and values."""

    covered: int
    """How many combinations occurred."""

    possible: int
    """How many can occur on this target."""

    missing: tuple[str, ...] = ()
    """The combinations that did not occur, the first of many."""


class Coverage(Frozen):
    """What a run asked of all that can be asked of its target."""

    figures: tuple[Covered, ...]
    """One figure for every two dimensions, and every three if they were to be covered."""

    def total(self, ways: int, *, names: bool = False) -> tuple[int, int]:
        """How many combinations of so many values occurred, and can; of calls and names, or of all else."""
        chosen = [
            one for one in self.figures if len(one.dimensions) == ways and (NAMES in one.dimensions) is names
        ]
        return sum(one.covered for one in chosen), sum(one.possible for one in chosen)

    @property
    def ways(self) -> int:
        """Of how many values the largest combinations are."""
        return max((len(one.dimensions) for one in self.figures), default=0)


def measured(
    asked: Collection[Call], possible: Iterable[Call], *, relations: Sequence[str] = (), ways: int = 2
) -> Coverage:
    """The coverage of the possible calls by those that were asked, and of the relations by core calls.

    ways: how many values at most occur together.
    """
    can = list(possible)
    figures = [
        _covered(dimensions, asked, can)
        for number in range(2, ways + 1)
        for dimensions in combinations(range(len(DIMENSIONS)), number)
    ]
    if relations:
        calls = [call for call in CORE if any(one.call == call for one in can)]
        wanted = [(call, relation) for relation in relations for call in calls]
        figures.append(_figure((DIMENSIONS[0], NAMES), {(one.call, one.names) for one in asked}, wanted))
    return Coverage(figures=tuple(figures))


def _covered(dimensions: Sequence[int], asked: Collection[Call], possible: Collection[Call]) -> Covered:
    def values(calls: Iterable[Call]) -> Iterable[tuple[str, ...]]:
        return (tuple(call[place] for place in dimensions) for call in calls)

    return _figure(tuple(DIMENSIONS[place] for place in dimensions), set(values(asked)), values(possible))


def _figure(
    dimensions: tuple[str, ...], occurred: Collection[tuple[str, ...]], wanted: Iterable[tuple[str, ...]]
) -> Covered:
    each = dict.fromkeys(wanted)
    missing = [", ".join(one) for one in each if one not in occurred]
    return Covered(
        dimensions=dimensions,
        covered=len(each) - len(missing),
        possible=len(each),
        missing=tuple(missing[:MOST_MISSING]),
    )
