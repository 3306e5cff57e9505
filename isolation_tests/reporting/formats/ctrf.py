"""A run in the Common Test Report Format (CTRF): one test per check, for dashboards.

Only a check that held is `passed`. A check that is violated (known or not) or ended in an error is `failed`.
A check that proved nothing (inconclusive, not run) is `other`. A check that the target does not support is
`skipped`.

The format: https://github.com/ctrf-io/ctrf/blob/main/spec/ctrf.md
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from typing import Any

from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.summary import CheckRow, Summary, summary_of
from isolation_tests.reporting.evidence.times import instant
from isolation_tests.reporting.formats.json_common import as_json, identifier, why
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.reporting.narrative.wording import verdict_line

__all__ = ["render"]

SPEC_VERSION = "0.0.0"
STATUSES = {
    Verdict.HELD: "passed",
    Verdict.VIOLATED: "failed",
    Verdict.ERROR: "failed",
    Verdict.INCONCLUSIVE: "other",
    Verdict.NOT_SUPPORTED: "skipped",
}


def render(evidence: Evidence) -> str:
    """The run as CTRF JSON; times come from the evidence, in milliseconds since 1970."""
    header, summary = evidence.header, summary_of(evidence)
    seconds = _seconds(evidence.results)
    tests = [_test(row, header.target.name, seconds.get(row.check, 0.0)) for row in summary.checks]
    return as_json(
        {
            "reportFormat": "CTRF",
            "specVersion": SPEC_VERSION,
            "reportId": identifier("ctrf", header.run_id, evidence.footer.digest),
            "timestamp": instant(evidence.footer.ended).isoformat(),
            "generatedBy": f"isolation-tests {header.suite_version}",
            "results": {
                "tool": {"name": "isolation-tests", "version": header.suite_version},
                "summary": _summary(evidence, summary, tests),
                "tests": tests,
                "environment": _environment(evidence),
            },
        }
    )


def _seconds(results: tuple[CheckResult, ...]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for result in results:
        if math.isfinite(result.seconds):
            seconds[result.check] = seconds.get(result.check, 0.0) + result.seconds
    return seconds


def _summary(evidence: Evidence, summary: Summary, tests: list[dict[str, Any]]) -> dict[str, Any]:
    counts = Counter(test["status"] for test in tests)
    start, stop = _milliseconds(evidence.header.started), _milliseconds(evidence.footer.ended)
    return {
        "tests": len(tests),
        **{status: counts[status] for status in ("passed", "failed", "skipped", "pending", "other")},
        "start": start,
        "stop": stop,
        "duration": stop - start,
        "extra": {
            "isolation.verdict": summary.verdict,
            "isolation.level": summary.level,
            "isolation.sentence": verdict_line(summary),
            "isolation.exit-status": evidence.footer.exit_status,
            "isolation.known-only": summary.known_only,
            "isolation.stale-known": summary.stale_known,
            "isolation.not-run": len(summary.not_run),
        },
    }


def _test(row: CheckRow, target: str, seconds: float) -> dict[str, Any]:
    test: dict[str, Any] = {
        "id": identifier("check", target, row.check),
        "name": row.check or "unnamed check",
        "status": STATUSES[row.verdict],
        "rawStatus": row.verdict if row.ran else "not run",
        "duration": round(seconds * 1000),
        "suite": [target, row.level, row.check.partition("[")[0]],
        "type": "security",
        "tags": [row.level, *row.anomalies],
        "extra": {
            "isolation.law": row.title,
            "isolation.anomalies": row.anomalies,
            "isolation.level": row.level,
            "isolation.optional": row.optional,
            "isolation.controls": row.controls,
            "isolation.known": row.known,
            "isolation.findings": [
                {"key": case.finding.key, "seen": case.seen, "tried": case.tried, "known": case.known}
                for case in row.cases
            ],
        },
    }
    if row.verdict is not Verdict.HELD:
        test["message"] = _message(row)
    if row.cases:
        test["snippet"] = reproduction(row.cases[0])
    return test


def _message(row: CheckRow) -> str:
    stories = [f"known ({case.known}): {story(case)}" if case.known else story(case) for case in row.cases]
    return "\n".join(stories) or why(row)


def _environment(evidence: Evidence) -> dict[str, Any]:
    header = evidence.header
    versions = [f"{name} {version}" for name, version in header.target.distributions.items()]
    return {
        "reportName": f"isolation of {header.target.name}",
        "appName": header.target.name,
        "appVersion": ", ".join(versions) or "unknown",
        "osPlatform": header.platform.lower(),
        "extra": {
            "isolation.run": header.run_id,
            "isolation.adapter": header.target.adapter,
            "isolation.profile": header.profile,
            "isolation.whole": header.whole,
            "isolation.selection": header.selection,
            "isolation.seed": header.seed,
            "isolation.python": header.python,
        },
    }


def _milliseconds(text: str) -> int:
    return (instant(text) - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(milliseconds=1)
