"""One self-contained HTML page from a run's evidence: no network, light and dark, printable, no scripts."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isolation_tests.anomalies import CATALOGUE, Anomaly
from isolation_tests.model import Case, Operation, Verdict
from isolation_tests.reporting.errors import NotWritable
from isolation_tests.reporting.evidence import Evidence, Header
from isolation_tests.reporting.replays import replay_path
from isolation_tests.reporting.reproduction import reproduction, story
from isolation_tests.reporting.summary import grid, summarise
from isolation_tests.reporting.text import (
    header_lines,
    law_of,
    names_of,
    plain,
    replay_command,
    row_verdict,
    verdict_line,
)

__all__ = ["render_html", "write_html"]

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class _Finding:
    """A finding as the page tells it, all of it text."""

    anchor: str
    case: Case
    entry: Anomaly | None
    law: str
    story: str
    names: list[tuple[str, str]]
    reproduction: str
    replay: str


def write_html(evidence: Evidence, path: Path | str) -> Path:
    """Write the page, whole or not at all; return its path. `NotWritable` if it can't be written."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(render_html(evidence).encode("utf-8", "backslashreplace"))
        partial.replace(path)
    except OSError as error:
        raise NotWritable(path.parent, error.strerror or type(error).__name__) from error
    return path


def render_html(evidence: Evidence) -> str:
    """The page as text. Whatever came from a target is escaped, control characters are spelled."""
    footer = evidence.footer
    summary = summarise(evidence.header, evidence.results, (*footer.unmatched_known, *footer.expired_known))
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
    )
    environment.filters["row_verdict"] = row_verdict
    environment.filters["words"] = _words
    cells = grid(evidence.results)
    return environment.get_template("report.html.j2").render(
        header=evidence.header,
        header_lines=header_lines(evidence.header),
        footer=footer,
        summary=summary,
        verdict_line=verdict_line(summary),
        grid=cells,
        operations=[op for op in Operation if any(op in row for row in cells.values())],
        findings=[_finding(number, case) for number, case in enumerate(summary.cases, start=1)],
        outside=[entry for entry in CATALOGUE.values() if not entry.visible],
        rerun=_rerun(evidence.header),
        controls=sorted(
            {c for row in summary.rows if row.id in CATALOGUE for c in CATALOGUE[row.id].controls}
        ),
    )


def _finding(number: int, case: Case) -> _Finding:
    return _Finding(
        anchor=f"finding-{number}",
        case=case,
        entry=CATALOGUE.get(case.finding.anomaly),
        law=law_of(case),
        story=story(case),
        names=names_of(case),
        reproduction=reproduction(case),
        replay=replay_command(replay_path(Path(), case.finding)),
    )


def _rerun(header: Header) -> str:
    seed = [] if header.seed is None else ["--seed", str(header.seed)]
    return shlex.join(["isolation-tests", "run", header.target.name, "--profile", header.profile, *seed])


def _final(value: object) -> object:
    """Control characters of text are spelled before it is escaped; markup made here passes untouched."""
    return plain(value) if type(value) is str else value


def _words(verdict: Verdict | None) -> str:
    return "not asked" if verdict is None else verdict.replace("_", " ").lower()
