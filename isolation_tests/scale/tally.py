"""Counts what a range shows while it is worked on, and hands it over as a part of the run."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from isolation_tests.model import Case
from isolation_tests.reporting.evidence.evidence import ExpectedCheck
from isolation_tests.reporting.evidence.scale import DECILES, Decile, ScaleFigures, bucket
from isolation_tests.scale.part import MOST_CASES, MOST_DOUBTS, Loss, Part, Tried
from isolation_tests.testdata.canaries import Canary

__all__ = ["Tally"]

_INDEX = 0xFFFFFFFF


@dataclass
class _Check:
    calls: int = 0
    controls: int = 0
    refused: int = 0
    cases: list[Case] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    doubtful: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """What one range has shown so far.

    shard: the number of the shard. digest: of who saw whose facts, in the order of the calls.
    """

    shard: int
    users: int = 0
    facts: int = 0
    leaks: int = 0
    restored: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _checks: dict[str, _Check] = field(default_factory=dict)
    _deciles: list[Decile] = field(default_factory=lambda: [Decile()] * DECILES)
    _times: dict[tuple[int, str], Counter[int]] = field(default_factory=dict)
    _recall: Counter[tuple[int, str]] = field(default_factory=Counter)

    def of(self, check: ExpectedCheck) -> _Check:
        """The counts of one check."""
        return self._checks.setdefault(check.check, _Check())

    def saw(self, op: str, index: int, canaries: Iterable[Canary] | None) -> None:
        """Add to the digest what a user was shown, by symbols that every run has; None: no answer came."""
        shown = None if canaries is None else sorted((one.user & _INDEX, one.fact) for one in canaries)
        self._digest.update(f"{op} {index} {shown}\n".encode("ascii"))

    def took(self, decile: int, op: str, seconds: float) -> None:
        """Count a call's latency."""
        self._times.setdefault((decile, op), Counter())[bucket(seconds)] += 1

    def recalled(self, decile: int, *, found: bool) -> None:
        """Count a search for an own fact."""
        self._recall[decile, "asked"] += 1
        self._recall[decile, "found"] += found

    def met(self, decile: int, users: int) -> None:
        """Count users of a tenth."""
        self._recall[decile, "users"] += users

    def doubt(self, check: ExpectedCheck, why: str) -> None:
        """Keep a reason why a check proves nothing."""
        kept = self.of(check)
        kept.doubtful += 1
        if len(kept.doubts) < MOST_DOUBTS:
            kept.doubts.append(why)

    def error(self, check: ExpectedCheck, why: str) -> None:
        """Keep an error of the adapter."""
        kept = self.of(check)
        if len(kept.errors) < MOST_DOUBTS:
            kept.errors.append(why)

    def wants(self, check: ExpectedCheck) -> bool:
        """Whether a further case of a check would be kept."""
        return len(self.of(check).cases) < MOST_CASES

    @property
    def lost(self) -> int:
        """Number of cases and losses."""
        return sum(len(one.cases) + len(one.losses) for one in self._checks.values())

    def part(self) -> Part:
        """What was counted."""
        answers = sum(check.calls for check in self._checks.values())
        nothing: Counter[int] = Counter()
        deciles = tuple(
            Decile(
                users=self._recall[place, "users"],
                asked=self._recall[place, "asked"],
                found=self._recall[place, "found"],
                add=dict(self._times.get((place, "add"), nothing)),
                search=dict(self._times.get((place, "search"), nothing)),
            )
            for place in range(DECILES)
        )
        return Part(
            figures=ScaleFigures(
                users=self.users,
                facts=self.facts,
                answers=answers,
                leaks=self.leaks,
                restored=self.restored,
                digest="0" * 64 if self.restored else self._digest.hexdigest(),
                deciles=deciles,
                shards=(self.shard,),
            ),
            tried={
                name: Tried(
                    calls=one.calls,
                    controls=one.controls,
                    refused=one.refused,
                    cases=tuple(one.cases),
                    losses=tuple(one.losses[:MOST_CASES]),
                    doubts=tuple(one.doubts),
                    doubtful=one.doubtful,
                    errors=tuple(one.errors),
                )
                for name, one in self._checks.items()
            },
        )
