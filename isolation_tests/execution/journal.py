"""The journal of a run: every name under which it may write or delete, on disk before the name's first use.

Each run has a folder, and each of its processes a file in it, one JSON object per line: `{"lease": [names]}`
before the first call and `{"done": [names]}` once their memories are deleted, or `lease_spans` and
`done_spans` with the spans of many names. What was leased and is not done is what a killed run left behind. A
lock per process says whether it still lives; the system drops the lock when the process dies, however it
dies.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from platformdirs import user_state_path
from pydantic import Field, ValidationError

from isolation_tests.core.errors import UsageProblem
from isolation_tests.execution.spans import Span
from isolation_tests.model import BoundUser, Frozen

__all__ = ["RUN_ID", "Journal", "JournalProblem", "Leased", "RunInfo", "RunRecord", "in_scope", "records"]

RUN_ID = re.compile(r"[0-9a-f]{6}")
"""A whole run id. Nothing shorter ever selects what is deleted."""
_INFO = "run.json"
_CLEANER = "cleaner.jsonl"
_CLEANING = "cleaning"
_HALTED = "halted"
_NOT_OFFERED = (errno.EINVAL, errno.ENOTSUP)
"""What a file system says that can't be told to keep the entries of a folder."""


class JournalProblem(UsageProblem):
    """The journal can't be written, so the run must not write to the target either."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"Can't write the journal of test users in {folder} ({error.strerror or type(error).__name__}); "
            "without it nothing is written to the target. Make room, or set XDG_STATE_HOME to another folder."
        )


class RunInfo(Frozen):
    """Which run a journal belongs to, and what is needed to open its target again."""

    run_id: str
    """The run's id, part of every user name."""
    target: str
    """The target as the user named it."""
    name: str
    """The target's short name."""
    place: str = ""
    """Absolute path of the file that holds the target's code or description; empty for a module."""
    options: Mapping[str, str] = Field(default_factory=dict)
    """The target's options; secrets are masked."""
    disposable: bool = False
    """Whether the run was allowed to destroy the whole store."""
    started: str = ""
    """Start time in UTC, ISO 8601."""
    process: int = 0
    """Id of the run's first process."""
    host: str = ""
    """Name of the machine."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A name that a process of a run leased, with the scope of one who acted in a scope of their own."""

    worker: int
    name: Any

    def call(self) -> tuple[Any, dict[str, Any]]:
        """The user, and the keywords that a call for this name needs."""
        if isinstance(self.name, dict) and self.name.keys() == {"user", "scope"}:
            return self.name["user"], {"scope": self.name["scope"]}
        return self.name, {}


def in_scope(user: BoundUser) -> Any:
    """What the journal says of a user: the name, and the scope if the user acts in one of their own."""
    return user.name if user.scope is None else {"user": user.name, "scope": user.scope}


