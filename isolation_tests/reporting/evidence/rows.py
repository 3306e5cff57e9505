"""One row for each check and for each anomaly of a run: what the results prove about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
    Case,
    CheckResult,
    Level,
    Outcome,
    Verdict,
    alias_reason,
)
from isolation_tests.plans import OVERLAP
from isolation_tests.reporting.evidence.evidence import ExpectedCheck, Header

__all__ = ["NOT_RUN", "AnomalyRow", "CheckRow", "anomaly_rows", "check_rows"]

# Certificates sign these two texts, so they never change.
NOT_RUN = "not run"
NO_CALL = "the check made no call, so it proved nothing"


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


def check_rows(header: Header, results: Sequence[CheckResult]) -> tuple[CheckRow, ...]:
    """Every expected check in its order, then those that nobody expected."""
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


def anomaly_rows(checks: Sequence[CheckRow]) -> tuple[AnomalyRow, ...]:
    """Every anomaly that was covered or found, in the order of the catalogue."""
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
