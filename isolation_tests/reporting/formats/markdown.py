"""A run as Markdown for a pull request comment or a job summary: short, and safe whatever the target said.

Text from a target stands only in code spans and fenced blocks, so it can't become a mention, a link, HTML or
a table. GitHub rejects comments of more than 65,536 characters.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator
from itertools import accumulate

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.causes.clusters import Cause
from isolation_tests.core.inert import inert
from isolation_tests.core.plural import counted
from isolation_tests.model import Case, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.strength import Strength, strength_lines
from isolation_tests.reporting.evidence.summary import AnomalyRow, CheckRow, Summary, summary_of
from isolation_tests.reporting.narrative.causes import headline, proof, support
from isolation_tests.reporting.narrative.commands import showing_again
from isolation_tests.reporting.narrative.coverage import coverage_line, coverage_rows
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.reporting.narrative.wording import (
    RUN_NOT_HELD,
    hazard_text,
    law_of,
    names_of,
    row_verdict,
    verdict_line,
)

__all__ = ["MARK", "MOST_BYTES", "code", "render"]

MARK = "<!-- isolation-tests -->"
"""The first line, which identifies an earlier comment."""
MOST_BYTES = 60_000
_FINDINGS_BYTES = 40_000
_MOST_KEYS = 20
_MOST_KNOWN = 50
_MOST_REASONS = 20
_LINE = 300
_BLOCK = 3000
_WIDTH = 100
_TICKS = re.compile("`+")
_NO_WORD = re.compile(r"[^A-Za-z0-9 _.-]")
_NO_PHRASE = re.compile(r"[^A-Za-z0-9 .,'()-]")


def render(evidence: Evidence, strength: Strength | str | None = None) -> str:
    """The run as Markdown of at most `MOST_BYTES` UTF-8 bytes; a note marks what was cut.

    strength: the measured strength, if any, or why an existing one can't be shown.
    """
    summary = summary_of(evidence)
    parts = [
        MARK,
        f"### User isolation of {code(evidence.header.target.title)}: {_headline(summary)}",
        verdict_line(summary),
        *_findings(summary, evidence.header),
        *_known(summary),
        *_hazards(summary),
        *_untested(summary),
        *_anomalies(summary),
        *_coverage(summary),
        *([f"Volume: {_words(summary.volume)}."] if summary.volume else []),
        *_about(evidence, strength),
    ]
    return _fitted(parts)


def _headline(summary: Summary) -> str:
    known = ", known" if summary.verdict is Verdict.VIOLATED and summary.known_only else ""
    return f"{summary.verdict.replace('_', ' ')}{known}"


def _findings(summary: Summary, header: Header) -> Iterator[str]:
    new = sum(case.known is None for case in summary.cases)
    causes = [cause for cause in summary.causes if not cause.known]
    if new:
        yield f"#### {counted(len(causes), 'cause')}, {counted(new, 'new finding')}"
    left = _FINDINGS_BYTES
    for number, cause in enumerate(causes):
        part = _cause(cause, proof(summary, cause), header)
        left -= len(part.encode("utf-8", "backslashreplace"))
        if left < 0:
            more = counted(len(causes) - number, "more cause")
            yield f"**{more} left out here.** The run's report lists them all."
            return
        yield part


def _cause(cause: Cause, case: Case, header: Header) -> str:
    """One cause, folded: its proof with law, story, names, reproduction, replay command and usual fix."""
    finding = case.finding
    entry = CATALOGUE.get(finding.anomaly)
    names = "\n".join(f"{label:<10}{value}" for label, value in names_of(case))
    happened = textwrap.fill(inert(story(case), _BLOCK), _WIDTH, break_on_hyphens=False)
    severity = f", {entry.severity}" if entry else ""
    often = f"{case.seen} of {case.tried} {'try' if case.tried == 1 else 'tries'}"
    parts = [
        f"<details><summary><code>{_html(headline(cause))}</code>{severity}</summary>",
        f"Shown by {_html(support(cause))}.",
        f"Proved by {code(finding.key)}, which showed in {often}.",
        f"{'**Law:** ' + entry.law if entry else '**Law:** ' + code(law_of(case))}",
        _fenced(f"{happened}\n\n{names}", "text"),
        _fenced(reproduction(case), "python"),
        _fenced(showing_again(case, header), "sh"),
        *([f"**Usual fix:** {entry.fix}"] if entry else []),
        *([f"**Explains:** {_keys(cause)}"] if len(cause.keys) > 1 else []),
        "</details>",
    ]
    return "\n\n".join(parts)


def _keys(cause: Cause) -> str:
    """The findings that a cause explains, the first of many."""
    more = len(cause.keys) - _MOST_KEYS
    return ", ".join(code(key) for key in cause.keys[:_MOST_KEYS]) + (f" and {more} more" if more > 0 else "")


def _known(summary: Summary) -> Iterator[str]:
    known = [case for case in summary.cases if case.known is not None]
    lines = [
        f"- {code(case.finding.key)}, {case.seen} of {case.tried}: {code(case.known or 'no reason')}"
        for case in known
    ]
    stale = [f"- {code(note)}" for note in summary.stale_known]
    if lines:
        heading = f"{counted(len(lines), 'known finding')} (a known finding blocks its level)"
        yield _folded(heading, _cut(lines, _MOST_KNOWN))
    if stale:
        yield "#### Outdated known findings fail the run"
        yield "\n".join(_cut(stale, _MOST_KNOWN))


def _hazards(summary: Summary) -> Iterator[str]:
    if summary.hazards:
        lines = [f"- {code(hazard_text(hazard))}" for hazard in summary.hazards]
        yield _folded(counted(len(lines), "hazard"), _cut(lines, _MOST_KNOWN))


def _untested(summary: Summary) -> Iterator[str]:
    """What was not proved, and why; the counts are complete."""
    groups = {
        "inconclusive or in error": summary.unsettled,
        "explained by a finding": summary.explained,
        "not supported": summary.not_supported,
        "not run": tuple(row for row in summary.checks if not row.ran),
    }
    if not any(groups.values()):
        return
    counts = ", ".join(f"{len(rows)} {word}" for word, rows in groups.items() if rows)
    lines = [line for word, rows in groups.items() for line in _reasons(word, rows)]
    yield _folded(f"Not proved: {counts}", lines)


def _reasons(word: str, rows: tuple[CheckRow, ...]) -> list[str]:
    """Each reason once, with the number of its checks and the first of them."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(row.reason or "no reason given", []).append(row.check)
    lines = [
        f"- {len(checks)} {word}, {code(reason)}: {code(checks[0])}{' and others' if checks[1:] else ''}"
        for reason, checks in by_reason.items()
    ]
    return _cut(lines, _MOST_REASONS)


