"""The board as a static site: systems against anomalies, a page and a badge for each, without a server."""

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
from isolation_tests.model import Level
from isolation_tests.reporting.board.history import Changes, PastRun, changes
from isolation_tests.reporting.board.published import Published, Refused, load, sentence_of, spelled, word_of
from isolation_tests.reporting.evidence.errors import EvidenceError, NotWritable
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, PACKED, REPORT_NAME, Evidence
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
NOT_ASKED = "not asked"
_SIGNS = {
    "VIOLATED": "✗",
    "VIOLATED, known": "⊗",
    "error": "!",
    "inconclusive": "?",
    "held in part": "◐",
    "held": "✓",
    "not supported": "-",
    NOT_ASKED: "·",
}
"""A sign and a place in the order for each word, worst first: nothing hangs on colour."""


@dataclass(frozen=True, slots=True)
class Site:
    """What was written. refused: folders whose evidence can't be believed; the board says so."""

    index: Path
    systems: int
    refused: tuple[str, ...]

    def sentence(self) -> str:
        """Where the board is, and whose evidence is refused."""
        refused = f"; evidence refused: {', '.join(self.refused)}" if self.refused else ""
        return f"board: {self.index}, {self.systems} {'system' if self.systems == 1 else 'systems'}{refused}"


@dataclass(frozen=True, slots=True)
class _Cell:
    """One system and one anomaly. style: the class that colours it."""

    anomaly: str
    word: str
    sign: str
    style: str
    place: int
    told: str


@dataclass(frozen=True, slots=True)
class _Row:
    """One system on the board. asked: by which suite and questions, where most systems were asked others."""

    system: Published
    cells: dict[str, _Cell]
    versions: str
    asked: str
    other: bool
    place: int
    level: int


@dataclass(frozen=True, slots=True)
class _Run:
    """One run in a system's history. change: against the run before it; None for the first."""

    run: PastRun
    word: str
    versions: str
    change: Changes | None


def write_site(root: Path, out: Path | None = None) -> Site:
    """Write the board of all published evidence below a folder, there or into another folder.

    Elsewhere, each system's evidence, report and certificate are put there too, so that the site is whole.
    Raises `EvidenceError` where there is no evidence at all, `NotWritable` where the folder can't be written.
    """
    out = out or root
    entries: list[Published | Refused] = []
    try:
        for entry, evidence in load(root):
            entries.append(_placed(entry, evidence, root / entry.slug, out / entry.slug))
        _write(out / INDEX_NAME, _index(entries))
    except OSError as error:
        raise NotWritable(out, error.strerror or type(error).__name__) from error
    refused = tuple(entry.slug for entry in entries if isinstance(entry, Refused))
    return Site(out / INDEX_NAME, len(entries), refused)


def _placed(
    entry: Published | Refused, evidence: Evidence | None, source: Path, place: Path
) -> Published | Refused:
    """Write a system's folder; evidence of which no page can be made is refused too."""
    try:
        _write_folder(entry, evidence, source, place)
    except NotWritable:
        raise
    except EvidenceError as error:
        entry = Refused(entry.slug, sentence_of(error, source.parent))
        _write_folder(entry, None, source, place)
    return entry


def _write_folder(entry: Published | Refused, evidence: Evidence | None, source: Path, place: Path) -> None:
    """A system's own folder; what was copied there for an earlier board goes first."""
    place.mkdir(parents=True, exist_ok=True)
    elsewhere = place.resolve() != source.resolve()
    if elsewhere:
        for path in _files(place):
            path.unlink()
    if isinstance(entry, Refused) or evidence is None:
        _write(place / INDEX_NAME, _page("refused", entry=entry))
        _write(place / BADGE_NAME, json.dumps(_refused_badge(), indent=2))
        return
    if elsewhere:
        for path in _files(source):
            shutil.copyfile(path, place / path.name)
    if elsewhere or not (place / REPORT_NAME).is_file():
        write_html(evidence, place / REPORT_NAME)
    _write(place / BADGE_NAME, render_badge(evidence))
    _write(place / INDEX_NAME, _system(entry, place))


