"""What a run proved: pure functions from header and results to verdict, level and tables.

The rule that matters most: whatever was left out, skipped or not reached can only lower the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.causes.clusters import Cause, causes_of
from isolation_tests.model import Case, CheckResult, Finding, Level, Outcome, Verdict, alias_reason
from isolation_tests.plans import OVERLAP
from isolation_tests.reporting.evidence.evidence import Evidence, ExpectedCheck, Header

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

# Certificates sign these two texts, so they never change.
NOT_RUN = "not run"
NO_CALL = "the check made no call, so it proved nothing"
HAZARD = "hazard"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check's result: the worst of its reports, or INCONCLUSIVE if it never reported.

    optional: the check may be NOT_SUPPORTED without lowering the result. known: only known findings violate
    it. fresh: a finding that is not listed as known violates it. explained: the proven finding because of
    which the check was skipped.
    """

    check: str
    title: str
    level: Level
    anomalies: tuple[str, ...]
    verdict: Verdict
    reason: str
    ran: bool
    optional: bool
    known: bool
    fresh: bool
    controls: int
    cases: tuple[Case, ...]
    explained: str = ""

    @property
    def good(self) -> bool:
        """Whether the check held, or is optional and not supported."""
        return self.verdict is Verdict.HELD or (self.verdict is Verdict.NOT_SUPPORTED and self.optional)


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """What was proved about one anomaly.

    checks: number that ran. held: number of those that held. findings: new ones. known: known ones.
    explained: whether it is inconclusive only because proven findings explain the checks for it.
    """

    id: str
    name: str
    verdict: Verdict
    checks: int
    held: int
    not_run: int
    findings: int
    known: int
    explained: bool = False


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
    such a hazard fails the run.
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


def _merged(group: Sequence[Case]) -> Case:
    smallest = min(group, key=lambda case: (case.withheld, len(case.history.plan.steps)))
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
    checks = _check_rows(header, results)
    hazards = _hazards(header, results)
    undeclared = any(not hazard.reason for hazard in hazards)
    bad = [row for row in checks if not row.good]
    return Summary(
        verdict=_overall(checks),
        level=_level(checks, undeclared=undeclared) if header.whole else None,
        known_only=bool(bad) and all(row.known for row in bad) and not stale_known,
        rows=_anomaly_rows(checks),
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
    )


def _hazards(header: Header, results: Iterable[CheckResult]) -> tuple[Hazard, ...]:
    """Each hazard once, in the order of their names."""
    shown = {hazard.key: hazard for result in results for hazard in result.hazards}
    return tuple(
        Hazard(shown[key], header.hazards.get(shown[key].relation or "", "")) for key in sorted(shown)
    )


def summary_of(evidence: Evidence) -> Summary:
    """What a run's evidence proves, outdated known findings included."""
    ending = evidence.footer
    return summarise(evidence.header, evidence.results, (*ending.unmatched_known, *ending.expired_known))


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


def _check_rows(header: Header, results: Sequence[CheckResult]) -> tuple[CheckRow, ...]:
    reported: dict[str, list[CheckResult]] = {}
    for result in results:
        reported.setdefault(result.check, []).append(result)
    aliases = frozenset(alias_reason(relation) for relation in header.aliases)
    expected = {check.check: check for check in header.expected}
    rows = [
        _check_row(reported[name], check.level, aliases, optional=_may_lack(check, header, reported[name]))
        if name in reported
        else CheckRow(
            check=name,
            title=check.title,
            level=check.level,
            anomalies=check.anomalies,
            verdict=Verdict.INCONCLUSIVE,
            reason=NOT_RUN,
            ran=False,
            optional=False,
            known=False,
            fresh=False,
            controls=0,
            cases=(),
        )
        for name, check in expected.items()
    ]
    rows += [
        _check_row(found, min((r.level for r in found), key=list(Level).index), aliases, optional=False)
        for name, found in reported.items()
        if name not in expected
    ]
    return tuple(rows)


def _may_lack(check: ExpectedCheck, header: Header, found: Sequence[CheckResult]) -> bool:
    """Whether the check may be NOT_SUPPORTED: it is optional, and header or history show what was missing.

    Skipping a check excuses nothing if the target offers what the check needs.
    """
    if not check.optional or check.needs is None or not header.target.disposable:
        return check.optional
    lacks = any(need not in header.capabilities for need in check.needs)
    alone = OVERLAP in check.needs and header.probed.get(OVERLAP, "ok") != "ok"
    return lacks or alone or any(_lacked(result) for result in found)


def _lacked(result: CheckResult) -> bool:
    return result.verdict is Verdict.NOT_SUPPORTED and any(
        event.outcome is Outcome.UNSUPPORTED for history in result.histories for event in history.events
    )


