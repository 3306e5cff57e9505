"""A run that is stopped from outside deletes its users and keeps what it proved."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from isolation_tests.reporting.evidence.reader import read
from meta_tests.slow_store import slow_store

ADAPTER = slow_store(0.01)
SECONDS = 120
pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def started_in_front() -> Iterator[None]:
    """What a test starts heeds Ctrl-C, also where a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def rows(folder: Path) -> int:
    """How many memories are stored now."""
    with closing(sqlite3.connect(folder / "store.db", timeout=30)) as database:
        try:
            return int(database.execute("SELECT COUNT(*) FROM rows").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


@pytest.mark.parametrize(
    ("sent", "workers"),
    [(signal.SIGTERM, 0), (signal.SIGTERM, 2), (signal.SIGINT, 0)],
    ids=["SIGTERM-0", "SIGTERM-2", "SIGINT-0"],
)
def test_a_run_that_is_stopped_leaves_no_user_behind(
    tmp_path: Path, sent: signal.Signals, workers: int
) -> None:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    command = [sys.executable, "-m", "isolation_tests", "run", "adapter.py:Store", "--profile", "quick"]
    run = subprocess.Popen(
        [*command, "-n", str(workers), "--report", "out"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    # The smoke check's users come and go first; what is stored later belongs to a check in progress.
    for line in run.stdout or ():
        if line.startswith("expected checks"):
            break
    until = time.monotonic() + SECONDS
    time.sleep(2)
    while not rows(tmp_path) and time.monotonic() < until:
        time.sleep(0.01)
    assert rows(tmp_path), "nothing was being stored when the run was to be stopped"
    run.send_signal(sent)
    run.communicate(timeout=SECONDS)

    assert run.returncode == 2
    assert rows(tmp_path) == 0
    assert read(tmp_path / "out").footer.not_run


LOST = """

import os
import signal


class Finalizer:
    def __del__(self):
        os.kill(os.getpid(), signal.SENT)
        for _ in range(1000):
            pass


Finalizer()
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=lambda sent: sent.name)
def test_a_signal_whose_exception_python_drops_stops_the_run_all_the_same(
    tmp_path: Path, sent: signal.Signals
) -> None:
    (tmp_path / "adapter.py").write_text(ADAPTER + LOST.replace("SENT", sent.name), encoding="utf-8")
    command = [sys.executable, "-m", "isolation_tests", "run", "adapter.py:Store", "--profile", "quick"]
    run = subprocess.run(
        [*command, "-n", "0", "--report", "out"],
        cwd=tmp_path,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )

    assert run.returncode == 2
    assert rows(tmp_path) == 0
