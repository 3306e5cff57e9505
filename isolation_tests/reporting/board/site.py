"""The board as a static site: a matrix of systems and anomalies, and a page and a badge per system."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.plural import counted
from isolation_tests.model import Level
from isolation_tests.reporting.board.history import Changes, PastRun, changes
from isolation_tests.reporting.board.published import Published, Refused, load, sentence_of, spelled, word_of
from isolation_tests.reporting.evidence.errors import EvidenceError, NotWritable
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, PACKED, REPORT_NAME, Evidence
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME
from isolation_tests.reporting.evidence.summary import AnomalyRow
from isolation_tests.reporting.formats.badge import render as render_badge
from isolation_tests.reporting.html.environment import TEMPLATES, environment
from isolation_tests.reporting.html.page import write_html
from isolation_tests.reporting.narrative.wording import row_verdict

__all__ = ["INDEX_NAME", "Site", "write_site"]

INDEX_NAME = "index.html"
BADGE_NAME = "badge.json"
MOST_CHARACTERS = 300
REFUSED = "evidence refused"
NOT_TESTED = "not tested"
_SIGNS = {
    "VIOLATED": "✗",
    "VIOLATED, known": "⊗",
    "error": "!",
    "inconclusive": "?",
    "held in part": "◐",
    "held": "✓",
    "not supported": "-",
    NOT_TESTED: "·",
}
"""A sign for each word, worst first, so that no meaning depends on colour."""


@dataclass(frozen=True, slots=True)
class Site:
    """What was written. refused: folders whose evidence is refused, which the board shows too."""

    index: Path
    systems: int
    refused: tuple[str, ...]

    def sentence(self) -> str:
        """The place of the board, the number of systems, and refused evidence."""
        refused = f"; evidence refused: {', '.join(self.refused)}" if self.refused else ""
        return f"board: {self.index}, {counted(self.systems, 'system')}{refused}"


@dataclass(frozen=True, slots=True)
class _Cell:
    """The result of one system for one anomaly. style: the CSS class of its colour."""

    anomaly: str
    word: str
    sign: str
    style: str
    place: int
    summary: str


@dataclass(frozen=True, slots=True)
class _Row:
    """One system on the board. checks: the set of checks it ran. other: most systems ran another set."""

    system: Published
    cells: dict[str, _Cell]
    versions: str
    checks: str
    other: bool
    place: int
    level: int


@dataclass(frozen=True, slots=True)
class _Run:
    """One run in a system's history. change: from the run before it; None for the first."""

    run: PastRun
    word: str
    versions: str
    change: Changes | None


def write_site(root: Path, out: Path | None = None) -> Site:
    """Write the board of all published evidence in a folder, there or into another folder.

    In another folder, each system's evidence, report and certificate are copied too, so that the site is
    complete. Raises `EvidenceError` if there is no evidence, `NotWritable` if the folder can't be written.
    """
    out = out or root
    entries: list[Published | Refused] = []
    try:
        for entry, evidence in load(root):
            entries.append(_placed(entry, evidence, root / entry.slug, out / entry.slug))
        write_whole(out / INDEX_NAME, _index(entries).encode())
    except OSError as error:
        raise NotWritable(out, error.strerror or type(error).__name__) from error
    refused = tuple(entry.slug for entry in entries if isinstance(entry, Refused))
    return Site(out / INDEX_NAME, len(entries), refused)


def _placed(
    entry: Published | Refused, evidence: Evidence | None, source: Path, place: Path
) -> Published | Refused:
    """Write a system's folder; evidence that can't be rendered is refused too."""
    try:
        _write_folder(entry, evidence, source, place)
    except NotWritable:
        raise
    except EvidenceError as error:
        entry = Refused(entry.slug, sentence_of(error, source.parent))
        _write_folder(entry, None, source, place)
    return entry


def _write_folder(entry: Published | Refused, evidence: Evidence | None, source: Path, place: Path) -> None:
    """Write a system's folder, after removing the copies of an earlier board."""
    place.mkdir(parents=True, exist_ok=True)
    elsewhere = place.resolve() != source.resolve()
    if elsewhere:
        for path in _files(place):
            path.unlink()
    if isinstance(entry, Refused) or evidence is None:
        write_whole(place / INDEX_NAME, _page("refused", entry=entry).encode())
        write_whole(place / BADGE_NAME, json.dumps(_refused_badge(), indent=2).encode())
        return
    if elsewhere:
        for path in _files(source):
            shutil.copyfile(path, place / path.name)
    if elsewhere or not (place / REPORT_NAME).is_file():
        write_html(evidence, place / REPORT_NAME)
    write_whole(place / BADGE_NAME, render_badge(evidence).encode())
    write_whole(place / INDEX_NAME, _system(entry, place).encode())