def _anomalies(summary: Summary) -> Iterator[str]:
    if not summary.rows:
        return
    lines = ["| anomaly | verdict | held of run | not run | findings | known |", "|---|---|--:|--:|--:|--:|"]
    yield _folded("By anomaly", [*lines, *map(_row, summary.rows), "", RUN_NOT_HELD])


def _coverage(summary: Summary) -> Iterator[str]:
    if summary.coverage is None:
        return
    lines = ["| together | occurred | possible | not covered |", "|---|--:|--:|---|"]
    lines += [
        f"| {_words(row.dimensions)} | {row.covered} | {row.possible} | {_words(row.missing) or '-'} |"
        for row in coverage_rows(summary.coverage)
    ]
    yield _folded(f"Coverage: {coverage_line(summary.coverage)}", lines)


def _words(text: str) -> str:
    """Text for a table, in which not even a code span is safe."""
    return _NO_PHRASE.sub("?", text)[:_BLOCK]


def _row(row: AnomalyRow) -> str:
    # Foreign evidence may name an anomaly anything, and in a table not even a code span is safe.
    name = _NO_WORD.sub("?", row.id if row.id == row.name else f"{row.id} {row.name}")[:_LINE]
    figures = (f"{row.held} of {row.checks}", row.not_run, row.findings, row.known)
    return f"| {name} | {row_verdict(row)} | {' | '.join(str(figure or '-') for figure in figures)} |"


def _about(evidence: Evidence, strength: Strength | str | None) -> Iterator[str]:
    header = evidence.header
    versions = ", ".join(f"{name} {version}" for name, version in header.target.distributions.items())
    seed = "a random seed" if header.seed is None else f"seed {header.seed}"
    narrowed = [f"- narrowed by {code(' '.join(header.selection))}"] if header.selection else []
    lines = [
        f"- target {code(header.target.name)}, {code(versions or 'version unknown')}",
        f"- adapter {code(header.target.adapter)}",
        f"- profile {code(header.profile)}, {seed}, run {code(header.run_id)}",
        f"- ended {code(evidence.footer.ended)}",
        f"- isolation-tests {code(header.suite_version)}; Python {code(header.python or 'unknown')}",
        f"- strength: {_strength(strength, evidence)}",
        *narrowed,
    ]
    yield _folded("What was tested", lines)


def _strength(strength: Strength | str | None, evidence: Evidence) -> str:
    if strength is None:
        return "not measured; `isolation-tests calibrate` measures it"
    if isinstance(strength, str):
        return code(strength)
    if strength.versions != evidence.header.target.distributions:
        return "not measured for this version; calibrate again"
    return code(strength_lines(strength)[0])


def _folded(heading: str, lines: list[str]) -> str:
    body = "\n".join(lines)
    return f"<details><summary>{html.escape(heading)}</summary>\n\n{body}\n\n</details>"


def _cut(lines: list[str], most: int) -> list[str]:
    left_out = len(lines) - most
    return lines if left_out <= 0 else [*lines[:most], f"- and {left_out} more, left out here"]


def code(text: str) -> str:
    """The text as a code span on one line, which is never read as Markdown, a mention or a link."""
    line = " ".join(inert(text, _LINE).split()) or "none"
    fence = "`" * (_longest_ticks(line) + 1)
    space = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{space}{line}{space}{fence}"


def _fenced(text: str, language: str) -> str:
    block = inert(text, _BLOCK)
    fence = "`" * max(_longest_ticks(block) + 1, 3)
    return f"{fence}{language}\n{block}\n{fence}"


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _html(text: str) -> str:
    return html.escape(" ".join(inert(text, _LINE).split()))


def _fitted(parts: list[str]) -> str:
    """The parts that fit, and a note if some do not; no part is cut, so no fold stays open."""
    note = "**The rest is left out here.** The run's report shows everything."
    sizes = [len(part.encode("utf-8", "backslashreplace")) + 2 for part in parts]
    if sum(sizes) <= MOST_BYTES:
        return "\n\n".join(parts) + "\n"
    ends = list(accumulate(sizes, initial=len(note) + 2))
    kept = sum(end <= MOST_BYTES for end in ends[1:])
    return "\n\n".join([*parts[:kept], note]) + "\n"
