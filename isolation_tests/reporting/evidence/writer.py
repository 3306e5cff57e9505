"""Writes a run's evidence line by line, so that an interrupted run leaves what it recorded."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout
from pydantic import BaseModel

from isolation_tests.model import CheckResult
from isolation_tests.reporting.evidence.errors import FolderTaken, NotWritable, WriterClosed
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, PACKED, Ending, Footer, Header
from isolation_tests.reporting.evidence.sanitising import encode, sanitised
from isolation_tests.reporting.evidence.sightings import drop_sightings


class EvidenceWriter:
    """Writes a run's evidence into a folder as the run proceeds; use it as a context manager.

    Each line is flushed to `evidence.jsonl.partial`. `finish` replaces an earlier run's file with the
    complete one. Without `finish`, the partial file stays, so that the cause can be found. Raises
    `FolderTaken` if another run uses the folder, `NotWritable` if it can't be written. partial: that file.
    """

    def __init__(self, folder: Path | str, header: Header) -> None:
        self.folder = Path(folder)
        self._lock = FileLock(self.folder / ".evidence.lock", timeout=0)
        self._holder = self.folder / ".evidence.holder"
        self.partial = self.folder / f"{EVIDENCE_NAME}.partial"
        self._digest = hashlib.sha256()
        self._records = 0
        self._take(header)
        try:
            self._file = self.partial.open("wb")
            drop_sightings(self.folder)
            self._write("header", header)
        except OSError as error:
            self._release()
            raise NotWritable(self.folder, _why(error)) from error
        except BaseException:
            self.close()
            raise

    def append(self, result: CheckResult) -> None:
        """Add one check's record and flush it."""
        self._write("check", result)
        self._records += 1

    def finish(self, ending: Ending) -> Path:
        """Write the footer, move the complete file into place and release the folder; return the path."""
        fields = {name: getattr(ending, name) for name in Ending.model_fields}
        self._write("footer", Footer(**fields, records=self._records, digest=self._digest.hexdigest()))
        whole = self.folder / EVIDENCE_NAME
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self.partial.replace(whole)
            drop_sightings(self.folder)
        except OSError as error:
            raise NotWritable(self.folder, _why(error)) from error
        finally:
            self.close()
        return whole

    def close(self) -> None:
        """Release the folder; without `finish` the partial file stays. Calling this twice is harmless."""
        # A file on a full disk can't be closed in order: what it holds in memory can't be written.
        with contextlib.suppress(OSError):
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
        line = encode({"kind": kind, **sanitised(record.model_dump(mode="json"))})
        self._digest.update(line)
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise NotWritable(self.folder, _why(error)) from error


def pack(folder: Path) -> Path:
    """Compress a folder's evidence for publishing, reproducibly; return the packed file."""
    whole = folder / EVIDENCE_NAME
    packed = folder / f"{EVIDENCE_NAME}{PACKED}"
    packed.write_bytes(gzip.compress(whole.read_bytes(), mtime=0))
    whole.unlink()
    return packed


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
