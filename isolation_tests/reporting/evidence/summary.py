"""What a run proved: pure functions from header and results to verdict, level and tables.

The rule that matters most: whatever was left out, skipped or not reached can only lower the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.causes.clusters import Cause, causes_of
from isolation_tests.model import (
    LADDER,
    NEEDS_DISPOSABLE,
    Case,
    CheckResult,
    Level,
    Operation,
    Outcome,
    Verdict,
    alias_reason,
)
from isolation_tests.plans import OVERLAP
from isolation_tests.reporting.evidence.evidence import Evidence, ExpectedCheck, Header

__all__ = [
    "AnomalyRow",
    "CheckRow",
    "Summary",
    "exit_status",
    "grid",
    "merge_cases",
    "summarise",
    "summary_of",
]

# Certificates sign these two texts, so they never change.
NOT_RUN = "not run"
NO_CALL = "the check made no call, so it proved nothing"
_UNJUDGED = frozenset({Operation.ADD, Operation.SETTLE})


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check's result: the worst of its reports, or INCONCLUSIVE if it never reported.

    optional: the check may be NOT_SUPPORTED without lowering the result. known: only known findings violate
    it. fresh: a finding that is not listed as known violates it. explained: the proven finding because of
    which the check was skipped. spared: it was left out because the target is not disposable; then the run
    can reach level safe at most.
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
    spared: bool = False

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
class Summary:
    """A run in figures.

    level: the highest level that was reached; None: not even the first. known_only: known findings are the
    only fault. cases: one per finding, with its smallest plan. stale_known: notes on known findings that did
    not show or expired. counts: checks by verdict. whole: the profile runs the whole matrix; a part of it
    reaches no level. causes: what the findings come from, the one that most checks show first.
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
    bad = [row for row in checks if not (row.good or row.spared)]
    return Summary(
        verdict=_overall(checks),
        level=_level(checks) if header.whole else None,
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
    )


def summary_of(evidence: Evidence) -> Summary:
    """What a run's evidence proves, outdated known findings included."""
    ending = evidence.footer
    return summarise(evidence.header, evidence.results, (*ending.unmatched_known, *ending.expired_known))


def exit_status(summary: Summary) -> int:
    """0: held, or only known findings. 1: violated. 2: inconclusive, incomplete, or outdated known list."""
    if summary.verdict is Verdict.VIOLATED:
        if any(row.fresh for row in summary.checks):
            return 1
        return 0 if summary.known_only else 2
    return 0 if summary.verdict is Verdict.HELD and not summary.stale_known else 2


def grid(results: Iterable[CheckResult]) -> dict[str, dict[Operation, Verdict]]:
    """Relation by operation: the worst verdict of each pair that the recorded histories tested.

    A violated check proves nothing about operations without a finding: those are INCONCLUSIVE.
    """
    cells: dict[str, dict[Operation, Verdict]] = {}
    for result in results:
        for relation, operation, verdict in _tested(result):
            row = cells.setdefault(relation, {})
            row[operation] = Verdict.worst((row.get(operation, Verdict.HELD), verdict))
    return dict(sorted(cells.items()))


def _tested(result: CheckResult) -> set[tuple[str, Operation, Verdict]]:
    shown = {(case.finding.relation or "unrelated", case.finding.operation) for case in result.cases}
    histories = (*result.histories, *(case.history for case in result.cases))
    tested = {
        (history.plan.relation or "unrelated", step.op)
        for history in histories
        for step in history.plan.steps
        if step.op not in _UNJUDGED
    }
    elsewhere = Verdict.INCONCLUSIVE if result.verdict is Verdict.VIOLATED or shown else result.verdict
    return {(*cell, Verdict.VIOLATED if cell in shown else elsewhere) for cell in tested | shown}


def _check_rows(header: Header, results: Sequence[CheckResult]) -> tuple[CheckRow, ...]:
    reported: dict[str, list[CheckResult]] = {}
    for result in results:
        reported.setdefault(result.check, []).append(result)
    aliases = frozenset(alias_reason(relation) for relation in header.aliases)
    expected = {check.check: check for check in header.expected}
    rows = [
        replace(
            _check_row(
                reported[name], check.level, aliases, optional=_may_lack(check, header, reported[name])
            ),
            spared=_is_spared(header, reported[name]),
        )
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


def _is_spared(header: Header, found: Sequence[CheckResult]) -> bool:
    """Whether every report of a check says that it was left out, and the target is indeed not disposable."""
    return not header.target.disposable and all(
        result.verdict is Verdict.NOT_SUPPORTED
        and result.reason == NEEDS_DISPOSABLE
        and not (result.calls or result.cases or result.histories)
        for result in found
    )


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
    return Verdict.worst(Verdict.HELD if row.good or row.spared else row.verdict for row in checks)


def _level(checks: Sequence[CheckRow]) -> Level | None:
    """The highest level at which this level's checks and all lower ones are good.

    A level also needs a check that held with its positive controls, because skipping all checks proves
    nothing. If checks were left out because the target is not disposable, the level is safe at most, whatever
    the others show.
    """
    reached = None
    spared = any(row.spared for row in checks)
    for level in LADDER:
        rows = [row for row in checks if row.level is level and not row.spared]
        proved = any(row.verdict is Verdict.HELD and row.controls > 0 for row in rows)
        if not proved or not all(row.good for row in rows):
            break
        reached = level
    return Level.SAFE if spared and reached is not None else reached


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