def _check_row(
    found: Sequence[CheckResult], level: Level, aliases: frozenset[str], *, optional: bool
) -> CheckRow:
    worst = min(found, key=lambda result: list(Verdict).index(_verdict(result)))
    verdict = _verdict(worst)
    cases = tuple(case for result in found for case in result.cases)
    fresh = any(_verdict(result) is Verdict.VIOLATED and not _all_known(result) for result in found)
    clean = all({result.verdict, _verdict(result)} <= {Verdict.VIOLATED, Verdict.HELD} for result in found)
    return CheckRow(
        check=worst.check,
        title=worst.title,
        level=level,
        anomalies=tuple(dict.fromkeys(a for result in found for a in result.anomalies)),
        verdict=verdict,
        reason=worst.reason or (NO_CALL if verdict is not worst.verdict and not cases else ""),
        ran=True,
        optional=optional or worst.reason in aliases,
        known=verdict is Verdict.VIOLATED and clean and not fresh,
        fresh=fresh,
        controls=sum(result.controls for result in found),
        cases=cases,
        explained=worst.explained if verdict is Verdict.INCONCLUSIVE else "",
    )


def _verdict(result: CheckResult) -> Verdict:
    """The verdict that the result supports: cases violate, and a check without calls proves nothing."""
    if result.cases:
        return Verdict.VIOLATED
    if result.verdict is Verdict.HELD and not result.calls:
        return Verdict.INCONCLUSIVE
    return result.verdict


def _all_known(result: CheckResult) -> bool:
    return bool(result.cases) and all(case.known is not None for case in result.cases)


def _overall(checks: Sequence[CheckRow]) -> Verdict:
    """The worst verdict of all; a run in which no user saw their own facts proves nothing."""
    if not any(row.verdict is Verdict.HELD and row.controls > 0 for row in checks):
        return Verdict.worst((Verdict.INCONCLUSIVE, *(row.verdict for row in checks)))
    return Verdict.worst(Verdict.HELD if row.good else row.verdict for row in checks)


def _level(checks: Sequence[CheckRow], *, undeclared: bool) -> Level | None:
    """The highest level at which this level's checks and all lower ones are good.

    A level also needs a check that held with its positive controls, because skipping all checks proves
    nothing. undeclared: whether a hazard showed that the target does not declare; it ends below `hardened`.
    """
    reached = None
    for level in Level if not undeclared else (Level.CORE,):
        rows = [row for row in checks if row.level is level]
        proved = any(row.verdict is Verdict.HELD and row.controls > 0 for row in rows)
        if not proved or not all(row.good for row in rows):
            break
        reached = level
    return reached


def _anomaly_rows(checks: Sequence[CheckRow]) -> tuple[AnomalyRow, ...]:
    found = (case.finding.anomaly for row in checks for case in row.cases)
    covered = dict.fromkeys((*(a for row in checks for a in row.anomalies), *found))
    order = {name: place for place, name in enumerate(CATALOGUE)}
    names = sorted(covered, key=lambda name: (order.get(name, len(order)), name))
    return tuple(_anomaly_row(name, checks) for name in names)


def _anomaly_row(name: str, checks: Sequence[CheckRow]) -> AnomalyRow:
    mine = [row for row in checks if _covers(row, name)] or [row for row in checks if name in row.anomalies]
    verdicts = [_of_anomaly(row, name) for row in mine]
    keys: Counter[bool] = Counter()
    for key in {case.finding.key for row in mine for case in row.cases if case.finding.anomaly == name}:
        same = [case for row in mine for case in row.cases if case.finding.key == key]
        keys[all(case.known is not None for case in same)] += 1
    return AnomalyRow(
        id=name,
        name=CATALOGUE[name].name if name in CATALOGUE else name,
        verdict=Verdict.worst(verdicts),
        checks=sum(row.ran for row in mine),
        held=sum(verdict is Verdict.HELD for verdict in verdicts),
        not_run=sum(not row.ran for row in mine),
        findings=keys[False],
        known=keys[True],
        explained=any(row.explained for row in checks) and _is_untold(name, mine),
    )


def _is_untold(name: str, mine: Sequence[CheckRow]) -> bool:
    """Whether all of its checks that are supported were skipped or showed other anomalies."""
    asked = [row for row in mine if row.verdict is not Verdict.NOT_SUPPORTED and not row.explained]
    silent = any(row.verdict is not Verdict.NOT_SUPPORTED for row in mine)
    return silent and all(row.verdict is Verdict.VIOLATED and not _shows(row, name) for row in asked)


def _covers(row: CheckRow, name: str) -> bool:
    """Whether the check covers the anomaly; a check that is not supported covers its first anomaly only."""
    if row.verdict is Verdict.NOT_SUPPORTED:
        return name in row.anomalies[:1]
    return name in row.anomalies or _shows(row, name)


def _shows(row: CheckRow, name: str) -> bool:
    return any(case.finding.anomaly == name for case in row.cases)


def _of_anomaly(row: CheckRow, name: str) -> Verdict:
    """The check's verdict on one anomaly; a check that another anomaly violated proves nothing about it."""
    if row.verdict is Verdict.VIOLATED and row.cases and not _shows(row, name):
        return Verdict.INCONCLUSIVE
    return row.verdict
