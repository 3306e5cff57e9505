"""Published verdicts as a table: one row a system, written from its evidence and from nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from isolation_tests.model import Frozen, Verdict
from isolation_tests.reporting.errors import EvidenceError
from isolation_tests.reporting.evidence import Evidence, read
from isolation_tests.reporting.summary import Summary, summarise

__all__ = ["STRENGTH_NAME", "Strength", "board", "insert"]

STRENGTH_NAME = "strength.json"
BEGIN = "<!-- verdicts: written by `isolation-tests report table` -->"
END = "<!-- end of verdicts -->"
HEADINGS = ("system", "version", "users told apart by", "verdict", "strength", "date")


class Strength(Frozen):
    """What a calibration measured: which seeded faults would be caught in front of a target.

    fitting: faults that can make a difference there. caught: those of them that were named. survivors: those
    that were not. profile, seed: of the calibrating runs. versions: of what was calibrated.
    """

    target: str
    suite_version: str
    date: dt.date
    profile: str
    versions: dict[str, str]
    fitting: int
    caught: int
    survivors: tuple[str, ...] = ()


class NoTablePlaceError(EvidenceError):
    """A file has no place for the table."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} has no line {BEGIN!r} followed by {END!r}; write both where the table belongs."
        )


def board(folder: Path) -> str:
    """The table of all evidence below a folder, as Markdown, by the systems' names.

    Raises `EvidenceError` for evidence that can't be believed.
    """
    folders = sorted({path.parent for path in folder.glob("*/evidence.jsonl*") if path.suffix != ".partial"})
    rows = [_row(one) for one in folders]
    return "\n".join(_line(cells) for cells in (HEADINGS, ("---",) * len(HEADINGS), *rows))


def insert(path: Path, table: str) -> bool:
    """Write the table between its two marks in a file; return whether the file changed."""
    text = path.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise NoTablePlaceError(path)
    new = f"{head}{begin}\n\n{table}\n\n{end}{tail}"
    path.write_text(new, encoding="utf-8")
    return new != text


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _row(folder: Path) -> tuple[str, ...]:
    evidence = read(folder)
    target = evidence.header.target
    stale = (*evidence.footer.unmatched_known, *evidence.footer.expired_known)
    versions = ", ".join(f"{name} {version}" for name, version in target.distributions.items())
    return (
        f"`{target.name}`",
        versions or f"isolation-tests {evidence.header.suite_version}",
        target.tenancy or "not said",
        _verdict(summarise(evidence.header, evidence.results, stale)),
        _strength(folder, evidence),
        evidence.footer.ended[:10],
    )


def _verdict(summary: Summary) -> str:
    """The verdict and the level; of a violated system, which anomalies."""
    word = summary.verdict.value.replace("_", " ")
    if summary.verdict is Verdict.VIOLATED:
        violated = [row.id for row in summary.rows if row.verdict is Verdict.VIOLATED]
        word = f"{word}: {', '.join(violated)}"
    return f"{word}; level {summary.level}" if summary.level else word


def _strength(folder: Path, evidence: Evidence) -> str:
    path = folder / STRENGTH_NAME
    if not path.is_file():
        return "not measured"
    try:
        strength = Strength.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise EvidenceError(f"{path} is no strength that calibrate wrote; calibrate again.") from error
    if strength.versions != evidence.header.target.distributions:
        return "not measured for this version"
    return f"{strength.caught} of {strength.fitting} faults"
