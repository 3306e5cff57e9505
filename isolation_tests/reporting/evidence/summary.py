"""What a run proved: pure functions from header and results to verdict, level and tables.

The rule that matters most: whatever was left out, skipped or not reached can only lower the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from isolation_tests.causes.clusters import Cause, causes_of
from isolation_tests.coverage.figures import Coverage
from isolation_tests.model import (
    LADDER,
    Case,
    CheckResult,
    Finding,
    Level,
    Verdict,
)
from isolation_tests.model.volume import reached, told
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.rows import AnomalyRow, CheckRow, anomaly_rows, check_rows

__all__ = [
    "AnomalyRow",
    "CheckRow",
    "Hazard",
    "Summary",
    "exit_status",
    "merge_cases",
    "summarise",
    "summary_of",
]

HAZARD = "hazard"


@dataclass(frozen=True, slots=True)
class Hazard:
    """What lets users cross once an application slips.

    reason: why the target takes it; empty if it does not declare it.
    """

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures.

    level: the highest level that was reached; None: not even the first. known_only: known findings are the
    only fault. cases: one per finding, with its smallest plan. stale_known: notes on known findings that did
    not show or expired. counts: checks by verdict. whole: the profile runs the whole matrix; a part of it
    reaches no level. causes: what the findings come from, the one that most checks show first. hazards:
    those that showed; one that is not declared keeps the level below `hardened`. fails_on_hazards: whether
    such a hazard fails the run. coverage: None in evidence that is older than its measuring. volume: how many
    memories stood at once where users kept theirs, or that this was left out; empty where nothing is known.
    """

    verdict: Verdict
    level: Level | None
    known_only: bool
    rows: tuple[AnomalyRow, ...]
    checks: tuple[CheckRow, ...]
    cases: tuple[Case, ...]
    counts: dict[Verdict, int]
    stale_known: tuple[str, ...]
    controls: int
    examples: int
    calls: int
    refused: int
    whole: bool = True
    causes: tuple[Cause, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    fails_on_hazards: bool = False
    coverage: Coverage | None = None
    volume: str = ""

    @property
    def undeclared(self) -> tuple[Hazard, ...]:
        """The hazards that the target does not declare."""
        return tuple(hazard for hazard in self.hazards if not hazard.reason)

    @property
    def not_run(self) -> tuple[str, ...]:
        """Expected checks that never reported."""
        return tuple(row.check for row in self.checks if not row.ran)

    @property
    def not_supported(self) -> tuple[CheckRow, ...]:
        """Checks that need what the target does not offer."""
        return tuple(row for row in self.checks if row.verdict is Verdict.NOT_SUPPORTED)

    @property
    def spared(self) -> int:
        """Number of checks that were left out because the target is not disposable."""
        return sum(row.spared for row in self.checks)

    @property
    def unsettled(self) -> tuple[CheckRow, ...]:
        """Checks that ran and proved nothing: errors and inconclusive ones."""
        silent = (Verdict.ERROR, Verdict.INCONCLUSIVE)
        return tuple(row for row in self.checks if row.ran and not row.explained and row.verdict in silent)

    @property
    def explained(self) -> tuple[CheckRow, ...]:
        """Checks that were skipped because a proven finding already shows all that they could."""
        return tuple(row for row in self.checks if row.explained)


def merge_cases(results: Iterable[CheckResult]) -> tuple[Case, ...]:
    """One case per finding: the one with the fewest steps, with its tries summed over all results.

    A finding is known only if all of its cases are known.
    """
    groups: dict[str, list[Case]] = {}
    for result in results:
        for case in result.cases:
            groups.setdefault(case.finding.key, []).append(case)
    return tuple(_merged(group) for _, group in sorted(groups.items()))


def _size(case: Case) -> tuple[bool, bool, int]:
    """Published before withheld, what one plan shows before what takes a run, and then the fewest steps."""
    plan = case.history.plan
    return case.withheld, plan.of_witnesses, len(plan.steps)


def _merged(group: Sequence[Case]) -> Case:
    smallest = min(group, key=_size)
    return smallest.model_copy(
        update={
            "seen": sum(case.seen for case in group),
            "tried": sum(case.tried for case in group),
            "known": smallest.known if all(case.known is not None for case in group) else None,
        }
    )


def summarise(header: Header, results: Sequence[CheckResult], stale_known: Sequence[str] = ()) -> Summary:
    """What the results prove about the expected checks.

    stale_known: notes on known findings that did not show or expired; they fail the run.
    """
    checks = check_rows(header, results)
    hazards = _hazards(header, results)
    undeclared = any(not hazard.reason for hazard in hazards)
    bad = [row for row in checks if not (row.good or row.spared)]
    return Summary(
        verdict=_overall(checks),
        level=_level(checks, undeclared=undeclared) if header.whole else None,
        known_only=bool(bad) and all(row.known for row in bad) and not stale_known,
        rows=anomaly_rows(checks),
        checks=checks,
        cases=merge_cases(results),
        counts={verdict: sum(row.verdict is verdict for row in checks) for verdict in Verdict},
        stale_known=tuple(stale_known),
        controls=sum(result.controls for result in results),
        examples=sum(result.examples for result in results),
        calls=sum(result.calls for result in results),
        refused=sum(result.refused for result in results),
        whole=header.whole,
        causes=causes_of(results),
        hazards=hazards,
        fails_on_hazards=HAZARD in header.fail_on,
        volume=_volume(header, results),
    )


def _volume(header: Header, results: Iterable[CheckResult]) -> str:
    """The greatest number of memories at once, of the checks that held."""
    if header.budget.get("volume") == 0:
        return f"profile {header.profile} leaves out what takes thousands of memories at once to show"
    held = (result for result in results if result.verdict is Verdict.HELD)
    filled = [history for result in held for history in result.histories if history.plan.fills]
    return told(max(filled, key=reached)) if filled else ""


def _hazards(header: Header, results: Iterable[CheckResult]) -> tuple[Hazard, ...]:
    """Each hazard once, in the order of their names."""
    shown = {hazard.key: hazard for result in results for hazard in result.hazards}
    return tuple(
        Hazard(shown[key], header.hazards.get(shown[key].relation or "", "")) for key in sorted(shown)
    )


def summary_of(evidence: Evidence) -> Summary:
    """What a run's evidence proves, outdated known findings included."""
    ending = evidence.footer
    stale = (*ending.unmatched_known, *ending.expired_known)
    return replace(summarise(evidence.header, evidence.results, stale), coverage=ending.coverage)


def exit_status(summary: Summary) -> int:
    """0: held, or only known findings. 1: violated, or a hazard that counts.

    2: inconclusive or incomplete, or the list of known findings is outdated.
    """
    if summary.fails_on_hazards and summary.undeclared:
        return 1
    if summary.verdict is Verdict.VIOLATED:
        if any(row.fresh for row in summary.checks):
            return 1
        return 0 if summary.known_only else 2
    return 0 if summary.verdict is Verdict.HELD and not summary.stale_known else 2


def _overall(checks: Sequence[CheckRow]) -> Verdict:
    """The worst verdict of all; a run in which no user saw their own facts proves nothing."""
    if not any(row.verdict is Verdict.HELD and row.controls > 0 for row in checks):
        return Verdict.worst((Verdict.INCONCLUSIVE, *(row.verdict for row in checks)))
    return Verdict.worst(Verdict.HELD if row.good or row.spared else row.verdict for row in checks)


def _level(checks: Sequence[CheckRow], *, undeclared: bool) -> Level | None:
    """The highest level at which this level's checks and all lower ones are good.

    A level also needs a check that held with its positive controls, because skipping all checks proves
    nothing. If checks were left out because the target is not disposable, the level is safe at most, whatever
    the others show. undeclared: whether a hazard showed that the target does not declare, which ends the
    ladder below `hardened`.
    """
    reached = None
    spared = any(row.spared for row in checks)
    for level in (Level.CORE,) if undeclared else LADDER:
        rows = [row for row in checks if row.level is level and not row.spared]
        proved = any(row.verdict is Verdict.HELD and row.controls > 0 for row in rows)
        if not proved or not all(row.good for row in rows):
            break
        reached = level
    return Level.SAFE if spared and reached is not None else reached
