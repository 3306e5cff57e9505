"""Kills runs at random moments, and counts what they leave behind and what strangers lose.

    python benchmarks/killed_runs.py --runs 10
    python benchmarks/killed_runs.py --runs 10 --store platform

Each run is killed with SIGKILL: its first process, or that and all its workers. Then the watchdog gets its
time. The stores hold 1,000 strangers: a SQLite file (`sqlite`), or the stand-in for the mem0 platform over
HTTP, which keeps running (`platform`; it needs the extra `staging`). Ends with 0 if no test user is left and
every stranger's row is as before, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click

STRANGERS = 1000
LONGEST_DELAY_SECONDS = 12.0
PATIENCE_SECONDS = 180.0
KEY = "m0-killed-runs"
RUN = (sys.executable, "-m", "isolation_tests", "run")
REPO = Path(__file__).resolve().parent.parent

ADAPTER = '''
import sqlite3, time, uuid
from isolation_tests.adapter import Memory, Refused


class Store:
    """One table in a file; a call takes two milliseconds, so that a kill comes in the middle of something."""

    def __init__(self):
        self.rows = sqlite3.connect("store.db", isolation_level=None, timeout=60, check_same_thread=False)

    def of(self, user):
        time.sleep(0.002)
        if not isinstance(user, str) or not user.strip():
            raise Refused("A user is a text that is not blank.")
        return user

    def add(self, user, text):
        row = (uuid.uuid4().hex, self.of(user), text)
        self.rows.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
        return [Memory(id=row[0], text=text)]

    def get_all(self, user):
        found = self.rows.execute("SELECT id, text FROM rows WHERE user = ?", (self.of(user),))
        return [Memory(id=id, text=text) for id, text in found]

    def search(self, user, query, *, limit):
        words = set(query.split())
        return sorted(self.get_all(user), key=lambda row: -len(words & set(row.text.split())))[:limit]

    def delete_all(self, user):
        self.rows.execute("DELETE FROM rows WHERE user = ?", (self.of(user),))
'''


class Store(Protocol):
    """A store that outlives the runs. target: what the runs test."""

    target: str

    def rows(self) -> list[tuple[str, str, str]]:
        """Every row of the store: its id, its user and its text."""
        ...


@dataclass
class SqliteStore:
    """A SQLite file in the current folder."""

    target: str = "adapter.py:Store"

    def rows(self) -> list[tuple[str, str, str]]:
        """Every row of the file."""
        with closing(sqlite3.connect("store.db", timeout=60)) as database:
            return database.execute("SELECT id, user, text FROM rows ORDER BY id").fetchall()


@dataclass
class PlatformStore:
    """The stand-in for the mem0 platform, in a process of its own on a Postgres of its own."""

    memory: Any
    target: str = "platform.toml"

    def rows(self) -> list[tuple[str, str, str]]:
        """Every memory of the project."""
        users = sorted(map(str, self.memory.users()))
        return [(row.id, user, row.text) for user in users for row in self.memory.get_all(user)]


def names() -> list[str]:
    """The strangers; some have names that a careless run would touch."""
    likely = ["admin", "default", "root", "1", "iso-", "iso-abcdef", "user_1", "%"]
    return [*likely, *(f"customer-{number}" for number in range(STRANGERS - len(likely)))]


@contextmanager
def sqlite_store() -> Iterator[Store]:
    """A file with the strangers in it, and an adapter for it."""
    Path("adapter.py").write_text(ADAPTER, encoding="utf-8")
    with closing(sqlite3.connect("store.db")) as database, database:
        database.execute("CREATE TABLE rows (id, user, text)")
        rows = [(f"id{n}", name, f"a secret of {name}") for n, name in enumerate(names())]
        database.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
    yield SqliteStore()


@contextmanager
def platform_store() -> Iterator[Store]:
    """A stand-in with the strangers in it, and a target's file for it."""
    from isolation_tests.adapters import mem0_platform

    open_memory: Callable[..., AbstractContextManager[Any]] = mem0_platform.open_memory  # type: ignore[assignment]  # sync

    command = [
        sys.executable,
        str(REPO / "fixtures" / "staging" / "mem0_platform.py"),
        "--key",
        f"{KEY}=staging",
    ]
    server = subprocess.Popen(  # noqa: S603 - the suite's own server
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        address = (server.stdout.readline() if server.stdout else "").strip()
        os.environ["MEM0_API_KEY"] = KEY
        Path("platform.toml").write_text(
            'name = "platform"\nadapter = "isolation_tests.adapters.mem0_platform:open_memory"\n'
            'shared = true\nconsistency_seconds = 5\ndisposable = false\nowner_keys = ["user_id"]\n'
            # Who asks as the stranger named % is shown that stranger's memory, and the run would end.
            "past_strangers = true\n"
            f'[options]\nhost = "{address}"\n[names]\naliases = ["int-text", "float-text", "one-text"]\n',
            encoding="utf-8",
        )
        with open_memory(host=address) as memory:
            for name in names():
                memory.add(name, f"a secret of {name}")
            store = PlatformStore(memory)
            until = time.monotonic() + PATIENCE_SECONDS
            while len(store.rows()) < STRANGERS and time.monotonic() < until:
                time.sleep(1)
            yield store
    finally:
        server.terminate()
        server.wait()


STORES = {"sqlite": sqlite_store, "platform": platform_store}


def digest(rows: list[tuple[str, str, str]]) -> str:
    """The rows as one value to compare."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def killed(store: Store, number: int, workers: int, chance: random.Random) -> float:
    """Start a run, kill it at a random moment, and wait until its journal is gone; seconds it lived."""
    run = subprocess.Popen(  # noqa: S603 - the suite itself
        [*RUN, store.target, "--profile", "quick", "-n", str(workers), "--report", f"out{number}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    lived = chance.uniform(0.5, LONGEST_DELAY_SECONDS)
    time.sleep(lived)
    if chance.random() < 0.5:
        os.killpg(run.pid, signal.SIGKILL)
    else:
        run.kill()
    run.wait()
    return lived


def settled() -> bool:
    """Whether every run's journal is gone; waits for the watchdogs."""
    from isolation_tests.execution.journal import records

    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if not records():
            return True
        time.sleep(0.2)
    return False


def main() -> int:
    """Kill runs, and print what is left of each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--store", choices=STORES, default="sqlite")
    given = options.parse_args()
    chance = random.Random(given.seed)  # noqa: S311 - when somebody kills a run is chance
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
        with STORES[given.store]() as store:
            before = store.rows()
            for number in range(given.runs):
                workers = chance.choice((0, 2))
                lived = killed(store, number, workers, chance)
                gone = settled()
                after = store.rows()
                strangers = {id for id, _, _ in before}
                ours = sum(id not in strangers for id, _, _ in after)
                same = digest([row for row in after if row[0] in strangers]) == digest(before)
                bad += bool(ours) or not same or not gone
                click.echo(
                    f"run {number + 1}: killed after {lived:.1f} s with {workers} workers; "
                    f"{ours} rows of ours left; strangers {'as before' if same else 'CHANGED'}"
                )
        os.chdir(REPO)
    click.echo(f"{given.runs - bad} of {given.runs} killed runs left nothing and changed no stranger.")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