def _index(entries: Sequence[Published | Refused]) -> str:
    there = [entry for entry in entries if isinstance(entry, Published)]
    usual = Counter(_asked(entry.run) for entry in there).most_common(1)
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
    """A system's page. The files that it links to stand in the same folder."""
    files = [path.name for path in _files(place)]
    return _page(
        "system",
        entry=entry,
        versions=spelled(entry.run.versions, entry.run.suite_version),
        asked=_asked(entry.run),
        cells=[(row, _cell(row), CATALOGUE.get(row.id)) for row in entry.rows],
        runs=_runs(entry),
        files=files,
        withheld=sum(finding.withheld for finding in entry.findings),
    )


def _files(folder: Path) -> list[Path]:
    """What a system's folder holds beside its history and what the board writes into it."""
    kinds = (EVIDENCE_NAME, f"{EVIDENCE_NAME}{PACKED}", REPORT_NAME, STRENGTH_NAME, "certificate*")
    return sorted(path for kind in kinds for path in folder.glob(kind) if path.is_file())


def _runs(entry: Published) -> list[_Run]:
    """All runs, newest first, each with what changed since the one before it."""
    runs = [*entry.past, entry.run]
    before: list[PastRun | None] = [None, *runs[:-1]]
    told = [
        _Run(
            run=run,
            word=word_of(run),
            versions=spelled(run.versions, run.suite_version),
            change=None if earlier is None else changes(earlier, run),
        )
        for earlier, run in zip(before, runs, strict=True)
    ]
    return told[::-1]


def _asked(run: PastRun) -> str:
    """Which questions a run asked: what makes two verdicts comparable."""
    by = f"profile {run.profile}, suite {run.suite_version}"
    return f"{run.checks} checks of {by}, question set {run.questions[:8]}"


def _row(entry: Published, usual: str) -> _Row:
    return _Row(
        system=entry,
        cells={row.id: _cell(row) for row in entry.rows},
        versions=spelled(entry.run.versions, entry.run.suite_version),
        asked=_asked(entry.run),
        other=_asked(entry.run) != usual,
        place=list(_SIGNS).index(entry.word),
        level=[level.value for level in Level].index(entry.level) + 1 if entry.level != "none" else 0,
    )


def _cell(row: AnomalyRow) -> _Cell:
    word = row_verdict(row)
    found = [f"{row.findings} new" if row.findings else "", f"{row.known} known" if row.known else ""]
    findings = " and ".join(each for each in found if each)
    told = f"{row.id} {row.name}: {word}; {row.held} of {row.checks} checks held"
    return _Cell(
        anomaly=row.id,
        word=word,
        sign=_SIGNS[word],
        style="PART" if word == "held in part" else row.verdict.value,
        place=list(_SIGNS).index(word),
        told=f"{told}; findings: {findings}" if findings else told,
    )


def _columns(entries: Iterable[Published]) -> list[str]:
    """Every anomaly that some system was asked for, in the catalogue's order, then those it does not know."""
    asked = {row.id for entry in entries for row in entry.rows}
    return [*(name for name in CATALOGUE if name in asked), *sorted(asked - set(CATALOGUE))]


def _words(rows: Iterable[_Row], columns: int) -> list[str]:
    """The words that stand somewhere on the board, worst first."""
    found = set()
    for row in rows:
        found |= {row.system.word, *(cell.word for cell in row.cells.values())}
        found |= {NOT_ASKED} if len(row.cells) < columns else set()
    return [word for word in _SIGNS if word in found]


def _tally(entries: Sequence[Published | Refused]) -> list[tuple[str, int]]:
    words = Counter(entry.word if isinstance(entry, Published) else REFUSED for entry in entries)
    return [(word, words[word]) for word in (*_SIGNS, REFUSED) if words[word]]


def _refused_badge() -> dict[str, Any]:
    """As shields.io reads it: https://shields.io/badges/endpoint-badge."""
    told = {"label": "user isolation", "message": REFUSED, "color": "lightgrey"}
    return {"schemaVersion": 1, **told, "isError": True}


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
    """As a content security policy names an inline part: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
