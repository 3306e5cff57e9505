"""The last gate before a target: no write and no delete under a name that this run did not lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isolation_tests.core.errors import TargetProblem
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.session import Session
from isolation_tests.model import WRITING
from isolation_tests.testdata.display import show

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
    """A session of which every call passes the gate; the runner has no other way to the target.

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
        """As the session's; raises `NotLeased` for a write or delete under a name that is not this run's."""
        if not self.disposable and method in _WRITES and not self.lease.made(user):
            raise NotLeased(method, user)
        return self.session.call(method, user, *arguments, **keywords)

    def close(self) -> None:
        """As the session's."""
        self.session.close()