def _index(entries: Sequence[Published | Refused]) -> str:
    there = [entry for entry in entries if isinstance(entry, Published)]
    usual = Counter(_checks_of(entry.run) for entry in there).most_common(1)
    rows = [_row(entry, usual[0][0]) for entry in there]
    columns = _columns(there)
    return _page(
        "index",
        rows=rows,
        refused=[entry for entry in entries if isinstance(entry, Refused)],
        columns=[(name, CATALOGUE.get(name)) for name in columns],
        usual=usual[0][0] if usual else "",
        mixed=any(row.other for row in rows),
        words=_words(rows, len(columns)),
        levels=[level.value for level in Level if any(row.system.level == level.value for row in rows)],
        unreached=any(row.system.level == "none" for row in rows),
        tally=_tally(entries),
        signs=_SIGNS,
    )


def _system(entry: Published, place: Path) -> str:
    """A system's page, which links to files in the same folder."""
    files = [path.name for path in _files(place)]
    return _page(
        "system",
        entry=entry,
        versions=spelled(entry.run.versions, entry.run.suite_version),
        checks=_checks_of(entry.run),
        cells=[(row, _cell(row), CATALOGUE.get(row.id)) for row in entry.rows],
        runs=_runs(entry),
        files=files,
        withheld=sum(finding.withheld for finding in entry.findings),
    )


def _files(folder: Path) -> list[Path]:
    """The files of a system's folder, except its history and the board's own files."""
    kinds = (EVIDENCE_NAME, f"{EVIDENCE_NAME}{PACKED}", REPORT_NAME, STRENGTH_NAME, "certificate*")
    return sorted(path for kind in kinds for path in folder.glob(kind) if path.is_file())


def _runs(entry: Published) -> list[_Run]:
    """All runs, newest first, each with the changes since the run before it."""
    runs = [*entry.past, entry.run]
    before: list[PastRun | None] = [None, *runs[:-1]]
    entries = [
        _Run(
            run=run,
            word=word_of(run),
            versions=spelled(run.versions, run.suite_version),
            change=None if earlier is None else changes(earlier, run),
        )
        for earlier, run in zip(before, runs, strict=True)
    ]
    return entries[::-1]


def _checks_of(run: PastRun) -> str:
    """The set of checks of a run; two verdicts are comparable if it is the same."""
    by = f"profile {run.profile}, isolation-tests {run.suite_version}"
    return f"{run.checks} checks of {by}, check set {run.questions[:8]}"


def _row(entry: Published, usual: str) -> _Row:
    return _Row(
        system=entry,
        cells={row.id: _cell(row) for row in entry.rows},
        versions=spelled(entry.run.versions, entry.run.suite_version),
        checks=_checks_of(entry.run),
        other=_checks_of(entry.run) != usual,
        place=list(_SIGNS).index(entry.word),
        level=[level.value for level in Level].index(entry.level) + 1 if entry.level != "none" else 0,
    )


def _cell(row: AnomalyRow) -> _Cell:
    word = row_verdict(row)
    found = [f"{row.findings} new" if row.findings else "", f"{row.known} known" if row.known else ""]
    findings = " and ".join(each for each in found if each)
    summary = f"{row.id} {row.name}: {word}; {row.held} of {row.checks} checks held"
    return _Cell(
        anomaly=row.id,
        word=word,
        sign=_SIGNS[word],
        style="PART" if word == "held in part" else row.verdict.value,
        place=list(_SIGNS).index(word),
        summary=f"{summary}; findings: {findings}" if findings else summary,
    )


def _columns(entries: Iterable[Published]) -> list[str]:
    """Every anomaly that some system was tested for, in the catalogue's order, then unknown ones."""
    tested = {row.id for entry in entries for row in entry.rows}
    return [*(name for name in CATALOGUE if name in tested), *sorted(tested - set(CATALOGUE))]


def _words(rows: Iterable[_Row], columns: int) -> list[str]:
    """The words that occur on the board, worst first."""
    found = set()
    for row in rows:
        found |= {row.system.word, *(cell.word for cell in row.cells.values())}
        found |= {NOT_TESTED} if len(row.cells) < columns else set()
    return [word for word in _SIGNS if word in found]


def _tally(entries: Sequence[Published | Refused]) -> list[tuple[str, int]]:
    words = Counter(entry.word if isinstance(entry, Published) else REFUSED for entry in entries)
    return [(word, words[word]) for word in (*_SIGNS, REFUSED) if words[word]]


def _refused_badge() -> dict[str, Any]:
    """The badge of a refused system; format: https://shields.io/badges/endpoint-badge."""
    badge = {"label": "user isolation", "message": REFUSED, "color": "lightgrey"}
    return {"schemaVersion": 1, **badge, "isError": True}


def _page(name: str, **parts: Any) -> str:
    templates = environment(MOST_CHARACTERS)
    templates.filters["segment"] = lambda text: quote(text, safe="")
    style = templates.get_template("style.css.j2").render() + _asset("board.css")
    script = _asset("board.js")
    return templates.get_template(f"board_{name}.html.j2").render(
        **parts,
        style=style,
        script=script,
        policy="; ".join(
            (
                "default-src 'none'",
                f"style-src '{_digest(style)}'",
                f"script-src '{_digest(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
        made_by=version("isolation-tests"),
    )


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The hash source of an inline part: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
