"""Evidence: what a run asked, what was answered and what was proved, as a file with a published schema.

`evidence.jsonl` holds one JSON object a line: a header (what this run should do), one record a check, and a
footer (how it ended, how many records there are, and a digest of everything before it). A file without its
footer is refused: results may be missing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import socket
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated, Any, Literal, Self, TypeVar, cast

from filelock import FileLock, Timeout
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, field_validator

from isolation_tests.installed import version
from isolation_tests.model import CheckResult, Frozen, Level, Verdict
from isolation_tests.reporting.errors import (
    AfterFooter,
    BadRecord,
    CountMismatch,
    Damaged,
    FolderTaken,
    NewerSuite,
    NoEvidence,
    NoFooter,
    NotEvidence,
    NotWritable,
    TooLarge,
    UnknownSchema,
    WriterClosed,
    WrongDigest,
    first_fault,
)
from isolation_tests.reporting.masking import masked_options, masked_text
from isolation_tests.reporting.replays import Replay, read_replay, write_replay

__all__ = [
    "EVIDENCE_NAME",
    "SCHEMA_VERSION",
    "Ending",
    "Evidence",
    "EvidenceWriter",
    "ExpectedCheck",
    "Footer",
    "Header",
    "Replay",
    "TargetInfo",
    "pack",
    "read",
    "read_replay",
    "schema",
    "write_replay",
]

SCHEMA_VERSION = 1
EVIDENCE_NAME = "evidence.jsonl"
PACKED = ".gz"
SUITE = "isolation-tests"
MOST_LINE_BYTES = 64 * 2**20
MOST_BYTES = 512 * 2**20
"""Unpacked: several times what the longest profile writes, and little enough to read."""
_SANITISED = frozenset({"reason", "error"})
ModelT = TypeVar("ModelT", bound=BaseModel)


class TargetInfo(Frozen):
    """What was tested: its adapter, the installed distributions behind it, and its options.

    tenancy: how it tells users apart, in its file's words. source: where the target came from: its file,
    entry point or the name that the user gave. volatile: what it declares to be another each time, without
    any other user's doing. unreleased: distributions of these that are no release, with
    why. file: SHA-256 of the target's file, in hex; empty without one. packaged: that of the file which comes
    with the suite under this name; empty without one. Options are masked whenever this is made, so that no
    writer can forget to.
    """

    name: str
    title: str
    tenancy: str = ""
    adapter: str
    source: str = ""
    distributions: dict[str, str] = Field(default_factory=dict)
    options: dict[str, str] = Field(default_factory=dict)
    disposable: bool = False
    volatile: str = ""
    unreleased: dict[str, str] = Field(default_factory=dict)
    file: str = ""
    packaged: str = ""

    @field_validator("options", mode="before")
    @classmethod
    def _mask(cls, options: object) -> object:
        return masked_options(options) if isinstance(options, Mapping) else options


class ExpectedCheck(Frozen):
    """One check that this run should do, known before anything ran.

    optional: it may be NOT_SUPPORTED without lowering what was held. needs: capabilities without which it
    says nothing; None in evidence of a time when this was not written.
    """

    check: str
    title: str
    anomalies: tuple[str, ...]
    level: Level
    optional: bool = False
    needs: tuple[str, ...] | None = None


class Header(Frozen):
    """What a run set out to do, written before the first check.

    started: UTC, ISO 8601. capabilities: those claimed. probed: for each capability "ok" or why not.
    aliases: relations whose names the target declares to be one user. expected: everything this run should
    do; whatever doesn't report counts as not run. whole: the profile asks every cell of the matrix; one that
    asks a part reaches no level. selection: how it was narrowed ("-k foo"); empty if not.
    variables: every ISOLATION_* environment variable that was set, secrets masked. budget: the profile's
    figures. consistency_seconds: how long a write may take to be seen, as the target declares. given:
    settings that somebody gave beside the target's file: "seed", "known", and each option as "option NAME".
    withheld: cases that were published without what shows them, so that they can't be judged again. merged:
    ids of the runs whose results these are; empty for a run of its own.
    """

    schema_version: Literal[1] = 1
    suite_version: str
    run_id: str
    started: str
    target: TargetInfo
    capabilities: tuple[str, ...] = ()
    probed: dict[str, str] = Field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    owner_keys: tuple[str, ...] = ()
    seed: int | None = None
    profile: str = "default"
    whole: bool = True
    python: str = ""
    platform: str = ""
    workers: int = 1
    known_file: str | None = None
    known_count: int = 0
    expected: tuple[ExpectedCheck, ...] = ()
    selection: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    budget: dict[str, float] = Field(default_factory=dict)
    consistency_seconds: float | None = None
    given: tuple[str, ...] = ()
    withheld: int = Field(default=0, ge=0)
    merged: tuple[str, ...] = ()

    @field_validator("probed", mode="after")
    @classmethod
    def _mask(cls, probed: dict[str, str]) -> dict[str, str]:
        return {name: masked_text(answer) for name, answer in probed.items()}


class Ending(Frozen):
    """How a run ended. not_run: expected checks that didn't report.

    unmatched_known, expired_known: notes of known findings that no longer fit; they fail the run.
    exit_status: 0 held, 1 violated, 2 inconclusive or incomplete.
    """

    ended: str
    seconds: float
    counts: dict[Verdict, int]
    verdict: Verdict
    level: Level | None
    not_run: tuple[str, ...] = ()
    unmatched_known: tuple[str, ...] = ()
    expired_known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exit_status: int


class Footer(Ending):
    """The last line. records: how many checks precede it. digest: SHA-256 of all preceding lines, in hex."""

    records: int
    digest: str


class Evidence(Frozen):
    """A whole evidence file, as `read` believed it. sha256: of the unpacked file, in hex."""

    header: Header
    results: tuple[CheckResult, ...]
    footer: Footer
    sha256: str = ""


class _HeaderLine(Header):
    kind: Literal["header"]


class _CheckLine(CheckResult):
    kind: Literal["check"]


class _FooterLine(Footer):
    kind: Literal["footer"]


_LINE: TypeAdapter[Any] = TypeAdapter(
    Annotated[_HeaderLine | _CheckLine | _FooterLine, Field(discriminator="kind", title="EvidenceLine")]
)


def schema() -> dict[str, Any]:
    """The JSON Schema of one line of an evidence file, as published beside this module."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of evidence.jsonl, schema version {SCHEMA_VERSION}",
    }
    return {**_LINE.json_schema(), **head}


