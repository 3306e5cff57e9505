"""The last gate before a target: no call that could reach the data of somebody outside the run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tenacity import RetryError, Retrying, stop_after_attempt, wait_random_exponential

from isolation_tests.core.errors import TargetProblem
from isolation_tests.execution.batch import Got, Sent
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.meter import FAILURES_IN_A_ROW, Meter, RunEnded
from isolation_tests.execution.session import Session
from isolation_tests.model import BY_ID, WRITING, Operation, Plan, Step, UserSpec, reference
from isolation_tests.plans.cells import TOPIC
from isolation_tests.testdata.display import show
from isolation_tests.testdata.relations import may_be_real, reaches_only_itself

LAST_TRIES = 3
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 2.0
_WRITES = frozenset(operation.value for operation in WRITING)
_BY_ID = frozenset(operation.value for operation in BY_ID)
_WIDE = frozenset({Operation.MAINTAIN.value})
"""Calls that may work on the whole store, whichever user makes them."""

HALTED = "the first delete also removed what other users stored, so nothing more is written or deleted"


class NotLeased(TargetProblem):
    """A call that could reach a stranger's data was stopped before it reached the target."""

    def __init__(self, method: str, name: object) -> None:
        super().__init__(
            f"{method} as user {show(name)} was stopped, because it could reach data that this run did not "
            "make; add --disposable, or `disposable = true` in the target's file, if the whole store may be "
            "destroyed."
        )


class Halted(TargetProblem):
    """A write or delete was stopped, because an earlier delete removed more than it was asked to."""

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} was stopped: {HALTED}.")


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
        """As the session's; raises `NotLeased` for a call that could reach a stranger's data.

        On a target that is not disposable, these are writes and deletes under a name that is not this run's,
        any call under a name that somebody may really have, intrusions upon such a user, calls by an id that
        may be such a user's, and calls that work on the whole store. Raises `RunEnded` if the run may send
        nothing more.
        """
        self._require_harmless(method, user, arguments)
        meter = self.session.meter
        if meter is None or self.lost:
            return self.session.call(method, user, *arguments, **keywords)
        try:
            return self._counted(meter, method, user, *arguments, **keywords)
        except Exception:
            if meter.failing():
                self._ask_again(meter)
            raise

    def call_many(self, calls: Sequence[Sent], *, users: int = 0) -> list[Got]:
        """Many calls one after the other, each through the gate before the first is made; none is retried.

        users: for how many users these calls write for the first time. Raises as `call`, and `TimeLimit`.
        """
        for method, user, arguments, _ in calls:
            self._require_harmless(method, user, arguments)
        meter = self.session.meter
        most = len(calls) if meter is None else meter.most_at_once
        got: list[Got] = []
        for first in range(0, len(calls), max(1, most)):
            part = calls[first : first + most]
            new = min(users, len(part))
            users -= new
            got += self.session.call_many(part) if meter is None else self._counted_many(meter, part, new)
        return got

    def _require_harmless(self, method: str, user: object, arguments: Sequence[Any]) -> None:
        """The gate that every call passes, alone or with others: raises as `call`."""
        if self.lease.halted and method in _WRITES:
            raise Halted(method)
        if not self.disposable:
            for name in (user, *(arguments[:1] if method == Operation.INTRUDE else ())):
                if method in _WIDE or self._is_strange(method, name):
                    raise NotLeased(method, name)
            if method in _BY_ID and self._addresses_strangers(method, arguments[0] if arguments else None):
                raise NotLeased(method, user)

    def _counted_many(self, meter: Meter, calls: Sequence[Sent], users: int) -> list[Got]:
        size = sum(len(str(call.arguments[-1]).encode()) for call in calls if call.method == "add")
        call = meter.begin_batch(len(calls), size=size, users=users)
        began = time.monotonic()
        got = self.session.call_many(calls, counted=call)
        meter.end_batch(call, [each.error for each in got], time.monotonic() - began)
        if call.stopped is not None:
            # An adapter that went on without the rest has no whole answer.
            raise call.stopped
        if meter.failing():
            self._ask_again(meter)
        return got

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

    def set_aside(self) -> int:
        """How many requests are kept for cleaning up after the plan of now, past that after other plans."""
        return 0 if self.session.meter is None else self.session.meter.set_aside()

    def share(self) -> Callable[[], bool]:
        """Whether a part of what is left of the run's budget lasts; it counts from now on."""
        return _enough if self.session.meter is None else self.session.meter.share()

    def take_up(self, kept: int) -> None:
        """Let the next cleaning use what was set aside for it."""
        if self.session.meter is not None:
            self.session.meter.take_up(kept)

    def _is_strange(self, method: str, user: object) -> bool:
        return not self.lease.made(user) and (method in _WRITES or may_be_real(user))

    def _addresses_strangers(self, method: str, id: object) -> bool:
        """Whether a call's id may be that of a memory which no user of the run has."""
        if method in _WRITES:
            return not isinstance(id, str) or id not in self.lease.ids
        return not self.lease.addresses_own(id) and may_be_real(id)

    def close(self) -> None:
        """As the session's."""
        self.session.close()


def _enough() -> bool:
    return True


def reaches_out(plan: Plan, step: Step) -> bool:
    """Whether a step could reach data of somebody outside the run."""
    told = [plan.users[index] for index in _told(step.metadata, step.filters)]
    victims = [] if step.victim is None else [plan.users[step.victim]]
    named = (plan.users[step.user], *victims, *told)
    if step.op is Operation.MAINTAIN or any(map(_may_be_real, named)):
        return True
    if step.op not in WRITING:
        form = step.id_form or ""
        return step.op in BY_ID and "{id}" not in form and may_be_real(form)
    values = [each for user in named for each in (user.scope or {}).values() if each is not None]
    return step.spoiled or _writes_beyond(step) or not all(map(reaches_only_itself, (*named, *values)))


def _may_be_real(user: UserSpec) -> bool:
    """Whether a user's name is the same in every run, and one that somebody may really have."""
    if user.type == "json":
        return may_be_real(json.loads(user.template))
    return user.literal and may_be_real(user.template)


def _told(*values: object) -> Iterator[int]:
    """The users whom metadata and filters name."""
    for value in values:
        if isinstance(value, dict | list | tuple):
            yield from _told(*(value.values() if isinstance(value, dict) else value))
        elif (named := reference(value)) is not None and named[0] == "@":
            yield named[1]


def _writes_beyond(step: Step) -> bool:
    """Whether a write's arguments could be taken for somebody else's: an id, a key, a filter or an owner."""
    shared = step.key is not None and "{base}" not in step.key
    # Where the store has room for so many only, somebody else's make room.
    crowds = step.times is not None
    return (
        crowds
        or step.id_form is not None
        or shared
        or step.filters is not None
        or _names_somebody(step.metadata)
    )


def _names_somebody(value: object) -> bool:
    """Whether metadata holds what could be somebody's name; what all plans store beside a fact is not."""
    if isinstance(value, dict):
        inner = [part for pair in value.items() if pair not in TOPIC.items() for part in pair[1:]]
        return any(map(_names_somebody, inner))
    if isinstance(value, list | tuple):
        return any(map(_names_somebody, value))
    return reference(value) is None and may_be_real(value)
