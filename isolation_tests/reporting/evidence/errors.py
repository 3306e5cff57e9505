"""One exception for each fault in evidence; each message says what to do next."""

# ruff: noqa: N818 - the names say what is wrong; the base class says that it is an error

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from isolation_tests.core.errors import Problem
from isolation_tests.core.inert import inert

__all__ = [
    "AfterFooter",
    "BadRecord",
    "BadReplay",
    "BadTime",
    "CannotMerge",
    "CountMismatch",
    "Damaged",
    "DifferentTargets",
    "EvidenceError",
    "FolderTaken",
    "NewerSuite",
    "NoEvidence",
    "NoFooter",
    "NotEvidence",
    "NotWritable",
    "TooLarge",
    "UnknownSchema",
    "WriterClosed",
    "WrongDigest",
    "first_fault",
]


class EvidenceError(Problem):
    """Evidence can't be written or trusted. Quoted file content can't steer the terminal."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(inert(text).splitlines()))


class NoEvidence(EvidenceError):
    """The path has no evidence file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} contains no evidence.jsonl; give the report folder of a run.")


class NotEvidence(EvidenceError):
    """The file is not evidence: it does not begin with a header."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not evidence of isolation-tests; give the evidence.jsonl that a run wrote."
        )


class UnknownSchema(EvidenceError):
    """This version can't read the file's schema version."""

    def __init__(self, path: Path, found: object, known: int) -> None:
        super().__init__(
            f"{path} has schema version {str(found)[:20]!r}, but this version reads only {known};"
            " read it with the version of isolation-tests that wrote it."
        )


class NewerSuite(EvidenceError):
    """A later version of the suite wrote the file; this version does not know its rules."""

    def __init__(self, path: Path, made_by: str, here: str) -> None:
        super().__init__(
            f"{path} was written by isolation-tests {made_by}, but this is {here}; upgrade to read it."
        )


class TooLarge(EvidenceError):
    """A line or the whole file exceeds the size limit."""

    def __init__(self, path: Path, line: int, most: int) -> None:
        super().__init__(
            f"{path} exceeds the limit of {most} unpacked bytes at line {line};"
            " restore the file that the run wrote."
        )


class Damaged(EvidenceError):
    """The packed file can't be fully unpacked."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was damaged or extended after it was packed; restore the file that the run wrote."
        )


class NoFooter(EvidenceError):
    """The run stopped early or the file was cut, so results may be missing."""

    def __init__(self, path: Path, seen: Sequence[str] = ()) -> None:
        """seen: keys of the findings that the run had already seen, which make it no pass."""
        more = f" Before it ended, the run was VIOLATED by {', '.join(seen)}." if seen else ""
        super().__init__(f"{path} has no footer, so results may be missing; run the suite again.{more}")


class AfterFooter(EvidenceError):
    """The file continues after its footer: files were joined, or lines were added."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"{path} continues after its footer, at line {line}; restore the file that the run wrote."
        )


class BadRecord(EvidenceError):
    """A line is not a valid record."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}, line {line}: {why}; restore the file that the run wrote.")


class CountMismatch(EvidenceError):
    """The footer's record count is wrong: records were removed or added."""

    def __init__(self, path: Path, promised: int, found: int) -> None:
        super().__init__(
            f"{path} should hold {promised} checks but holds {found}; restore the file that the run wrote."
        )


class WrongDigest(EvidenceError):
    """The digest does not match: the file was changed after the run."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was changed after the run; restore the file that the run wrote.")


class FolderTaken(EvidenceError):
    """Another run is writing to the same folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(f"{folder} is in use by {holder}; choose another folder for this run.")


class NotWritable(EvidenceError):
    """The folder can't be written to."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"Can't write to {folder} ({why}); choose another folder.")


class WriterClosed(EvidenceError):
    """A record was added after the footer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"The evidence in {folder} is already complete; open a new writer for another run.")


class BadReplay(EvidenceError):
    """The replay file is cut, has another schema version, or holds an invalid plan."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} can't be replayed ({why}); give a file from the findings folder of a run.")


class BadTime(EvidenceError):
    """The evidence holds an invalid time."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a valid time; restore the file that the run wrote.")


class DifferentTargets(EvidenceError):
    """The runs to compare tested different targets."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(
            f"The runs tested different targets, {old} and {new}; add --across to compare them anyway."
        )


class CannotMerge(EvidenceError):
    """The runs are not shards of one run: merged, they would claim what none of them proved."""

    def __init__(self, why: str) -> None:
        super().__init__(f"These runs can't be merged: {why}.")


def first_fault(error: ValidationError) -> str:
    """The first error that pydantic found, as one phrase."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {fault['msg']}" if where else fault["msg"]
