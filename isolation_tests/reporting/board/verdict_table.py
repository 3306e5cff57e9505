"""Published verdicts as a Markdown table with one row per system, made from its evidence alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isolation_tests.model import Verdict
from isolation_tests.reporting.board.published import folders, spelled, strength_words
from isolation_tests.reporting.evidence.errors import EvidenceError
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.summary import Summary, summary_of

__all__ = ["board", "insert"]

VERDICTS = "<!-- verdicts: written by `isolation-tests report table` -->", "<!-- end of verdicts -->"
HEADINGS = ("system", "version", "users kept apart by", "verdict", "strength", "date")


class NoTablePlaceError(EvidenceError):
    """The file has no marks around a place for the table."""

    def __init__(self, path: Path, marks: tuple[str, str]) -> None:
        super().__init__(
            f"{path} has no line {marks[0]!r} followed by {marks[1]!r}; add both where the table belongs."
        )


def board(folder: Path) -> str:
    """The Markdown table of all evidence in a folder, sorted by system.

    Raises `EvidenceError` for evidence that can't be trusted.
    """
    rows = [_row(one) for one in folders(folder)]
    return "\n".join(_line(cells) for cells in (HEADINGS, ("---",) * len(HEADINGS), *rows))


def insert(path: Path, table: str, marks: tuple[str, str] = VERDICTS) -> bool:
    """Write the table between its two marks in a file; return whether the file changed."""
    text = path.read_text(encoding="utf-8")
    head, begin, rest = text.partition(marks[0])
    _, end, tail = rest.partition(marks[1])
    if not begin or not end:
        raise NoTablePlaceError(path, marks)
    new = f"{head}{begin}\n\n{table}\n\n{end}{tail}"
    path.write_text(new, encoding="utf-8")
    return new != text


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _row(folder: Path) -> tuple[str, ...]:
    evidence = read(folder)
    header = evidence.header
    return (
        f"`{header.target.name}`",
        spelled(header.target.distributions, header.suite_version),
        header.target.tenancy or "not stated",
        _verdict(summary_of(evidence)),
        strength_words(folder, header),
        evidence.footer.ended[:10],
    )


def _verdict(summary: Summary) -> str:
    """The verdict and the level; for a violated system also the anomalies."""
    word = summary.verdict.value.replace("_", " ")
    if summary.verdict is Verdict.VIOLATED:
        violated = [row.id for row in summary.rows if row.verdict is Verdict.VIOLATED]
        word = f"{word}: {', '.join(violated)}"
    return f"{word}; level {summary.level}" if summary.level else word
