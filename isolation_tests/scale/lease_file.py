"""The lease file: which ranges of users are to do, leased, stored and done, with what each has shown so far.

All processes of a scale run share it. SQLite keeps their changes apart, and what a killed process had leased
goes back, so that no range is lost and none counts twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from isolation_tests.core.errors import UsageProblem
from isolation_tests.execution.ledger import immediate
from isolation_tests.model import Frozen
from isolation_tests.reporting.evidence.scale import ScaleQuestion
from isolation_tests.scale.part import Part
from isolation_tests.scale.population import MOST_ATTEMPTS

__all__ = ["LEASES_NAME", "Identity", "LeaseFile", "LeaseFileLost", "Stored", "Unit", "Work"]

LEASES_NAME = "scale.sqlite"
_WAIT_SECONDS = 60.0
_WITNESSES_OF = 20
"""One in so many ranges stays to the end, whatever else is deleted to make room."""


class LeaseFileLost(UsageProblem):
    """The lease file can't be used, so nothing says which ranges are done."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(
            f"Can't use the lease file {path} ({error}); make room there, or remove the file to begin anew."
        )


class Identity(Frozen):
    """What a lease file belongs to: only the same run may go on with it."""

    question: ScaleQuestion
    """What is asked."""
    shard: int
    """Number of the shard, from 1."""
    target: str
    """The target's name and where it comes from."""
    suite: str
    """The version of the suite."""

    def told(self) -> str:
        """The run in one phrase."""
        asked = self.question
        shard = f", shard {self.shard} of {asked.shards}" if asked.shards > 1 else ""
        sizes = "" if asked.sizes == "equal" else f" with sizes by {asked.sizes}"
        return (
            f"{asked.users:,} users and {asked.facts} facts{sizes} on {self.target}, seed {asked.seed}"
            f"{shard}, isolation-tests {self.suite}"
        )


class Work(StrEnum):
    """What is to be done with a range."""

    STORE = "storing"
    """Store its facts, read them back and probe, for the first time."""
    RESTORE = "restoring"
    """Store its facts again, because the process is gone that had; what it has shown counts already."""
    LOOK = "looking"
    """Look for the last time, and delete."""


class Stored(Frozen):
    """What a range has in the store."""

    unsettled: tuple[int, ...] = ()
    """Users of whom nobody knows what is stored, such as those whose name was refused."""
    deleted: tuple[int, ...] = ()
    """Users who have deleted everything, and then stored other facts."""
    at: float = Field(default=0.0)
    """When they were stored, in seconds since the run began."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A range to work on, of `count` users from `first` on. attempt: tells its names from earlier ones."""

    number: int
    work: Work
    attempt: int
    first: int
    count: int
    witness: bool
    stored: Stored


