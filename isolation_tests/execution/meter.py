"""The meter: every call of a run passes it, so that no budget is exceeded and a target in trouble is spared.

What a run ends early for is written into its ledger, where all of its processes read it before the next call.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from filelock import FileLock, Timeout

from isolation_tests.adapter import Indeterminate, Refused
from isolation_tests.core.errors import TargetProblem
from isolation_tests.core.metering import MOST_PAUSE_SECONDS
from isolation_tests.execution.ledger import Account, Ledger
from isolation_tests.model import WRITING, Budget

__all__ = ["Call", "Meter", "RunEnded"]

CLEANING_REQUESTS = 2
"""Requests set aside for each user that a plan writes for: a delete, and one that may have to come before."""
MOST_IN_A_BATCH = 256
SHARE = 0.25
"""The part of what is left of a budget that storing many memories at once may take."""
FAILURES_IN_A_ROW = 10
FAILED_CLEANINGS = 4
SLOW_SECONDS = 1.0
_WEIGHT = 0.1
_TURN_SECONDS = 2.0
_WRITES = frozenset(operation.value for operation in WRITING)


class RunEnded(TargetProblem):
    """The run sends nothing more to the target, except to clean up; the text says why and what to do."""


class Call:
    """One call on its way: counts what the adapter sends for it.

    prepaid: requests that are already counted. stopped: the call was to send more than the run may.
    waited: seconds that the call waited because the target asked it to.
    """

    def __init__(self, meter: Meter, prepaid: int) -> None:
        self._meter, self.prepaid = meter, prepaid
        self.stopped: RunEnded | None = None
        self.waited = 0.0
        self.sent = 0

    def request(self) -> None:
        """Count one request; raises `RunEnded` if the run may send no more."""
        self._meter.reports = True
        self.sent += 1
        if self.prepaid:
            self.prepaid -= 1
            return
        try:
            wait = self._meter.spend()
        except RunEnded as error:
            self.stopped = error
            raise
        self.waited += wait
        _sleep(wait)

    def paused(self, seconds: float) -> None:
        """Take in that the call waits because the target asked it to."""
        self.waited += seconds

    def hold(self, seconds: float) -> None:
        """Let no process of the run make a call for so many seconds."""
        self._meter.hold(seconds)


class Meter:
    """One process's way to the ledger of its run. Safe to use from several threads.

    began: when the run began, in monotonic seconds. room: how many calls this process may make at once; None
    without a limit. reports: the adapter says what it sends, so that an unused prepaid request is given back.
    """

    def __init__(self, ledger: Ledger, budget: Budget, *, began: float, room: int | None = None) -> None:
        self.ledger, self.budget, self.room = ledger, budget, room
        self._began = began
        self._slots = contextlib.nullcontext() if room is None else threading.BoundedSemaphore(room)
        self._lock = threading.Lock()
        self._users: set[str] = set()
        self._kept = self._uncleaned = 0
        self._dearest = CLEANING_REQUESTS
        self._cleaning = False
        self.reports = False

    def ended(self) -> str:
        """Why the run sends nothing more; empty while it goes on."""
        return self.ledger.read().ended

    def end(self, why: str) -> None:
        """End the run in all of its processes; the first reason stays."""
        with self.ledger.account() as account:
            account.ended = account.ended or why

    def hold(self, seconds: float) -> None:
        """Let no process of the run make a call for so many seconds."""
        with self.ledger.account() as account:
            account.hold = max(account.hold, time.monotonic() + seconds)

    def opening(self) -> Call:
        """Count what opening the target sends."""
        return Call(self, prepaid=0)

    @contextmanager
    def calling(
        self, method: str, user: object, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> Iterator[Call]:
        """Count one call of the adapter, wait for its turn, and keep in mind how it ended.

        Raises `RunEnded` before the call if nothing more may be sent, and `Indeterminate` after it if a
        budget ended within.
        """
        with self._slots:
            self._admit(method, user, _size(method, arguments, keywords))
            call, started = Call(self, prepaid=1), time.monotonic()
            try:
                yield call
            except Exception as error:
                self._failed(call, error)
                raise
            else:
                self._answered(call, time.monotonic() - started)
            finally:
                self._settle(call)

    def _admit(self, method: str, user: object, size: int) -> None:
        if self._cleaning and self._uncleaned >= FAILED_CLEANINGS and (why := self.ended()):
            raise RunEnded(why)
        keep = self._new_user(method, user)
        try:
            wait = self.spend(size=size, keep=keep, calls=1)
        except RunEnded:
            with self._lock:
                self._kept -= keep
                self._users.discard(repr(user))
            raise
        _sleep(wait)

    def _new_user(self, method: str, user: object) -> int:
        """The requests to set aside for a user for whom the plan has not written before."""
        with self._lock:
            if self._cleaning or method not in _WRITES or repr(user) in self._users:
                return 0
            self._users.add(repr(user))
            self._kept += self._dearest
            return self._dearest

    def spend(
        self, *, size: int = 0, keep: int = 0, calls: int = 0, requests: int = 1, users: int | None = None
    ) -> float:
        """Count requests; return the seconds to wait before they may be sent.

        size: bytes that they write. keep: requests to set aside. users: for whom is written for the first
        time; by default one if something is set aside. Raises `RunEnded` if a budget is spent.
        """
        now = time.monotonic()
        with self.ledger.account() as account:
            start = max(now, account.slot, account.hold)
            why = self._over(account, size=size, keep=keep, start=start, requests=requests)
            if why:
                account.ended = account.ended or why
            else:
                account.users += int(keep > 0) if users is None else users
                self._book(account, size=size, keep=keep, calls=calls, requests=requests)
                if self.budget.requests_per_second is not None:
                    account.slot = start + requests / self.budget.requests_per_second
        if why:
            raise RunEnded(why)
        return start - now

    def share(self, part: float = SHARE) -> Callable[[], bool]:
        """Whether the run, from now on, has spent less than this part of what is left of each budget."""
        budgets = self.budget.figures()
        most = {
            name: much + part * max(0.0, budgets[name] - much)
            for name, much in self._so_far(self.ledger.read()).items()
            if name in budgets
        }

        def lasts() -> bool:
            account = self.ledger.read()
            so_far = self._so_far(account)
            return not account.ended and all(so_far[name] < limit for name, limit in most.items())

        return lasts

    def _so_far(self, account: Account) -> dict[str, float]:
        """What was spent of each budget that ends a run."""
        return {
            "requests": account.requests + account.kept,
            "bytes": account.bytes,
            "seconds": time.monotonic() - self._began,
        }

    def _book(self, account: Account, *, size: int, keep: int, calls: int, requests: int) -> None:
        account.requests, account.calls = account.requests + requests, account.calls + calls
        account.bytes += size
        account.kept += keep
        if self._cleaning and self._kept:
            freed = min(self._kept, requests)
            self._kept -= freed
            account.kept -= freed

    @property
    def most_at_once(self) -> int:
        """How many calls may be counted together: one where a budget limits the requests in a second."""
        return MOST_IN_A_BATCH if self.budget.requests_per_second is None else 1

    def begin_batch(self, calls: int, *, size: int, users: int) -> Call:
        """Count calls that follow one another, and wait for their turn; raises `RunEnded` before any is sent.

        size: bytes that they write. users: for whom is written for the first time; what deletes it again is
        set aside, until `take_up` and a cleaning use it.
        """
        if self._cleaning and self._uncleaned >= FAILED_CLEANINGS and (why := self.ended()):
            raise RunEnded(why)
        _sleep(
            self.spend(size=size, keep=users * CLEANING_REQUESTS, calls=calls, requests=calls, users=users)
        )
        return Call(self, prepaid=calls)

    def end_batch(self, call: Call, errors: Sequence[Exception | None], seconds: float) -> None:
        """Keep in mind how a batch ended: what each call raised, and how many seconds all of them took."""
        failing = 0
        for error in reversed(errors):
            if not _is_failure(error):
                break
            failing += 1
        self._uncleaned = self._uncleaned + failing if self._cleaning and failing else 0
        with self.ledger.account() as account:
            whole = failing == len(errors)
            account.failures = account.failures + failing if whole else failing
            if not whole:
                _note_latency(account, max(0.0, seconds - call.waited) / len(errors))
            if call.prepaid and self.reports:
                account.requests -= call.prepaid

    def _over(self, account: Account, *, size: int, keep: int, start: float, requests: int) -> str:
        """Why no more requests may be sent; empty if they may."""
        budget = self.budget
        held = account.hold - time.monotonic()
        if held > MOST_PAUSE_SECONDS:
            return f"the target asks to be left alone for {held:.0f} seconds; run again after that"
        if self._cleaning:
            full = budget.requests is not None and account.requests + requests > budget.requests
            return _spent("requests", budget.requests) if full else ""
        if account.ended:
            return account.ended
        asked = {
            "requests": account.requests + account.kept + requests + keep,
            "bytes": account.bytes + size,
            "seconds": start - self._began,
        }
        for name, much in asked.items():
            limit = getattr(budget, name)
            if limit is not None and much > limit:
                return _spent(name, limit)
        return ""

    def _failed(self, call: Call, error: Exception) -> None:
        if call.stopped is not None:
            raise _cut_short(call.stopped) from None
        if isinstance(error, Refused):
            self._reset()
        elif _is_failure(error):
            self._uncleaned += self._cleaning
            with self.ledger.account() as account:
                account.failures += 1

    def _answered(self, call: Call, seconds: float) -> None:
        if call.stopped is not None:
            # An adapter that went on without the rest has no whole answer.
            raise _cut_short(call.stopped)
        self._uncleaned = 0
        with self.ledger.account() as account:
            account.failures = 0
            _note_latency(account, max(0.0, seconds - call.waited))

    def _reset(self) -> None:
        with self.ledger.account() as account:
            account.failures = 0

    def _settle(self, call: Call) -> None:
        """Give back a prepaid request that the adapter did not send."""
        if self._cleaning:
            self._dearest = max(self._dearest, call.sent)
        if call.prepaid and self.reports:
            with self.ledger.account() as account:
                account.requests -= 1

    def failing(self) -> bool:
        """Whether so many calls in a row failed that the target may be down."""
        account = self.ledger.read()
        return account.failures >= FAILURES_IN_A_ROW and not account.ended and not self._cleaning

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Within this, calls clean up after a plan: they may use what was set aside, even after the end."""
        self._cleaning = True
        try:
            yield
        finally:
            with self.ledger.account() as account:
                account.kept -= self._kept
            with self._lock:
                self._kept = 0
                self._users.clear()
            self._cleaning = False

    def set_aside(self) -> int:
        """Keep the requests that clean up after the plan of now, past the cleaning after other plans."""
        with self._lock:
            kept, self._kept = self._kept, 0
            self._users.clear()
        return kept

    def take_up(self, kept: int) -> None:
        """Let the next cleaning use what was set aside for it."""
        with self._lock:
            self._kept += kept

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Within this, a slow target gets the calls of this process only."""
        lock = FileLock(f"{self.ledger.path}.turn")
        while self.ledger.read().latency >= SLOW_SECONDS and not self.ended():
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=_TURN_SECONDS)
                break
        try:
            yield
        finally:
            lock.release()


def _note_latency(account: Account, seconds: float) -> None:
    account.latency += _WEIGHT * (seconds - account.latency)
    account.slowest = max(account.slowest, account.latency)


def _is_failure(error: Exception | None) -> bool:
    """Whether a call failed: the system neither answered nor refused, and nobody planned that."""
    answered = error is None or isinstance(error, Refused | NotImplementedError | RunEnded)
    return not answered and not getattr(error, "planned", False)


def _sleep(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)


def _cut_short(error: RunEnded) -> Indeterminate:
    """What became of a call that was not sent as a whole: only its first requests were."""
    return Indeterminate(str(error))


def _spent(name: str, limit: float | None) -> str:
    return (
        f"the budget of {limit:,g} {name} is spent; raise it with --budget {name}=N, or in [budget] of the "
        "target's file"
    )


def _size(method: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> int:
    """The bytes that a call writes: its text, and what is stored with it."""
    if method not in ("add", "update"):
        return 0
    with_it = json.dumps(dict(keywords), default=str).encode() if keywords else b""
    return len(str(arguments[-1] if arguments else "").encode(errors="replace")) + len(with_it)
