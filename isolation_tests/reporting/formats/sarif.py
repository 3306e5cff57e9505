"""A run as SARIF 2.1.0, for code scanning: rules are anomalies, results are findings.

Each cause's proof comes first; every result names its cause.

A known finding is a result with a suppression that quotes the reason. An inconclusive check is a notification
and sets `executionSuccessful` to false, so that an empty list of results never stands for "not tested".

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
What GitHub reads of it:
https://docs.github.com/code-security/secure-coding/sarif-support-for-code-scanning
GitHub needs a place in a file for each result and at most 20 tags per rule. It identifies results by
`primaryLocationLineHash` alone, so that hash is made from target and finding.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

from isolation_tests.catalogue import CATALOGUE, Anomaly
from isolation_tests.causes.clusters import Cause
from isolation_tests.core.inert import inert
from isolation_tests.core.plural import counted
from isolation_tests.model import Case, Verdict
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, Evidence, TargetInfo
from isolation_tests.reporting.evidence.summary import CheckRow, Summary, summary_of
from isolation_tests.reporting.evidence.times import instant
from isolation_tests.reporting.formats.json_common import as_json, one_line, why
from isolation_tests.reporting.narrative.causes import by_cause, headline, support
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.reporting.narrative.wording import law_of, names_of, verdict_line

__all__ = ["render"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# The middle of the band for which GitHub uses the same word; not the score of a vulnerability.
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
MOST_NAMED = 5
NOTICES = {
    Verdict.ERROR: ("error", "A check ended in an error of the adapter or the target, so it proves nothing."),
    Verdict.INCONCLUSIVE: ("warning", "A check was inconclusive, so it proves nothing."),
    Verdict.NOT_SUPPORTED: (
        "warning",
        "A check was skipped, because the target does not offer what it needs.",
    ),
}
NOT_RUN = "not-run"
STALE = "stale-known-finding"


def render(evidence: Evidence) -> str:
    """The run as SARIF JSON."""
    summary = summary_of(evidence)
    rules = _rules(summary)
    return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(evidence, summary, rules)]})


def _run(evidence: Evidence, summary: Summary, rules: list[str]) -> dict[str, Any]:
    header = evidence.header
    place = _place(header.target)
    return {
        "tool": {
            "driver": {
                "name": "isolation-tests",
                "version": header.suite_version,
                "semanticVersion": header.suite_version,
                "shortDescription": {"text": "Tests whether an agent-memory system keeps its users apart."},
                "rules": [_rule(name) for name in rules],
                "notifications": [
                    *(
                        {"id": _id(verdict), "shortDescription": {"text": text}}
                        for verdict, (_, text) in NOTICES.items()
                    ),
                    {"id": NOT_RUN, "shortDescription": {"text": "Expected checks did not run."}},
                    {"id": STALE, "shortDescription": {"text": "The list of known findings is outdated."}},
                ],
            }
        },
        "automationDetails": {"id": f"isolation-tests/{header.target.name}/{header.run_id}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(evidence, summary)],
        "results": [
            *(_finding(case, cause, header.target, place, rules) for cause, case in by_cause(summary)),
            *(_unshown(row, header.target, place, rules) for row in summary.checks if _is_unshown(row)),
        ],
        "properties": {
            "verdict": summary.verdict,
            "level": summary.level,
            "sentence": verdict_line(summary),
            "target": header.target.name,
            "distributions": header.target.distributions,
            "profile": header.profile,
            "whole": header.whole,
            "selection": header.selection,
            "causes": [{"cause": headline(cause), "shownBy": support(cause)} for cause in summary.causes],
            "checks": len(summary.checks),
            "held": summary.counts[Verdict.HELD],
        },
    }


def _rules(summary: Summary) -> list[str]:
    """The whole catalogue, because rules belong to the tool, then anomalies unknown to this version."""
    found = (row.anomalies[0] for row in summary.checks if _is_unshown(row) and row.anomalies)
    shown = (case.finding.anomaly for case in summary.cases)
    return list(dict.fromkeys((*CATALOGUE, *shown, *found)))


def _rule(name: str) -> dict[str, Any]:
    entry = CATALOGUE.get(name)
    if entry is None:
        text = {
            "text": f"This version does not know the anomaly {one_line(name)}; the evidence states its law."
        }
        return {"id": name or "unnamed", "shortDescription": text, "fullDescription": text, "help": text}
    properties: dict[str, Any] = {
        "tags": ["security", *(f"external/cwe/{weakness.lower()}" for weakness in entry.cwe)],
        "precision": "very-high",
        "controls": entry.controls,
        "certificateLevel": entry.level,
    }
    if entry.severity in SCORES:
        properties["security-severity"] = SCORES[entry.severity]
    return {
        "id": entry.id,
        "name": entry.name,
        "shortDescription": {"text": entry.law},
        "fullDescription": {"text": entry.law},
        "help": {"text": "\n".join(_help(entry))},
        "defaultConfiguration": {"level": "error"},
        "properties": properties,
    }


def _help(entry: Anomaly) -> Iterator[str]:
    yield f"Law: {entry.law}"
    yield f"Usual fix: {entry.fix}"
    yield f"Weakness: {', '.join(entry.cwe) or 'none recorded'}"
    yield f"Public cases: {', '.join(entry.cases) or 'none recorded'}"
    if entry.note:
        yield f"Note: {entry.note}"


def _finding(
    case: Case, cause: Cause | None, target: TargetInfo, place: tuple[str, str], rules: list[str]
) -> dict[str, Any]:
    finding = case.finding
    result = _result(finding.anomaly, finding.key, f"{story(case)} Law: {law_of(case)}", target, place, rules)
    result["locations"][0]["logicalLocations"] = [
        {
            "name": finding.operation,
            "fullyQualifiedName": f"{target.name}.{finding.operation}",
            "kind": "function",
        }
    ]
    result["properties"] = {
        "finding": finding.key,
        "cause": "" if cause is None else headline(cause),
        "relation": finding.relation,
        "where": finding.where,
        "names": dict(names_of(case)),
        "seen": case.seen,
        "tried": case.tried,
        "intermittent": case.intermittent,
        "reproduction": reproduction(case),
    }
    if case.known is not None:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": f"Known finding: {one_line(case.known)}",
            }
        ]
    return result


def _is_unshown(row: CheckRow) -> bool:
    return row.verdict is Verdict.VIOLATED and not row.cases


def _unshown(row: CheckRow, target: TargetInfo, place: tuple[str, str], rules: list[str]) -> dict[str, Any]:
    """A result for a violated check without a recorded case, which must not disappear."""
    anomaly = next(iter(row.anomalies), rules[0])
    return _result(
        anomaly, row.check, f"The check {row.check} was violated: {why(row)}", target, place, rules
    )


def _result(
    anomaly: str, key: str, text: str, target: TargetInfo, place: tuple[str, str], rules: list[str]
) -> dict[str, Any]:
    uri, what = place
    digest = hashlib.sha256(ascii((target.name, key)).encode("ascii")).hexdigest()
    return {
        "ruleId": anomaly or "unnamed",
        "ruleIndex": rules.index(anomaly),
        "level": "error",
        "message": _message(text),
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri},
                    "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
                },
                "message": {"text": what},
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{digest[:16]}:1", "isolationFinding/v1": digest},
    }


def _message(text: str) -> dict[str, str]:
    """A message without placeholders and links: braces are doubled and link syntax is broken up."""
    return {"text": inert(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _invocation(evidence: Evidence, summary: Summary) -> dict[str, Any]:
    notices = list(_notices(summary))
    settled = summary.verdict in (Verdict.HELD, Verdict.VIOLATED)
    return {
        "executionSuccessful": settled and all(notice["level"] == "note" for notice in notices),
        "exitCode": evidence.footer.exit_status,
        "exitCodeDescription": verdict_line(summary),
        "startTimeUtc": _time(evidence.header.started),
        "endTimeUtc": _time(evidence.footer.ended),
        "toolExecutionNotifications": notices,
        "properties": {"verdict": summary.verdict, "level": summary.level},
    }


def _notices(summary: Summary) -> Iterator[dict[str, Any]]:
    for row in summary.checks:
        if row.ran and row.verdict in NOTICES and not row.good and not row.explained:
            yield _notice(_id(row.verdict), NOTICES[row.verdict][0], f"{row.check}: {why(row)}")
    if count := sum(row.good for row in summary.not_supported):
        yield _notice(
            _id(Verdict.NOT_SUPPORTED),
            "note",
            f"{counted(count, 'check was', 'checks were')} skipped: not supported by the target.",
        )
    if summary.explained:
        skipped = counted(len(summary.explained), "check was", "checks were")
        yield _notice(
            _id(Verdict.INCONCLUSIVE), "note", f"{skipped} skipped because a finding explains them."
        )
    if summary.not_run:
        some = ", ".join(summary.not_run[:MOST_NAMED])
        yield _notice(
            NOT_RUN,
            "warning",
            f"{counted(len(summary.not_run), 'expected check')} did not run, such as {some}.",
        )
    for note in summary.stale_known:
        yield _notice(STALE, "warning", note)
    if summary.verdict is Verdict.INCONCLUSIVE and not summary.not_run and not summary.unsettled:
        yield _notice(
            _id(Verdict.INCONCLUSIVE), "warning", "No user saw their own facts, so the run proves nothing."
        )


def _notice(name: str, level: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": name}, "level": level, "message": _message(text)}


def _id(verdict: Verdict) -> str:
    return verdict.lower().replace("_", "-")


def _time(text: str) -> str:
    return instant(text).strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(target: TargetInfo) -> tuple[str, str]:
    """The file to attach findings to, with a note: the adapter's, else the target's, else the evidence.

    A path outside the folder in which the run started is not in a repository that could be shown.
    """
    adapter, described = target.adapter.rpartition(":")[0], target.source.endswith(".toml")
    base = posixpath.dirname(target.source.replace("\\", "/")) if described else ""
    if adapter.endswith(".py") and (uri := _uri(adapter, base)):
        return (
            uri,
            "The adapter of the target. The cause may lie in the system behind it.",
        )
    if described and (uri := _uri(target.source, "")):
        return uri, "The file that describes the target. The cause lies in the described system."
    return EVIDENCE_NAME, "The evidence of the run. No file of this repository describes the target."


def _uri(path: str, base: str) -> str | None:
    path = path.replace("\\", "/")
    if PureWindowsPath(path).drive:
        return PureWindowsPath(path).as_uri() if PureWindowsPath(path).is_absolute() else None
    joined = posixpath.normpath(posixpath.join(base, path))
    if joined.startswith("/"):
        return PurePosixPath(joined).as_uri()
    return None if joined.startswith("..") else quote(joined, errors="replace")
