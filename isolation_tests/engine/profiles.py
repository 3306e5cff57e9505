"""The three profiles: how many checks a run makes, and how thorough they are.

Every run has its own seed, so two runs use different data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Self

from isolation_tests.core.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Profile:
    """The budget of a run.

    examples: drawn sequences per searched law. crowd: users present at once. rounds: how many calls each user
    makes during overlapping calls. whole: every cell of the matrix; otherwise one or two for each anomaly.
    replays: how often a finding is replayed, to tell steady from intermittent. rarest, patience: if none of
    the replays shows a finding, they go on until it shows, until its rate (0 to 1) is known to be below
    `rarest`, or for `patience` seconds. shrinks: how many smaller plans to try for the findings of a searched
    law. ways: how many values of a call (its kind, argument, user's state and overlap) are asked in every
    combination: 2 for pairs, 3 for triples. volume: how many memories stand at once, in steps, unless that
    takes longer than `volume_seconds`; 0 leaves it out.
    """

    name: str
    examples: int
    crowd: int
    whole: bool
    rounds: int
    replays: int
    rarest: float
    patience: float
    shrinks: int
    ways: int = 2
    volume: int = 0
    volume_seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Every number of the budget by its name, for the record of a run."""
        return {name: figure for name, figure in asdict(self).items() if type(figure) in (int, float)}

    def unrefined(self) -> Self:
        """The same checks, but without replays and without smaller plans."""
        return replace(self, replays=0, shrinks=0)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "quick",
            examples=5,
            crowd=40,
            whole=False,
            rounds=5,
            replays=1,
            rarest=0.25,
            patience=5,
            shrinks=10,
        ),
        Profile(
            "ci",
            examples=40,
            crowd=300,
            whole=True,
            rounds=20,
            replays=3,
            rarest=0.05,
            patience=30,
            shrinks=60,
            volume=6_000,
            volume_seconds=20.0,
        ),
        Profile(
            "hunt",
            examples=600,
            crowd=600,
            whole=True,
            rounds=100,
            replays=10,
            rarest=0.01,
            patience=300,
            shrinks=1000,
            ways=3,
            volume=20_000,
            volume_seconds=200.0,
        ),
    )
}


def profile(name: str) -> Profile:
    """The profile with this name; raises `UsageProblem` for an unknown one."""
    if name in PROFILES:
        return PROFILES[name]
    near = get_close_matches(name, PROFILES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(PROFILES)}."
    raise UsageProblem(f"There is no profile {name!r}; {hint}")
