"""A scale run on a Dask cluster of a scheduler and two workers, one of which is killed in the middle."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.execution.journal import records
from isolation_tests.model import Verdict
from isolation_tests.scale.cluster import run_on_cluster
from isolation_tests.scale.run import Asked, run
from isolation_tests.targets.settings import Settings
from meta_tests.scale.asked import SEED, figures
from meta_tests.slow_store import slow_store

SECONDS = 180
ASKED, SHARDS = Asked(users=120), 6
SETTINGS = Settings(target="adapter.py:Store", seed=SEED, known="none")
THERE = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(not THERE, reason="distributed is not installed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "adapter.py").write_text(slow_store(0.002), encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wait(met: Callable[[], object], what: str) -> None:
    until = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < until, what
        time.sleep(0.05)


@pytest.fixture
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers."""
    told = folder / "scheduler.json"
    common = ["--scheduler-file", str(told), "--no-dashboard"]

    def start(name: str, *more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{name}", *common, *more],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    with contextlib.ExitStack() as started:

        def keep(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
            started.callback(process.wait, SECONDS)
            started.callback(process.terminate)
            return process

        keep(start("scheduler", "--host", "127.0.0.1", "--port", "0"))
        wait(lambda: told.exists() and told.read_text(encoding="utf-8"), "the scheduler did not start")
        workers = [keep(start("worker", "--nthreads", "1", "--no-nanny")) for _ in range(2)]
        yield json.loads(told.read_text(encoding="utf-8"))["address"], workers


def rows() -> int:
    with closing(sqlite3.connect("store.db", timeout=60)) as database:
        return int(database.execute("SELECT count(*) FROM rows").fetchone()[0])


@needs_dask
@pytest.mark.process
def test_a_worker_that_is_killed_loses_no_shard(
    folder: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    whole = figures(run(SETTINGS, ASKED, folder / "whole"))
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == 1:
            os.kill(workers[0].pid, signal.SIGKILL)

    ended = run_on_cluster(SETTINGS, ASKED, folder / "out", address, SHARDS, tell)
    found = figures(ended)

    assert told[-1] == f"{SHARDS} of {SHARDS} shards asked"
    assert (ended.status, ended.summary.verdict) == (0, Verdict.HELD)
    assert found.shards == tuple(range(1, SHARDS + 1))
    assert (found.users, found.digest) == (whole.users, whole.digest)
    wait(lambda: not records(), "the watchdog did not clean up")
    assert rows() == 0


@needs_dask
@pytest.mark.process
def test_what_a_worker_refuses_is_told_in_one_sentence(
    folder: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    (folder / "adapter.py").write_text(
        "class Store:\n    def add(self, user, text): return []\n"
        "    def search(self, user, query, *, limit): return []\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageProblem, match="has no get_all"):
        run_on_cluster(SETTINGS, ASKED, folder / "out", cluster[0], SHARDS)


@needs_dask
def test_a_question_for_a_cluster_needs_shards(folder: Path) -> None:
    with pytest.raises(UsageProblem, match="two shards at least"):
        run_on_cluster(SETTINGS, ASKED, folder, "tcp://127.0.0.1:1", 1)


def test_without_dask_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageProblem, match=r"isolation-tests\[dask\]"):
        run_on_cluster(SETTINGS, ASKED, folder, "tcp://127.0.0.1:1", 2)
