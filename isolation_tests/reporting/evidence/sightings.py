"""What a run saw, on disk at first sight: a leak stays known if the run is killed before its check ends.

Each process of a run has a file of its own, with one check record per line. The evidence takes their place
when the run ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from isolation_tests.core.bounded import parsed, read_file
from isolation_tests.model import CheckResult
from isolation_tests.reporting.evidence.sanitising import encode, sanitised

__all__ = ["Sightings", "drop_sightings", "read_sightings"]

_FOLDER = "evidence.sighted"
_MOST_BYTES = 64 * 2**20


class Sightings:
    """One process's sightings in a run's report folder."""

    def __init__(self, folder: Path, worker: int) -> None:
        self._path = folder / _FOLDER / f"{worker:03d}.jsonl"

    def add(self, result: CheckResult) -> None:
        """Write a violated check at once; if that fails, the check's own record still follows."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(encode(sanitised(result.model_dump(mode="json"))))
                file.flush()
                os.fsync(file.fileno())


def read_sightings(folder: Path) -> list[CheckResult]:
    """The violated checks that a run without an end saw; a line that was cut is left out."""
    return [result for path in sorted((folder / _FOLDER).glob("*.jsonl")) for result in _results(path)]


def drop_sightings(folder: Path) -> None:
    """Remove the sightings of a run whose evidence is complete, or of an earlier one."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)


def _results(path: Path) -> Iterator[CheckResult]:
    with contextlib.suppress(OSError):
        for line in read_file(path, _MOST_BYTES).splitlines():
            with contextlib.suppress(ValueError):
                yield CheckResult.model_validate(parsed(line))
