"""One exception for each way evidence can be wrong; each message says what to do next."""

# ruff: noqa: N818 - the names say what is wrong; the base class says that it is an error

from __future__ import annotations

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
    """Evidence that can't be written or believed; what it quotes of a file can't steer a terminal."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(inert(text).splitlines()))


class NoEvidence(EvidenceError):
    """There is no evidence file where one was asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no evidence.jsonl; give the folder that a run reported to.")


class NotEvidence(EvidenceError):
    """The file is something else: it doesn't begin with a header."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} isn't evidence of this suite; give the evidence.jsonl that a run wrote.")


class UnknownSchema(EvidenceError):
    """The file was written in a schema that this version doesn't read."""

    def __init__(self, path: Path, found: object, known: int) -> None:
        super().__init__(
            f"{path} has schema version {str(found)[:20]!r} and this version reads {known};"
            " read it with the version of isolation-tests that wrote it."
        )


class NewerSuite(EvidenceError):
    """The file was made by a later version of the suite, whose rules this one can't know."""

    def __init__(self, path: Path, made_by: str, here: str) -> None:
        super().__init__(
            f"{path} was made by isolation-tests {made_by}, this is {here}: upgrade, then read it."
        )


class TooLarge(EvidenceError):
    """A line, or all lines together, are larger than any run writes."""

    def __init__(self, path: Path, line: int, most: int) -> None:
        super().__init__(
            f"{path} is larger at line {line} than any run writes ({most} bytes unpacked);"
            " restore the file that the run wrote."
        )


class Damaged(EvidenceError):
    """A packed file that can't be unpacked to its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was damaged, or something was added to it, after it was packed;"
            " restore the file that the run wrote."
        )


class NoFooter(EvidenceError):
    """The run died or the file was cut: results may be missing."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has no footer, so results may be missing; run the suite again to its end.")


class AfterFooter(EvidenceError):
    """Something follows the footer: two files were joined, or lines were added."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"{path} goes on after its footer at line {line}; restore the file that the run wrote."
        )


class BadRecord(EvidenceError):
    """A line isn't a record of the schema."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}, line {line}: {why}; restore the file that the run wrote.")


class CountMismatch(EvidenceError):
    """The footer counts other records than the file holds: some were removed or added."""

    def __init__(self, path: Path, promised: int, found: int) -> None:
        super().__init__(
            f"{path} promises {promised} checks and holds {found}; restore the file that the run wrote."
        )


class WrongDigest(EvidenceError):
    """The lines aren't those that the run wrote: something was changed afterwards."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was changed after the run; restore the file that the run wrote.")


class FolderTaken(EvidenceError):
    """Another run is writing to the same folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(f"{folder} is being written by {holder}; choose another folder for this run.")


class NotWritable(EvidenceError):
    """The folder can't be written to."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"Can't write evidence to {folder} ({why}); choose another folder.")


class WriterClosed(EvidenceError):
    """Something was written after the end."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"The evidence in {folder} is already closed; open a new writer for another run.")


class BadReplay(EvidenceError):
    """A replay file that is cut, of another schema, or whose plan isn't valid."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} can't be replayed ({why}); give a file that a run wrote under findings/.")


class BadTime(EvidenceError):
    """A time of the run can't be read, so no report can carry it."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no time of a run; give the evidence.jsonl that a run wrote.")


class DifferentTargets(EvidenceError):
    """Two runs of different targets were to be compared as if they were of one."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"These runs are of {old} and of {new}; give --across to compare different targets.")


class CannotMerge(EvidenceError):
    """Runs that are not parts of one: together they would say what none of them proved."""

    def __init__(self, why: str) -> None:
        super().__init__(f"These runs can't be merged: {why}.")


def first_fault(error: ValidationError) -> str:
    """The first thing pydantic found wrong, as one phrase."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {fault['msg']}" if where else fault["msg"]
