"""Deletes what a run's users stored, by leased name only, and proves that it is gone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from isolation_tests.adapter import Refused
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.guard import GuardedSession, NotLeased
from isolation_tests.execution.journal import RUN_ID, Leased
from isolation_tests.execution.session import Session
from isolation_tests.testdata.canaries import Mint

ROUNDS = 3
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0


class Reaper:
    """Deletes the memories of a run's users. It reaches no name that the run did not lease.

    open: opens the target. disposable: names that can't identify the run are cleaned too.
    """

    def __init__(
        self, run_id: str, open_target: Callable[[], Session], *, consistency: float, disposable: bool
    ) -> None:
        if not RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} is not a whole run id")
        self._run_id, self._open, self._disposable = run_id, open_target, disposable
        self._consistency = consistency
        self._session: Session | None = None

    def reap(self, leased: Iterable[Leased], done: Callable[[Any], None]) -> list[Any]:
        """Delete the memories of each name, in up to ROUNDS rounds; return the names that are left.

        done: is told each name of which nothing is left. Raises `TargetProblem` if the target can't be
        opened.
        """
        left = list(leased)
        pause = FIRST_PAUSE_SECONDS
        try:
            for number in range(ROUNDS):
                if number and left:
                    time.sleep(min(pause + self._consistency, LONGEST_PAUSE_SECONDS))
                    pause *= 2
                left = [each for each in left if not self._gone(each, done)]
        finally:
            self._close()
        return [each.name for each in left]

    def _gone(self, leased: Leased, done: Callable[[Any], None]) -> bool:
        session = self._guarded(leased)
        name, keywords = leased.call()
        try:
            with session.cleaning():
                with contextlib.suppress(Refused):
                    session.call("delete_all", name, **keywords)
                gone = self._is_empty(session, name, keywords)
        except NotLeased:
            return False
        except Exception:  # noqa: BLE001 - whatever the target raises, the name is tried again and listed
            return False
        if gone:
            done(leased.name)
        return gone

    def _is_empty(self, session: GuardedSession, name: Any, keywords: dict[str, Any]) -> bool:
        """Whether the target shows nothing of a user.

        A target that refuses the name can hold nothing of it, unless it refuses everybody, such as after a
        credential has expired.
        """
        try:
            return not session.call("get_all", name, **keywords)
        except Refused:
            return not session.call("get_all", f"iso-{self._run_id}-{'0' * 8}")

    def _guarded(self, leased: Leased) -> GuardedSession:
        if self._session is None or self._session.lost:
            self._session = self._open()
        lease = Lease(self._run_id, leased.worker, Mint(bytes(32)))
        return GuardedSession(self._session, lease, self._disposable)

    def _close(self) -> None:
        if self._session is not None:
            try:
                self._session.close()
            finally:
                self._session = None
