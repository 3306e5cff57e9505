"""The ledger of a run: what all of its processes have sent and written, and why the run ends early."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from isolation_tests.core.errors import UsageProblem

__all__ = ["Account", "Ledger", "LedgerProblem"]

_WAIT_SECONDS = 60.0
_PAGES = 8
"""How long the file of changes gets before it is merged."""


class LedgerProblem(UsageProblem):
    """The account can't be kept, so nothing limits what the run sends, and the run must end."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(
            f"Can't keep the run's account in {path.parent} ({error}); make room there, or set TMPDIR to "
            "another folder."
        )


@dataclass(slots=True)
class Account:
    """What a run has cost so far, and what all of its processes have to know.

    kept: requests set aside for cleaning up. failures: calls in a row that failed. slot, hold: monotonic
    seconds before which no request, or no call, is sent. latency: seconds that a call takes, on average.
    slowest: the largest such average. ended: why nothing more is sent.
    """

    calls: int = 0
    requests: int = 0
    bytes: int = 0
    users: int = 0
    kept: int = 0
    failures: int = 0
    slot: float = 0.0
    hold: float = 0.0
    latency: float = 0.0
    slowest: float = 0.0
    ended: str = ""


_NAMES = tuple(field.name for field in fields(Account))
_READ = f"SELECT {', '.join(_NAMES)} FROM account"  # noqa: S608 - names of our own fields
_WRITE = f"UPDATE account SET {', '.join(f'{name} = ?' for name in _NAMES)}"  # noqa: S608 - as above


class Ledger:
    """One account in a file that all processes of a run share; SQLite keeps their changes apart.

    path: created by the first process that opens it. A process that is killed leaves the account whole.
    Raises `LedgerProblem` if the file can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._told():
            self._database = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            # It lives as long as the run: after a loss of power nobody reads it.
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(f"PRAGMA wal_autocheckpoint = {_PAGES}")
        with self._transaction():
            self._database.execute(f"CREATE TABLE IF NOT EXISTS account ({', '.join(_NAMES)})")
            if self._database.execute("SELECT 1 FROM account").fetchone() is None:
                marks = ", ".join("?" for _ in _NAMES)
                self._database.execute(f"INSERT INTO account VALUES ({marks})", _values(Account()))  # noqa: S608

    @contextmanager
    def account(self) -> Iterator[Account]:
        """The account, to read and to change; no other process changes it meanwhile."""
        with self._lock, self._transaction():
            account = Account(*self._database.execute(_READ).fetchone())
            before = _values(account)
            yield account
            if (after := _values(account)) != before:
                self._database.execute(_WRITE, after)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told(), immediate(self._database):
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LedgerProblem(self.path, error) from error

    def read(self) -> Account:
        """The account as it is now."""
        with self._lock:
            return Account(*self._database.execute(_READ).fetchone())

    def close(self) -> None:
        """Close this process's connection; the file stays."""
        with self._lock:
            self._database.close()


def _values(account: Account) -> tuple[object, ...]:
    return tuple(getattr(account, name) for name in _NAMES)


@contextmanager
def immediate(database: sqlite3.Connection) -> Iterator[None]:
    """Within this, no other process writes to the database; what was changed counts whole or not at all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
