"""A run's findings as comma-separated values, one row per finding, for spreadsheets and issue trackers.

The first rows are the causes' proofs, one for each cause.

A cell that a spreadsheet would read as a formula gets an apostrophe in front, as OWASP advises:
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.inert import inert
from isolation_tests.model import Case
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.narrative.causes import by_cause, headline, support
from isolation_tests.reporting.narrative.commands import showing_again
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.reporting.narrative.wording import law_of, names_of

__all__ = ["COLUMNS", "render"]

COLUMNS = (
    "cause",
    "shown by",
    "finding",
    "anomaly",
    "name",
    "severity",
    "weaknesses",
    "operation",
    "relation",
    "known",
    "known reason",
    "seen",
    "tried",
    "user a",
    "user b",
    "law",
    "story",
    "reproduction",
    "replay",
    "usual fix",
    "target",
    "versions",
    "run",
    "started",
    "profile",
    "seed",
)
# Some programs read full-width signs like the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(evidence: Evidence) -> str:
    """The findings as CSV with a header row; every cell is quoted and none is a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for cause, case in by_cause(summary_of(evidence)):
        told = ("", "") if cause is None else (headline(cause), support(cause))
        cells = (*told, *_finding(case, evidence.header), *_run(evidence))
        writer.writerow([_cell(value) for value in cells])
    return file.getvalue()


def _finding(case: Case, header: Header) -> tuple[object, ...]:
    finding = case.finding
    entry = CATALOGUE.get(finding.anomaly)
    names = dict(names_of(case))
    return (
        finding.key,
        finding.anomaly,
        entry.name if entry else "",
        entry.severity if entry else "",
        " ".join(entry.cwe) if entry else "",
        finding.operation,
        finding.relation or "",
        "no" if case.known is None else "yes",
        case.known or "",
        case.seen,
        case.tried,
        names.get("user a", ""),
        names.get("user b", ""),
        law_of(case),
        story(case),
        reproduction(case),
        showing_again(case, header),
        entry.fix if entry else "",
    )


def _run(evidence: Evidence) -> tuple[object, ...]:
    header = evidence.header
    return (
        header.target.name,
        " ".join(f"{name}=={version}" for name, version in header.target.distributions.items()),
        header.run_id,
        header.started,
        header.profile,
        "" if header.seed is None else header.seed,
    )


def _cell(value: object) -> str:
    text = inert(str(value))
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
