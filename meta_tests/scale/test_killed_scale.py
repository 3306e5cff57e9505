"""A scale run that is killed goes on: nothing is lost or counts twice, and nothing stays in the store."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from isolation_tests.execution.journal import records
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.scale import ScaleFigures
from isolation_tests.scale.lease_file import LEASES_NAME
from meta_tests.slow_store import slow_store

SECONDS = 120
USERS = 160


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "adapter.py").write_text(slow_store(0.001), encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(report: str, *more: str) -> list[str]:
    asked = ["--users", str(USERS), "--seed", "7", "--report", report]
    return [sys.executable, "-m", "isolation_tests", "scale", "adapter.py:Store", *asked, *more]


def ended(report: str, *more: str) -> Evidence:
    ran = subprocess.run(command(report, *more), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return read(Path(report))


def figures(evidence: Evidence) -> ScaleFigures:
    assert evidence.footer.scale is not None
    return evidence.footer.scale


def progress(report: str) -> int:
    """How many ranges were stored or done so far."""
    path = Path(report) / LEASES_NAME
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            rows = database.execute("SELECT count(*) FROM ranges WHERE state IN ('stored', 'done')")
            return int(rows.fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def rows() -> int:
    with closing(sqlite3.connect("store.db", timeout=60)) as database:
        return int(database.execute("SELECT count(*) FROM rows").fetchone()[0])


def wait_for_the_watchdog() -> None:
    until = time.monotonic() + SECONDS
    while records() and time.monotonic() < until:
        time.sleep(0.05)
    assert not records()


@pytest.mark.process
@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_at_random_moments_it_ends_with_the_same_digest(folder: Path, workers: str) -> None:
    chance = random.Random(workers)  # noqa: S311 - when somebody kills a run is chance
    whole = figures(ended("whole"))
    for _ in range(4):
        before = progress("killed")
        running = subprocess.Popen(
            command("killed", "-n", workers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + SECONDS
        while progress("killed") <= before and running.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.6))
        os.kill(running.pid, signal.SIGKILL)
        running.wait(SECONDS)
    again = figures(ended("killed", "-n", workers))

    assert (again.users, again.facts, again.digest) == (whole.users, whole.facts, whole.digest)
    assert again.restored > 0
    assert not (folder / "killed" / LEASES_NAME).exists()
    wait_for_the_watchdog()
    assert rows() == 0


@pytest.mark.process
def test_two_processes_share_the_ranges_and_a_killed_one_is_replaced(folder: Path) -> None:
    whole = figures(ended("whole"))
    running = subprocess.Popen(
        command("two", "-n", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while progress("two") < 2:
        time.sleep(0.02)
    children = subprocess.run(
        ["pgrep", "-P", str(running.pid), "-f", "spawn_main"],  # noqa: S607 - of procps
        capture_output=True,
        text=True,
        check=False,
    )
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    out, err = running.communicate(timeout=SECONDS)

    assert running.returncode == 0, out + err
    assert figures(read(folder / "two")).digest == whole.digest
    assert rows() == 0
