"""Reads evidence; refuses a file that is cut, changed, damaged or from a later version."""

from __future__ import annotations

import contextlib
import gc
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ValidationError

from isolation_tests.core.bounded import TooDeep, parsed
from isolation_tests.core.distributions import version
from isolation_tests.model import CheckResult
from isolation_tests.reporting.evidence.errors import (
    AfterFooter,
    BadRecord,
    CountMismatch,
    Damaged,
    EvidenceError,
    NewerSuite,
    NoEvidence,
    NoFooter,
    NotEvidence,
    TooLarge,
    UnknownSchema,
    WrongDigest,
    first_fault,
)
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
    PACKED,
    SCHEMA_VERSION,
    SUITE,
    Evidence,
    Footer,
    Header,
)
from isolation_tests.reporting.evidence.sightings import read_sightings

MOST_LINE_BYTES = 64 * 2**20
MOST_BYTES = 512 * 2**20
"""Unpacked size limit: several times what the longest profile writes, yet small enough to read."""
ModelT = TypeVar("ModelT", bound=BaseModel)


def read(path: Path | str) -> Evidence:
    """Read a complete evidence file, given the file or its folder.

    Raises the matching subclass of `EvidenceError` if the file can't be trusted, and `NoFooter` if a later
    run in the same folder is in progress or stopped early: the evidence of an earlier run would look like
    its result.
    """
    path = _located(Path(path))
    folder = path.parent
    partial = folder / f"{EVIDENCE_NAME}.partial"
    if partial.exists():
        raise NoFooter(partial, _seen_in(folder, partial))
    with _opened(path) as file, _without_collecting():
        return _read(path, _lines(path, file))


def begun(partial: Path) -> tuple[Header, tuple[CheckResult, ...]]:
    """The header and the results that a run has written so far, as `read` will read them.

    Raises the matching subclass of `EvidenceError` if they can't be trusted.
    """
    header: Header | None = None
    results: list[CheckResult] = []
    with partial.open("rb") as file, _without_collecting():
        for number, line in _lines(partial, file):
            record = _record(partial, number, line)
            kind = record.pop("kind", None)
            if header is None:
                header = _header(partial, kind, record)
            else:
                results.append(_checked(partial, number, CheckResult, record))
    if header is None:
        raise NotEvidence(partial)
    return header, tuple(results)


def finished(path: Path, header: Header, results: Sequence[CheckResult]) -> Evidence:
    """The evidence in a file of which all lines but the footer were read by `begun`; raises as `read`."""
    digest, last, last_number = hashlib.sha256(), b"", 0
    with path.open("rb") as file:
        for number, line in _lines(path, file):
            digest.update(last)
            last, last_number = line, number
    record = _record(path, last_number, last)
    if record.pop("kind", None) != "footer":
        raise NoFooter(path)
    footer = _checked(path, last_number, Footer, record)
    _believe(path, footer, len(results), digest, after=None)
    digest.update(last)
    return Evidence(header=header, results=tuple(results), footer=footer, sha256=digest.hexdigest())


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Within this, cyclic garbage waits: what is read has no cycles, and would be walked again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _seen_in(folder: Path, partial: Path) -> list[str]:
    """The keys of the findings that a run without an end had already seen."""
    results = read_sightings(folder)
    # Opening a pipe would wait for somebody to write to it.
    if partial.is_file():
        with contextlib.suppress(EvidenceError, OSError), partial.open("rb") as file:
            for number, line in _lines(partial, file):
                record = _record(partial, number, line)
                if record.pop("kind", None) == "check":
                    results.append(_checked(partial, number, CheckResult, record))
    return list(dict.fromkeys(case.finding.key for result in results for case in result.cases))