class EvidenceWriter:
    """Streams a run's evidence into a folder; use it as a context manager.

    Lines go to `evidence.jsonl.partial`, flushed one by one; `finish` puts the whole file in place of an
    earlier run's. Left without `finish`, the partial file stays for whoever looks for the cause.
    Raises `FolderTaken` if another run holds the folder, `NotWritable` if it can't be written.
    """

    def __init__(self, folder: Path | str, header: Header) -> None:
        self.folder = Path(folder)
        self._lock = FileLock(self.folder / ".evidence.lock", timeout=0)
        self._holder = self.folder / ".evidence.holder"
        self._partial = self.folder / f"{EVIDENCE_NAME}.partial"
        self._digest = hashlib.sha256()
        self._records = 0
        self._take(header)
        try:
            self._file = self._partial.open("wb")
            self._write("header", header)
        except OSError as error:
            self._release()
            raise NotWritable(self.folder, _why(error)) from error
        except BaseException:
            self.close()
            raise

    def append(self, result: CheckResult) -> None:
        """Add one check's record; it is on its way to the disk when this returns."""
        self._write("check", result)
        self._records += 1

    def finish(self, ending: Ending) -> Path:
        """Write the footer, put the whole file in its place and let the folder go; return the file's path."""
        fields = {name: getattr(ending, name) for name in Ending.model_fields}
        self._write("footer", Footer(**fields, records=self._records, digest=self._digest.hexdigest()))
        whole = self.folder / EVIDENCE_NAME
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.replace(whole)
        except OSError as error:
            raise NotWritable(self.folder, _why(error)) from error
        finally:
            self.close()
        return whole

    def close(self) -> None:
        """Let the folder go; without `finish` the partial file stays. Calling it twice is harmless."""
        self._file.close()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, header: Header) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise FolderTaken(self.folder, self._who()) from None
        except OSError as error:
            raise NotWritable(self.folder, _why(error)) from error
        try:
            self._holder.write_text(
                f"run {header.run_id} (process {os.getpid()} on {socket.gethostname()})", encoding="utf-8"
            )
        except OSError as error:
            self._release()
            raise NotWritable(self.folder, _why(error)) from error

    def _who(self) -> str:
        try:
            return self._holder.read_text(encoding="utf-8") or "another run"
        except OSError:
            return "another run"

    def _release(self) -> None:
        if self._lock.is_locked:
            self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _write(self, kind: str, record: BaseModel) -> None:
        if self._file.closed:
            raise WriterClosed(self.folder)
        line = encode({"kind": kind, **_sanitised(record.model_dump(mode="json"))})
        self._digest.update(line)
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise NotWritable(self.folder, _why(error)) from error


