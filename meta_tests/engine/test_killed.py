"""A run that is killed: its users go all the same, its strangers stay as they were, and others are told."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from isolation_tests.engine.safety.watchdog import watch
from isolation_tests.execution.journal import Journal, RunInfo, records
from isolation_tests.reporting.evidence.replay_file import write_replay
from isolation_tests.targets.resolve import resolve
from meta_tests.builders import make_case
from meta_tests.slow_store import slow_store

ADAPTER = slow_store(0.002)
STRANGERS = 1000
RUN = ("run", "adapter.py:Store", "--profile", "quick", "--report", "out")
SECONDS = 120


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with strangers in it, and a state folder of its own."""
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    names = ["admin", "default", "root", "1", "iso-", "iso-abc", "user_1", "*", "%"]
    names += [f"customer-{number}" for number in range(STRANGERS - len(names))]
    with closing(sqlite3.connect("store.db")) as database, database:
        database.execute("CREATE TABLE rows (id, user, text)")
        rows = [(f"id{n}", name, f"a secret of {name}") for n, name in enumerate(names)]
        database.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
    return tmp_path


def rows() -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect("store.db", timeout=60)) as database:
        return database.execute("SELECT id, user, text FROM rows ORDER BY id").fetchall()


def wait(met: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "isolation_tests", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.process
@pytest.mark.parametrize("workers", [0, 2])
def test_after_a_kill_the_watchdog_leaves_nothing_and_touches_no_stranger(folder: Path, workers: int) -> None:
    before = rows()
    for _ in range(2):
        run = subprocess.Popen(
            [sys.executable, "-m", "isolation_tests", *RUN, "-n", str(workers)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait(lambda: len(rows()) > STRANGERS, "the run stored nothing")
        time.sleep(random.uniform(0, 2))  # noqa: S311 - when somebody kills a run is chance
        os.kill(run.pid, signal.SIGKILL)
        run.wait(SECONDS)
        wait(lambda: not records(), "the watchdog did not clean up")

        assert rows() == before


def killed_at_work(*arguments: str, when: Callable[[], bool] = lambda: True) -> None:
    """Start a command, kill its first process when it has stored something, and wait for the cleaning up."""
    running = subprocess.Popen(
        [sys.executable, "-m", "isolation_tests", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait(lambda: when() and len(rows()) > STRANGERS, f"{arguments[0]} stored nothing")
    time.sleep(random.uniform(0, 0.5))  # noqa: S311 - when somebody kills it is chance
    assert running.poll() is None, "it ended by itself"
    os.kill(running.pid, signal.SIGKILL)
    running.wait(SECONDS)
    wait(lambda: not records(), "the watchdog did not clean up")


@pytest.mark.process
def test_a_replay_that_is_killed_leaves_nothing(folder: Path) -> None:
    before = rows()
    file = write_replay(folder, make_case(), target="adapter.py:Store", suite_version="1", versions={})
    killed_at_work("replay", str(file), "--target", "adapter.py:Store", "--times", "100000")
    assert rows() == before


def planting() -> bool:
    """Whether a run with a planted fault goes on."""
    return any("seeded fault" in record.info.target for record in records())


@pytest.mark.process
@pytest.mark.parametrize("fault", ["D3-partial-page", "S1-global"])
def test_a_calibration_that_is_killed_leaves_nothing(folder: Path, fault: str) -> None:
    """Its workers end with it, and what a planted fault has stored or not deleted goes too."""
    before = rows()
    names = [fault, "A2-glob", "A3-upper", "A3-strip"]
    planted = [argument for name in names for argument in ("--fault", name)]
    killed_at_work("calibrate", "adapter.py:Store", "--profile", "quick", "-n", "2", *planted, when=planting)
    assert rows() == before


@pytest.mark.process
def test_after_a_delete_that_took_too_much_no_process_deletes_by_itself(folder: Path) -> None:
    """A killed run that had seen such a loss is cleaned up by command only."""
    dead_run(*OURS)
    [record] = records()
    told = {"folder": str(record.folder), "target": "adapter.py:Store", "options": {}, "disposable": False}
    (record.folder / "halted").touch()
    watch(io.BytesIO(json.dumps(told).encode() + b"\n"))
    assert len(rows()) == STRANGERS + len(OURS)
    (record.folder / "halted").unlink()
    watch(io.BytesIO(json.dumps(told).encode() + b"\n"))
    assert len(rows()) == STRANGERS


def dead_run(*names: str, run_id: str = "ab12cd", target: str = "adapter.py:Store") -> None:
    """A run that stored something under each name and was killed, watchdog and all."""
    found = resolve(target)
    assert found.code is not None
    info = RunInfo(run_id=run_id, target=target, name=target, place=str(found.code.resolve()))
    journal = Journal.begin(info, durable=True)
    journal.lease(names)
    journal.close()
    with closing(sqlite3.connect("store.db")) as database, database:
        database.executemany("INSERT INTO rows VALUES ('x', ?, 'ours')", [(name,) for name in names])


OURS = ("iso-ab12cd-00000001", "iso-ab12cd-00000001-b", "iso-ab12cd-01000002%")


@pytest.mark.process
def test_what_the_watchdog_could_not_clean_is_told_by_the_next_run_and_cleaned_by_command(
    folder: Path,
) -> None:
    before = rows()
    dead_run(*OURS)
    told = command("run", "adapter.py:Store", "--profile", "quick", "-n", "0", "--report", "none")
    note, *_ = [line for line in told.stdout.splitlines() if "left 3 test users on this target" in line]
    assert note.endswith("clean up with: isolation-tests clean adapter.py:Store --run ab12cd")
    assert told.stdout.index(note) < told.stdout.index("What was proved")

    done = command("clean", "adapter.py:Store", "--run", "ab12cd")
    assert (done.returncode, done.stdout) == (0, "run ab12cd: 3 test users cleaned.\n")
    assert rows() == before
    assert not records()


@pytest.mark.process
def test_what_cannot_be_cleaned_is_listed_by_name_and_stays_in_the_journal(folder: Path) -> None:
    dead_run(*OURS)
    (folder / "broken").write_text(OURS[2], encoding="utf-8")
    done = command("clean", "adapter.py:Store", "--all-mine")
    assert (done.returncode, done.stdout) == (2, f"run ab12cd: 2 test users cleaned; 1 left: '{OURS[2]}'\n")
    (folder / "broken").unlink()
    done = command("clean", "adapter.py:Store", "--older-than", "1d")
    assert (done.returncode, done.stdout) == (0, "There is nothing to clean.\n")
    assert command("clean", "adapter.py:Store", "--all-mine").returncode == 0
    assert len(rows()) == STRANGERS


@pytest.mark.process
def test_a_lost_journal_is_no_loss_where_the_target_lists_its_users(folder: Path) -> None:
    before = rows()
    with closing(sqlite3.connect("store.db")) as database, database:
        database.executemany("INSERT INTO rows VALUES ('x', ?, 'ours')", [(name,) for name in OURS])
        database.execute("INSERT INTO rows VALUES ('zz', 'iso-ab12ce-00000001', 'of another run')")
    done = command("clean", "adapter.py:Store", "--run", "ab12cd")
    assert (done.returncode, "There is no journal of run ab12cd" in done.stderr) == (3, True)
    done = command("clean", "adapter.py:Listing", "--run", "ab12cd")
    assert (done.returncode, done.stdout) == (0, "run ab12cd: 3 test users cleaned.\n")
    assert [row for row in rows() if row[0] != "zz"] == before


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Say which runs to clean"),
        (("--run", "ab12cd", "--all-mine"), "Say which runs to clean"),
        (("--run", "ab12"), "is not a run's id"),
        (("--run", ""), "is not a run's id"),
        (("--run", "iso-"), "is not a run's id"),
        (("--older-than", "soon"), "is not an age"),
    ],
)
def test_nothing_vague_cleans_anything(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    dead_run(*OURS)
    done = command("clean", "adapter.py:Listing", *arguments)
    assert (done.returncode, told in done.stderr) == (3, True), done.stderr
    assert len(rows()) == STRANGERS + len(OURS)


@pytest.mark.process
def test_a_run_that_still_goes_on_is_left_alone(folder: Path) -> None:
    found = resolve("adapter.py:Store")
    assert found.code is not None
    place = str(found.code.resolve())
    info = RunInfo(run_id="ab12cd", target="adapter.py:Store", name="adapter.py:Store", place=place)
    journal = Journal.begin(info, durable=True)
    journal.lease(OURS)
    done = command("clean", "adapter.py:Store", "--run", "ab12cd")
    assert (done.returncode, "still goes on; stop it first" in done.stderr) == (3, True)
    assert command("clean", "adapter.py:Store", "--all-mine").stdout == "There is nothing to clean.\n"
    journal.close()


@pytest.mark.process
def test_a_run_against_another_store_is_not_cleaned_on_this_one(folder: Path) -> None:
    dead_run(*OURS)
    path = next(folder.glob("state/isolation-tests/journal/ab12cd/run.json"))
    for change in ({"options": {"url": "elsewhere"}}, {"place": "/elsewhere/adapter.py"}, {"name": "other"}):
        whole = path.read_text(encoding="utf-8")
        path.write_text(json.dumps({**json.loads(whole), **change}), encoding="utf-8")
        assert command("clean", "adapter.py:Store", "--all-mine").stdout == "There is nothing to clean.\n"
        path.write_text(whole, encoding="utf-8")
    [record] = records()
    assert len(record.left()) == len(OURS)