def _read(path: Path, lines: Iterator[tuple[int, bytes]]) -> Evidence:
    digest = hashlib.sha256()
    header: Header | None = None
    results: list[CheckResult] = []
    for number, line in lines:
        record = _record(path, number, line)
        kind = record.pop("kind", None)
        if header is None:
            header = _header(path, kind, record)
        elif kind == "check":
            results.append(_checked(path, number, CheckResult, record))
        elif kind == "footer":
            footer = _checked(path, number, Footer, record)
            _believe(path, footer, len(results), digest, after=next(lines, None))
            digest.update(line)
            return Evidence(header=header, results=tuple(results), footer=footer, sha256=digest.hexdigest())
        else:
            raise BadRecord(path, number, f"a record of kind {str(kind)[:20]!r} is not allowed here")
        digest.update(line)
    raise NoFooter(path) if header else NotEvidence(path)


def _located(path: Path) -> Path:
    if path.is_dir():
        whole = path / EVIDENCE_NAME
        partial = path / f"{EVIDENCE_NAME}.partial"
        packed = path / f"{EVIDENCE_NAME}{PACKED}"
        path = next((one for one in (whole, partial, packed) if one.exists()), whole)
    if not path.exists():
        raise NoEvidence(path if path.name != EVIDENCE_NAME else path.parent)
    if not path.is_file():
        # Opening a pipe would wait for somebody to write to it.
        raise NotEvidence(path)
    return path


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = parsed(line, once=True)
    except ValueError as error:
        if number == 1:
            raise NotEvidence(path) from error
        if isinstance(error, TooDeep):
            raise BadRecord(path, number, "this is nested too deeply") from error
        if not line.endswith(b"\n"):
            raise NoFooter(path) from error
        raise BadRecord(path, number, "this is not JSON") from error
    if not isinstance(record, dict):
        raise NotEvidence(path) if number == 1 else BadRecord(path, number, "this is not a JSON object")
    return record


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == PACKED else path.open("rb")


def _lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The numbered lines; raises `TooLarge` if a line or the whole file exceeds its limit."""
    number = total = 0
    try:
        while line := file.readline(MOST_LINE_BYTES + 1):
            number, total = number + 1, total + len(line)
            if len(line) > MOST_LINE_BYTES:
                raise TooLarge(path, number, MOST_LINE_BYTES)
            if total > MOST_BYTES:
                raise TooLarge(path, number, MOST_BYTES)
            yield number, line
    except EOFError as error:
        raise NoFooter(path) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise Damaged(path) from error


def _header(path: Path, kind: object, record: dict[str, Any]) -> Header:
    if kind != "header" or "schema_version" not in record:
        raise NotEvidence(path)
    if record["schema_version"] != SCHEMA_VERSION:
        raise UnknownSchema(path, record["schema_version"], SCHEMA_VERSION)
    _readable_here(path, str(record.get("suite_version")))
    return _checked(path, 1, Header, record)


def _readable_here(path: Path, made_by: str) -> None:
    """Refuse a later version's file before this version's schema rejects it for another reason."""
    here = version(SUITE)
    try:
        newer = here is not None and Version(made_by) > Version(here)
    except InvalidVersion as error:
        raise BadRecord(path, 1, f"suite_version: {made_by[:40]!r} is not a version") from error
    if newer:
        raise NewerSuite(path, made_by[:40], str(here))


def _checked(path: Path, number: int, model: type[ModelT], record: dict[str, Any]) -> ModelT:
    try:
        return model.model_validate(record)
    except RecursionError as error:
        raise BadRecord(path, number, "this is nested too deeply") from error
    except ValidationError as error:
        raise BadRecord(path, number, first_fault(error)) from error


def _believe(
    path: Path, footer: Footer, records: int, digest: hashlib._Hash, *, after: tuple[int, bytes] | None
) -> None:
    if after is not None:
        raise AfterFooter(path, after[0])
    if footer.records != records:
        raise CountMismatch(path, footer.records, records)
    if footer.digest != digest.hexdigest():
        raise WrongDigest(path)