def encode(record: Mapping[str, Any]) -> bytes:
    """One record as one line of ASCII JSON: names may hold characters that UTF-8 can't carry."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def read(path: Path | str) -> Evidence:
    """Read a whole evidence file, or the one in a folder.

    Raises a subclass of `EvidenceError` for each way in which it can't be believed.
    """
    path = _located(Path(path))
    with _opened(path) as file:
        return _read(path, _lines(path, file))


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
            raise BadRecord(path, number, f"{str(kind)[:20]!r} is no kind of record that can stand here")
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
    if path.suffix == ".partial":
        raise NoFooter(path)
    return path


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        if number == 1:
            raise NotEvidence(path) from error
        if not line.endswith(b"\n"):
            raise NoFooter(path) from error
        raise BadRecord(path, number, "this isn't JSON") from error
    if not isinstance(record, dict):
        raise NotEvidence(path) if number == 1 else BadRecord(path, number, "this isn't a JSON object")
    return record


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == PACKED else path.open("rb")


def _lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, none of them and not all together larger than a run writes."""
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


def pack(folder: Path) -> Path:
    """Compress a folder's evidence for publishing, the same bytes each time; return the packed file."""
    whole = folder / EVIDENCE_NAME
    packed = folder / f"{EVIDENCE_NAME}{PACKED}"
    packed.write_bytes(gzip.compress(whole.read_bytes(), mtime=0))
    whole.unlink()
    return packed


def _header(path: Path, kind: object, record: dict[str, Any]) -> Header:
    if kind != "header" or "schema_version" not in record:
        raise NotEvidence(path)
    if record["schema_version"] != SCHEMA_VERSION:
        raise UnknownSchema(path, record["schema_version"], SCHEMA_VERSION)
    _readable_here(path, str(record.get("suite_version")))
    return _checked(path, 1, Header, record)


def _readable_here(path: Path, made_by: str) -> None:
    """Refuse what a later version made, before its lines are held against this one's schema."""
    here = version(SUITE)
    try:
        newer = here is not None and Version(made_by) > Version(here)
    except InvalidVersion as error:
        raise BadRecord(path, 1, f"suite_version: {made_by[:40]!r} is no version") from error
    if newer:
        raise NewerSuite(path, made_by[:40], str(here))


def _checked(path: Path, number: int, model: type[ModelT], record: dict[str, Any]) -> ModelT:
    try:
        return model.model_validate(record)
    except RecursionError as error:
        raise BadRecord(path, number, "this is nested too deep") from error
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


def _sanitised(value: Any) -> Any:
    """Answers of the system are kept as judged, except credentials in reasons and error texts."""
    if isinstance(value, dict):
        return {
            key: masked_text(inner) if key in _SANITISED and isinstance(inner, str) else _sanitised(inner)
            for key, inner in value.items()
        }
    return [_sanitised(inner) for inner in value] if isinstance(value, list) else value


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
