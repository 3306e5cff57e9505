"""What one range of a scale run has shown: counts, cases and doubts that add up to its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import Field

from isolation_tests.model import Case, Frozen
from isolation_tests.reporting.evidence.scale import ScaleFigures

__all__ = ["MOST_CASES", "Loss", "Part", "Tried"]

MOST_CASES = 5
"""How many cases of one finding are kept with their proof; the figures count every answer."""
MOST_DOUBTS = 3


class Loss(Frozen):
    """A case in which somebody lost what they had seen, which only counts if age alone does not do that."""

    case: Case
    """The case."""
    age: float
    """Seconds between storing and looking."""


class Tried(Frozen):
    """What one check has done and found."""

    calls: int = 0
    """Answers that were judged."""
    controls: int = 0
    """Own facts that were seen."""
    refused: int = 0
    """Calls that the system refused."""
    cases: tuple[Case, ...] = ()
    """Findings with their proof."""
    losses: tuple[Loss, ...] = ()
    """Losses that may be due to age."""
    doubts: tuple[str, ...] = ()
    """The first reasons why nothing is proved."""
    doubtful: int = 0
    """How many such reasons there are."""
    errors: tuple[str, ...] = ()
    """The first errors of the adapter."""

    def plus(self, other: Tried) -> Tried:
        """Both together."""
        return Tried(
            calls=self.calls + other.calls,
            controls=self.controls + other.controls,
            refused=self.refused + other.refused,
            cases=_first((*self.cases, *other.cases)),
            losses=(*self.losses, *other.losses)[:MOST_CASES],
            doubts=(*self.doubts, *other.doubts)[:MOST_DOUBTS],
            doubtful=self.doubtful + other.doubtful,
            errors=(*self.errors, *other.errors)[:MOST_DOUBTS],
        )


class Part(Frozen):
    """What a range has shown, or several together."""

    figures: ScaleFigures = ScaleFigures()
    """Its figures."""
    tried: Mapping[str, Tried] = Field(default_factory=dict)
    """What each check has done, by the check's name."""

    def plus(self, other: Part) -> Part:
        """Both together."""
        names = dict.fromkeys((*self.tried, *other.tried))
        nothing = Tried()
        return Part(
            figures=self.figures.plus(other.figures),
            tried={
                name: self.tried.get(name, nothing).plus(other.tried.get(name, nothing)) for name in names
            },
        )


def _first(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The first cases of each finding."""
    seen: Counter[str] = Counter()
    kept = []
    for case in cases:
        seen[case.finding.key] += 1
        if seen[case.finding.key] <= MOST_CASES:
            kept.append(case)
    return tuple(kept)
