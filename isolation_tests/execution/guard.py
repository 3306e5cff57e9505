"""The last gate before a target: no write and no delete under a name that this run did not lease."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tenacity import RetryError, Retrying, stop_after_attempt, wait_random_exponential

from isolation_tests.core.errors import TargetProblem
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.meter import FAILURES_IN_A_ROW, Meter, RunEnded
from isolation_tests.execution.session import Session
from isolation_tests.model import WRITING
from isolation_tests.testdata.display import show

LAST_TRIES = 3
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 2.0
_WRITES = frozenset(operation.value for operation in WRITING)


class NotLeased(TargetProblem):
    """A write or delete under a name that may be a stranger's was stopped before it reached the target."""

    def __init__(self, method: str, name: object) -> None:
        super().__init__(
            f"{method} as user {show(name)} was stopped, because this run did not make that user; add "
            "--disposable, or `disposable = true` in the target's file, if the whole store may be destroyed."
        )


@dataclass(frozen=True, slots=True)
class GuardedSession:
    """A session of which every call passes the gate and the meter; the runner has no other way to the target.

    disposable: the user or the target's file says that the whole store may be destroyed; any name may write.
    """

    session: Session
    lease: Lease
    disposable: bool

    @property
    def lost(self) -> str | None:
        """Why the session can't be used any more; None while it can."""
        return self.session.lost

    def call(self, method: str, user: object, *arguments: Any, **keywords: Any) -> Any:
        """As the session's; raises `NotLeased` for a write or delete under a name that is not this run's.

        Raises `RunEnded` if the run may send nothing more.
        """
        if not self.disposable and method in _WRITES and not self.lease.made(user):
            raise NotLeased(method, user)
        meter = self.session.meter
        if meter is None or self.lost:
            return self.session.call(method, user, *arguments, **keywords)
        try:
            return self._counted(meter, method, user, *arguments, **keywords)
        except Exception:
            if meter.failing():
                self._ask_again(meter)
            raise

    def _counted(self, meter: Meter, method: str, user: object, *arguments: Any, **keywords: Any) -> Any:
        told = {name: value for name, value in keywords.items() if name not in ("lane", "give_up")}
        with meter.calling(method, user, arguments, told) as call:
            return self.session.call(method, user, *arguments, counted=call, **keywords)

    def _ask_again(self, meter: Meter) -> None:
        """After many failures in a row, try a few reads, with pauses; end the run if all of them fail."""
        tries = Retrying(
            stop=stop_after_attempt(LAST_TRIES),
            wait=wait_random_exponential(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS),
        )
        with suppress(RunEnded):
            try:
                tries(self._counted, meter, "get_all", self.lease.base()[0])
            except RetryError:
                meter.end(
                    f"the target is down: {FAILURES_IN_A_ROW} calls in a row failed, and so did {LAST_TRIES} "
                    "more tries to read; start it again, and repeat the run"
                )

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Within this, a slow target gets the calls of one process of the run at a time."""
        if self.session.meter is None:
            yield
            return
        with self.session.meter.turn():
            yield

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Within this, calls clean up after a plan, which is possible after the end of a budget too."""
        if self.session.meter is None:
            yield
            return
        with self.session.meter.cleaning():
            yield

    def close(self) -> None:
        """As the session's."""
        self.session.close()