class Journal:
    """One process's part of a run's journal. Raises `JournalProblem` if it can't be written."""

    def __init__(self, folder: Path, worker: int, *, durable: bool) -> None:
        """durable: whether a lease survives a loss of power, and not only the end of the process."""
        self.folder, self._durable = folder, durable
        self._lock = FileLock(folder / f"{worker:03d}.lock", timeout=0)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._file = (folder / f"{worker:03d}.jsonl").open("ab")
            if durable:
                _keep_entries(folder)
        except OSError as error:
            self._lock.release()
            raise JournalProblem(folder, error) from error

    @classmethod
    def begin(cls, info: RunInfo, *, durable: bool) -> Self:
        """The journal of a run's first process; raises `UsageProblem` if the run's id is taken."""
        folder = _root() / info.run_id
        try:
            folder.mkdir(parents=True)
        except FileExistsError as error:
            raise UsageProblem(
                f"There is already a run {info.run_id} here; start again, and the run gets a new id."
            ) from error
        except OSError as error:
            raise JournalProblem(folder, error) from error
        journal = cls(folder, 0, durable=durable)
        try:
            known = {"started": _now().isoformat(timespec="seconds"), "process": os.getpid()}
            whole = info.model_copy(update={**known, "host": socket.gethostname()})
            with (folder / _INFO).open("w", encoding="utf-8") as file:
                file.write(whole.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            if durable:
                _keep_entries(folder)
        except OSError as error:
            journal.close()
            raise JournalProblem(folder, error) from error
        return journal

    @classmethod
    def join(cls, run_id: str, worker: int, *, durable: bool) -> Self:
        """The journal of one more process of a run."""
        return cls(_root() / run_id, worker, durable=durable)

    def lease(self, names: Iterable[Any]) -> None:
        """Record names before their first use."""
        self._write("lease", names, durable=self._durable)

    def done(self, names: Iterable[Any]) -> None:
        """Record that nothing is stored under these names any more."""
        self._write("done", names, durable=False)

    def lease_span(self, span: Span) -> None:
        """Record a span of names before their first use."""
        self._write("lease_spans", [span.model_dump()], durable=self._durable)

    def done_span(self, span: Span) -> None:
        """Record that nothing is stored under the names of a leased span any more."""
        self._write("done_spans", [span.model_dump()], durable=False)

    def halt(self) -> None:
        """Record that another delete would do harm, so that only a user's own command cleans up."""
        with contextlib.suppress(OSError):
            (self.folder / _HALTED).touch()

    def _write(self, kind: str, names: Iterable[Any], *, durable: bool) -> None:
        listed = list(names)
        if not listed:
            return
        try:
            self._file.write(json.dumps({kind: listed}).encode("ascii") + b"\n")
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalProblem(self.folder, error) from error

    def close(self) -> None:
        """End this process's part."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._lock.release()

    def end(self) -> None:
        """End the run: its journal goes, unless names are left."""
        self.close()
        record = RunRecord.read(self.folder)
        if record is None or not record.left():
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The journal of a run, as others read it."""

    folder: Path
    info: RunInfo

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The record in a folder; None if there is none, or none that can be read."""
        try:
            info = RunInfo.model_validate_json((folder / _INFO).read_bytes())
        except (OSError, ValidationError):
            return None
        return cls(folder, info) if RUN_ID.fullmatch(info.run_id) and folder.name == info.run_id else None

    @property
    def halted(self) -> bool:
        """Whether a delete of this run removed what others stored."""
        return (self.folder / _HALTED).exists()

    @property
    def started(self) -> dt.datetime:
        """When the run began; long ago if its journal does not say."""
        with contextlib.suppress(ValueError):
            moment = dt.datetime.fromisoformat(self.info.started)
            return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return dt.datetime.fromtimestamp(0, dt.UTC)

    def alive(self, *, first: bool = True) -> bool:
        """Whether a process of the run still lives; first: whether its first process counts."""
        for path in sorted(self.folder.glob("*.lock")):
            if path.stem == "000" and not first:
                continue
            try:
                with FileLock(path, timeout=0):
                    pass
            except Timeout:
                return True
            except OSError:
                continue
        return False

    def left(self) -> list[Leased]:
        """The names that were leased and are not done, in the order of their leases."""
        leased: dict[str, Leased] = {}
        spans: dict[str, tuple[int, Any]] = {}
        done: set[str] = set()
        for path in sorted(self.folder.glob("*.jsonl")):
            worker = int(path.stem) if path.stem.isdigit() else 0
            for kind, name in _entries(path):
                key = json.dumps(name)
                if kind == "lease":
                    leased.setdefault(key, Leased(worker, name))
                elif kind == "lease_spans":
                    spans.setdefault(key, (worker, name))
                else:
                    done.add(key)
        for worker, span in (each for key, each in spans.items() if key not in done):
            for name in _spanned(span):
                leased.setdefault(json.dumps(name), Leased(worker, name))
        return [each for key, each in leased.items() if key not in done]

    @contextlib.contextmanager
    def cleaning(self, *, patience: float) -> Iterator[None]:
        """Hold the run while its names are deleted; raises `UsageProblem` if another process goes on long."""
        try:
            with FileLock(self.folder / _CLEANING, timeout=patience):
                yield
        except Timeout as error:
            raise UsageProblem(
                f"Another process is deleting the test users of run {self.info.run_id}; try again later."
            ) from error

    def mark(self, name: Any) -> None:
        """Record that nothing is stored under a name any more."""
        try:
            with (self.folder / _CLEANER).open("ab") as file:
                file.write(json.dumps({"done": [name]}).encode("ascii") + b"\n")
        except OSError as error:
            raise JournalProblem(self.folder, error) from error

    def remove(self) -> None:
        """Remove the journal of a run of which nothing is left."""
        shutil.rmtree(self.folder, ignore_errors=True)


def records() -> list[RunRecord]:
    """The journals on this machine, oldest first."""
    found = (RunRecord.read(folder) for folder in _root().glob("*"))
    return sorted((each for each in found if each is not None), key=lambda each: each.started)


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Each leased or done name or span of a file; a line that was cut was not yet acted on."""
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                for kind in ("lease", "lease_spans", "done", "done_spans"):
                    for name in entry.get(kind, ()) if isinstance(entry, dict) else ():
                        yield kind, name


def _spanned(span: Any) -> Iterator[str]:
    """The names of a span; none of what is no span."""
    with contextlib.suppress(ValidationError):
        yield from Span.model_validate(span).names()


def _keep_entries(folder: Path) -> None:
    """Let a loss of power not take what was created here: a file is lost with its entry in its folder."""
    root = _root()
    for each in (folder, root, root.parent, root.parent.parent) if hasattr(os, "O_DIRECTORY") else ():
        entries = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(entries)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
        finally:
            os.close(entries)


def _root() -> Path:
    return user_state_path("isolation-tests") / "journal"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
