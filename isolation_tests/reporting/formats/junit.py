"""Properties that a certifying run adds to pytest's JUnit file, for each test and for the whole run."""

from __future__ import annotations

from isolation_tests.core.inert import inert
from isolation_tests.core.masking import masked_text
from isolation_tests.model import CheckResult
from isolation_tests.reporting.evidence.evidence import Header
from isolation_tests.reporting.evidence.summary import Summary

__all__ = ["suite_properties", "test_properties"]


def test_properties(result: CheckResult) -> list[tuple[str, str]]:
    """One check as properties: its coverage and its result; known findings are listed apart from new ones."""
    known = [case.finding.key for case in result.cases if case.known is not None]
    new = [case.finding.key for case in result.cases if case.known is None]
    return _prefixed(
        {
            "check": result.check,
            "anomalies": " ".join(result.anomalies),
            "level": result.level,
            "verdict": result.verdict,
            "reason": result.reason,
            "findings": " ".join(dict.fromkeys(new)),
            "known": " ".join(dict.fromkeys(known)),
        }
    )


def suite_properties(header: Header, summary: Summary | None) -> list[tuple[str, str]]:
    """The run as properties; without a summary it did not finish and proved nothing."""
    versions = " ".join(f"{name}=={version}" for name, version in header.target.distributions.items())
    return _prefixed(
        {
            "target": header.target.name,
            "adapter": header.target.adapter,
            "versions": versions,
            "suite": header.suite_version,
            "run": header.run_id,
            "profile": header.profile,
            "seed": "" if header.seed is None else str(header.seed),
            "selection": " ".join(header.selection),
            "verdict": summary.verdict if summary else "none: the run did not finish",
            "level": (summary.level or "none") if summary else "none",
            "known-only": str(summary.known_only).lower() if summary else "false",
        }
    )


def _prefixed(properties: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"isolation.{name}", inert(masked_text(value))) for name, value in properties.items() if value]
