"""A process of its own that cleans up after a run that was killed.

It holds the read end of a pipe of which the run holds the other. When the run says that it has ended, the
watchdog goes. When the pipe closes without a word, the run was killed: the watchdog waits until none of its
processes lives, and deletes what the journal says is left. It lives in a session of its own, so that a
signal to the run's group does not reach it. What it needs to open the target comes through the pipe, because
others can read a command line and a file.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from typing import IO, Any

from isolation_tests.execution.journal import Journal, RunRecord
from isolation_tests.targets.settings import Settings

_ENDED = b"ended\n"
_LONGEST_WAIT_SECONDS = 600.0
_POLL_SECONDS = 0.2


class Watchdog:
    """The run's end of the pipe."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        told = {"folder": str(journal.folder), "target": settings.target, "options": settings.option_map()}
        line = json.dumps({**told, "disposable": settings.disposable}).encode("ascii") + b"\n"
        self._process = subprocess.Popen(  # noqa: S603 - this very module
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tell(line)

    def end(self, *, clean: bool = True) -> None:
        """End the run's side; calling this twice is harmless.

        clean: whether the run has cleaned up. If not, the watchdog does once no process of the run lives.
        """
        if self._process.stdin is None or self._process.stdin.closed:
            return
        if clean:
            self._tell(_ENDED)
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10 if clean else 0)

    def _tell(self, line: bytes) -> None:
        # A watchdog that somebody has killed is no reason to stop: the journal still holds every name.
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line)
                self._process.stdin.flush()


def watch(pipe: IO[bytes]) -> None:
    """Wait for the end of a run, and clean up if it came without a word."""
    line = pipe.readline()
    if pipe.readline() == _ENDED or not line:
        return
    told = json.loads(line)
    record = _dead(told["folder"])
    if record is None:
        return
    if not record.left():
        record.remove()
    else:
        _clean(record, told)


def _dead(folder: str) -> RunRecord | None:
    """The record of a killed run once none of its processes lives; None if it has nothing to clean."""
    from pathlib import Path

    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        record = RunRecord.read(Path(folder))
        if record is None or not record.alive():
            return record
        time.sleep(_POLL_SECONDS)
    return None


def _clean(record: RunRecord, told: dict[str, Any]) -> None:
    from isolation_tests.core.errors import Problem
    from isolation_tests.engine.safety.cleaning import clean_record, reaped
    from isolation_tests.targets.resolve import Target, resolve
    from isolation_tests.targets.shipped import beneath

    def named(spec: str) -> Target:
        return resolve(spec, options=told["options"], known="none", disposable=told["disposable"])

    clean = beneath(told["target"])
    if record.halted and clean is None:
        return
    if clean is not None and not record.halted:
        # A planted fault may have stored under other names, which only its own delete finds.
        with contextlib.suppress(Problem):
            reaped(record.info.run_id, named(told["target"]), record.left(), lambda _: None)
    clean_record(record, named(clean or told["target"]))


if __name__ == "__main__":
    watch(sys.stdin.buffer)
