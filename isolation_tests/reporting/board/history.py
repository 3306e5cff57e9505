"""Earlier published runs of a system, one line each, so that the board can show the changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from isolation_tests.core.bounded import no_json, parsed, read_file
from isolation_tests.model import Frozen, Level, Verdict
from isolation_tests.reporting.certificates.statement import questions_digest
from isolation_tests.reporting.evidence.errors import EvidenceError, first_fault
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.summary import Summary

__all__ = [
    "HISTORY_NAME",
    "BadHistoryError",
    "Changes",
    "PastRun",
    "changes",
    "past_run",
    "read_past",
    "remember",
]

HISTORY_NAME = "history.jsonl"
MOST_BYTES = 4_000_000


class BadHistoryError(EvidenceError):
    """The history file is invalid: no sweep wrote it, or it was changed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is invalid ({why}); restore the file that `isolation-tests sweep` wrote, or remove it."
        )


class PastRun(Frozen):
    """The record of a published run that remains when the next run replaces it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    ended: str = Field(max_length=60)
    """End time in UTC, ISO 8601."""
    run_id: str = Field(max_length=200)
    suite_version: str = Field(max_length=200)
    questions: str = Field(max_length=64)
    """SHA-256 of the expected checks, as in a certificate."""
    checks: int = Field(ge=0)
    profile: str = Field(max_length=200)
    versions: dict[str, str]
    verdict: Verdict
    known_only: bool
    level: Level | None
    findings: tuple[str, ...]
    """Keys of all findings, new and known."""
    unanswered: int = Field(ge=0)
    """Number of expected checks that did not run or were inconclusive."""
    digest: str = Field(max_length=200)
    """Digest of the evidence."""


@dataclass(frozen=True, slots=True)
class Changes:
    """A run's findings compared with those of the run before it, as keys.

    gone: not found, although the same checks ran. unclear: not found, but not all checks ran again.
    """

    new: tuple[str, ...]
    still: tuple[str, ...]
    gone: tuple[str, ...]
    unclear: tuple[str, ...]


def past_run(evidence: Evidence, summary: Summary) -> PastRun:
    """The record of a run."""
    header = evidence.header
    return PastRun(
        ended=evidence.footer.ended,
        run_id=header.run_id,
        suite_version=header.suite_version,
        questions=questions_digest(header.expected),
        checks=len(header.expected),
        profile=header.profile,
        versions=header.target.distributions,
        verdict=summary.verdict,
        known_only=summary.known_only,
        level=summary.level,
        findings=tuple(case.finding.key for case in summary.cases),
        unanswered=len(summary.not_run) + len(summary.unsettled),
        digest=evidence.footer.digest,
    )


def read_past(folder: Path) -> tuple[PastRun, ...]:
    """The earlier runs in a folder's history, oldest first. Raises `BadHistoryError`."""
    path = folder / HISTORY_NAME
    try:
        lines = read_file(path, MOST_BYTES).splitlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadHistoryError(path, error.strerror or type(error).__name__) from error
    runs = []
    for number, line in enumerate(lines, start=1):
        try:
            runs.append(PastRun.model_validate(parsed(line, once=True)))
        except ValidationError as error:
            raise BadHistoryError(path, f"line {number}: {first_fault(error)}") from error
        except ValueError as error:
            raise BadHistoryError(path, f"line {number}: {no_json(error)}") from error
    return tuple(runs)


def remember(folder: Path, run: PastRun) -> None:
    """Add a run to a folder's history, atomically; a run that it already holds changes nothing."""
    runs = read_past(folder)
    if any(run.digest == earlier.digest for earlier in runs):
        return
    lines = "".join(f"{each.model_dump_json()}\n" for each in (*runs, run))
    write_whole(folder / HISTORY_NAME, lines.encode())


def changes(before: PastRun, after: PastRun) -> Changes:
    """The changes from one run to the next; a finding is gone only if all checks ran again."""
    earlier, later = set(before.findings), set(after.findings)
    lost = tuple(sorted(earlier - later))
    comparable = after.questions == before.questions and not after.unanswered
    return Changes(
        new=tuple(sorted(later - earlier)),
        still=tuple(sorted(earlier & later)),
        gone=lost if comparable else (),
        unclear=() if comparable else lost,
    )
