"""How much is asked: the three profiles.

Every run has its own seed, so that two runs ask different things.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Self

from isolation_tests.core.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Profile:
    """A budget.

    examples: drawn sequences a searched law. crowd: users present at once. rounds: how often each user calls
    while others do. whole: every cell of the matrix, else one or two for each anomaly. replays: how often a
    finding is performed again to tell steady from intermittent. rarest, patience: one that none of these
    shows is performed on until it shows again, until its rate (0 to 1) is known to be below `rarest`, or for
    so many seconds. shrinks: how many smaller plans are tried for the findings of one searched law.
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

    def figures(self) -> dict[str, float]:
        """Every figure of the budget by its name, for the record of a run."""
        return {name: figure for name, figure in asdict(self).items() if type(figure) in (int, float)}

    def unrefined(self) -> Self:
        """The same questions, with no finding performed again or made smaller."""
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
        ),
    )
}


def profile(name: str) -> Profile:
    """The profile of that name, or a `UsageProblem` that lists them."""
    if name in PROFILES:
        return PROFILES[name]
    near = get_close_matches(name, PROFILES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(PROFILES)}."
    raise UsageProblem(f"There is no profile {name!r}; {hint}")