class LeaseFile:
    """One process's connection to the lease file; raises `LeaseFileLost` if it can't be used."""

    def __init__(self, path: Path, question: ScaleQuestion) -> None:
        self.path, self._question = path, question
        with self._told():
            self._database = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")

    @classmethod
    def begin(cls, folder: Path, identity: Identity) -> tuple[LeaseFile, FileLock]:
        """Create the lease file of a run, or go on with that of the same run; the lock shows its use.

        Raises `UsageProblem` for the file of another run, of another version, or of a run that still goes on.
        """
        path = folder / LEASES_NAME
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise UsageProblem(
                f"{path} is in use by a scale run that goes on; wait for it, or choose another --report."
            ) from error
        try:
            leases = cls(path, identity.question)
            leases._claim(identity)
        except BaseException:
            lock.release()
            raise
        return leases, lock

    def _claim(self, identity: Identity) -> None:
        with self._transaction():
            known = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not known:
                self._create(identity)
                return
        found = self._identity()
        if found is not None and found != identity and not {*self.counts()} - {"todo"}:
            # Nothing was done yet, so nothing is lost.
            with self._transaction():
                self._database.execute("DROP TABLE ranges")
                self._database.execute("DROP TABLE meta")
                self._create(identity)
            return
        if found != identity:
            what = "something else" if found is None else f"a run of {found.told()}"
            raise UsageProblem(
                f"{self.path} belongs to {what}, and this is one of {identity.told()}; repeat that one to go "
                "on with it, or remove the file to begin anew."
            )

    def _create(self, identity: Identity) -> None:
        asked = identity.question
        self._database.execute(
            "CREATE TABLE meta (identity TEXT, runs TEXT, closed TEXT, answers INTEGER, together INTEGER)"
        )
        self._database.execute("INSERT INTO meta VALUES (?, '[]', '', 0, 0)", (identity.model_dump_json(),))
        self._database.execute(
            "CREATE TABLE ranges (number INTEGER PRIMARY KEY, state TEXT, run TEXT, worker INTEGER, "
            "attempt INTEGER, witness INTEGER, stored TEXT, shown TEXT, looked TEXT)"
        )
        self._database.execute("CREATE INDEX by_state ON ranges (state, witness, number)")
        mine = range(identity.shard - 1, asked.ranges, asked.shards)
        witnesses = max(1, asked.together // asked.size // 2)
        # Of the whole run, so that shards choose the same ones.
        step = max(_WITNESSES_OF, -(-asked.ranges // witnesses))
        self._database.executemany(
            "INSERT INTO ranges VALUES (?, 'todo', '', 0, 0, ?, '{}', '', '')",
            ((number, number % step == 0) for number in mine),
        )

    def _identity(self) -> Identity | None:
        with self._told():
            try:
                [text] = self._database.execute("SELECT identity FROM meta").fetchone()
                return Identity.model_validate_json(text)
            except (sqlite3.OperationalError, ValidationError, TypeError, ValueError):
                return None

    @staticmethod
    def seed_of(folder: Path) -> int | None:
        """The seed of the unfinished run in a folder; None if there is none."""
        path = folder / LEASES_NAME
        if not path.is_file():
            return None
        try:
            database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            [text] = database.execute("SELECT identity FROM meta").fetchone()
            database.close()
            return Identity.model_validate_json(text).question.seed
        except (sqlite3.Error, ValidationError, TypeError, ValueError):
            return None

    def join(self, run_id: str) -> list[str]:
        """Begin or go on as this run; return the ids of the runs that worked on the file before.

        What they had stored is stored again before it is looked at, and what they had leased is to do again.
        """
        with self._transaction():
            [runs] = self._database.execute("SELECT runs FROM meta").fetchone()
            earlier: list[str] = json.loads(runs)
            self._database.execute("UPDATE meta SET runs = ?, closed = ''", (json.dumps([*earlier, run_id]),))
            self._give_back("run != ?", run_id)
            self._database.execute("UPDATE ranges SET attempt = 0 WHERE run != ?", (run_id,))
        return earlier

    def lost(self, run_id: str, worker: int) -> None:
        """Take back what a process of this run had leased that has ended."""
        with self._transaction():
            self._give_back("run = ? AND worker = ?", run_id, worker)

    def _give_back(self, which: str, *values: object) -> None:
        states = {Work.STORE: "'todo'", Work.RESTORE: "'gone'", Work.LOOK: "'gone'"}
        for work, state in states.items():
            self._database.execute(
                f"UPDATE ranges SET state = {state} WHERE state = '{work}' AND {which}",  # noqa: S608 - our own words
                values,
            )

    def next(self, run_id: str, worker: int) -> Unit | None:
        """Lease the next range; None if there is none now, although others may still have some.

        What is gone from the store comes first, then what makes room, then new ranges. Nobody looks for the
        last time before every range is stored.
        """
        with self._transaction():
            [closed] = self._database.execute("SELECT closed FROM meta").fetchone()
            if (row := self._first("(state = 'gone' OR state = 'stored' AND run != ?)", run_id)) is not None:
                return self._lease(row, Work.RESTORE, run_id, worker)
            todo = None if closed else self._first("state = 'todo'")
            if todo is not None and not self._has_room():
                oldest = self._first("state = 'stored' AND NOT witness")
                if oldest is not None:
                    return self._lease(oldest, Work.LOOK, run_id, worker)
            if todo is not None:
                return self._lease(todo, Work.STORE, run_id, worker)
            if self._first("state IN ('storing', 'restoring')") is not None:
                return None
            last = self._first("state = 'stored'")
            return None if last is None else self._lease(last, Work.LOOK, run_id, worker)

    def _has_room(self) -> bool:
        if self._question.together >= self._question.users:
            return True
        held = "SELECT count(*) FROM ranges WHERE state IN ('storing', 'stored', 'restoring', 'looking')"
        [count] = self._database.execute(held).fetchone()
        return bool((count + 1) * self._question.size <= self._question.together)

    def _first(self, which: str, *values: object) -> tuple[int, int, int, str] | None:
        found: tuple[int, int, int, str] | None = self._database.execute(
            f"SELECT number, attempt, witness, stored FROM ranges WHERE {which} ORDER BY number LIMIT 1",  # noqa: S608
            values,
        ).fetchone()
        return found

    def _lease(self, row: tuple[int, int, int, str], work: Work, run_id: str, worker: int) -> Unit:
        number, attempt, witness, stored = row
        attempt += work is not Work.LOOK
        if attempt >= MOST_ATTEMPTS:
            raise UsageProblem(
                f"{MOST_ATTEMPTS} processes of this run ended while they worked on users from "
                f"{number * self._question.size} on; look for what ends them, and run again."
            )
        self._database.execute(
            "UPDATE ranges SET state = ?, run = ?, worker = ?, attempt = ? WHERE number = ?",
            (work.value, run_id, worker, attempt, number),
        )
        first = number * self._question.size
        count = min(self._question.size, self._question.users - first)
        return Unit(number, work, attempt, first, count, bool(witness), Stored.model_validate_json(stored))

    def store(self, unit: Unit, stored: Stored, part: Part) -> None:
        """A range is stored; part: what that has shown. When it is stored again, that counted before."""
        with self._transaction():
            if unit.work is not Work.STORE:
                before = self._database.execute("SELECT shown FROM ranges WHERE number = ?", (unit.number,))
                part = Part.model_validate_json(before.fetchone()[0]).plus(part)
            self._database.execute(
                "UPDATE ranges SET state = 'stored', stored = ?, shown = ? WHERE number = ?",
                (stored.model_dump_json(), part.model_dump_json(), unit.number),
            )
            held = self._database.execute(
                "SELECT count(*) FROM ranges WHERE state = 'stored' "
                "AND run = (SELECT run FROM ranges WHERE number = ?)",
                (unit.number,),
            )
            users = min(held.fetchone()[0] * self._question.size, self._question.users)
            self._database.execute("UPDATE meta SET together = max(together, ?)", (users,))

    def done(self, unit: Unit, part: Part) -> None:
        """A range is done; part: what its last look has shown."""
        with self._transaction():
            self._database.execute(
                "UPDATE ranges SET state = 'done', looked = ? WHERE number = ?",
                (part.model_dump_json(), unit.number),
            )

    def close_early(self, why: str) -> None:
        """Let no further range begin, because what was wanted is reached."""
        with self._transaction():
            self._database.execute("UPDATE meta SET closed = ? WHERE closed = ''", (why,))

    def add_answers(self, count: int) -> int:
        """Count judged answers; return how many all processes have judged."""
        with self._transaction():
            self._database.execute("UPDATE meta SET answers = answers + ?", (count,))
            return int(self._database.execute("SELECT answers FROM meta").fetchone()[0])

    def closed(self) -> str:
        """Why no further range begins; empty if one may."""
        with self._told():
            return str(self._database.execute("SELECT closed FROM meta").fetchone()[0])

    def together(self) -> int:
        """The most users whose facts were in the store at the same time."""
        with self._told():
            return int(self._database.execute("SELECT together FROM meta").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Number of ranges by state."""
        with self._told():
            return dict(
                self._database.execute("SELECT state, count(*) FROM ranges GROUP BY state").fetchall()
            )

    def parts(self) -> Iterator[Part]:
        """What each range has shown so far, one after the other."""
        with self._told():
            for texts in self._database.execute(
                "SELECT shown, looked FROM ranges WHERE shown != '' ORDER BY number"
            ):
                yield from (Part.model_validate_json(text) for text in texts if text)

    def held(self, run_id: str) -> Iterator[tuple[int, int, int]]:
        """The ranges that a run has in the store: attempt, first user and number of users."""
        size, users = self._question.size, self._question.users
        rows = self._database.execute(
            "SELECT attempt, number FROM ranges WHERE state = 'stored' AND run = ?", (run_id,)
        ).fetchall()
        for attempt, number in rows:
            yield attempt, number * size, min(size, users - number * size)

    def close(self) -> None:
        """Close this process's connection; the file stays."""
        self._database.close()

    def remove(self) -> None:
        """Remove the file, because its run is complete."""
        self.close()
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.path}{ending}").unlink(missing_ok=True)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told(), immediate(self._database):
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LeaseFileLost(self.path, error) from error
