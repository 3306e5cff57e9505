"""One plan's run in progress: what was answered so far, and what should be true now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.execution.axes import SCOPE
from isolation_tests.execution.binding import Arguments, Binding
from isolation_tests.execution.journal import in_scope
from isolation_tests.model import WRITING, Event, Operation, Step, UserIndex, reached
from isolation_tests.model.world import World


@dataclass
class PlanRun:
    """The state of one run of a plan; lanes that overlap share it.

    cursors: handles by the step whose answer they came with. events: in the order in which calls ended.
    writers: the user of each write that was begun, whether or not it came to an end. passed: every mapping
    that was passed, by what it said then. filled: seconds that adds with times
    have taken. room: whether the run's budget leaves room for more of them.
    """

    binding: Binding
    cursors: dict[int, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    writers: list[UserIndex] = field(default_factory=list)
    passed: dict[str, Any] = field(default_factory=dict)
    kept: int = 0
    filled: float = 0.0
    room: Callable[[], bool] | None = None
    _many: dict[UserIndex, list[str]] = field(default_factory=dict)
    _world: World = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._world = World(within=reached(self.binding.plan))

    def arguments(self, number: int, step: Step) -> Arguments | None:
        """A step's arguments, by the ids and cursors that are known now; None where it can't be called.

        Equal filters, and equal metadata, are one object for all users, as a constant of an application is.
        What a system writes into it, the next call passes on (https://github.com/mem0ai/mem0/issues/6796).
        """
        with self._lock:
            found = self.binding.arguments(number, step, self._world, self.cursors)
            if found is None:
                return None
            positional, keywords = found
            return positional, {
                name: self.passed.setdefault(f"{name} {value!r}", value) if isinstance(value, dict) else value
                for name, value in keywords.items()
            }

    def scope(self, user: int) -> dict[str, Any]:
        """The keyword by which a user's calls name their scope; none for one who acts where all users do."""
        scope = self.binding.users[user].scope
        return {} if scope is None else {SCOPE: scope}

    def leased(self, user: int) -> Any:
        """What the journal keeps of a user: the name, with the scope if the user acts in one of their own."""
        return in_scope(self.binding.users[user])

    def unsent(self, op: Operation, user: UserIndex) -> None:
        """Take back that a write was begun, because the call was never sent."""
        if op in WRITING:
            self.writers.remove(user)

    def ids_of(self, user: UserIndex) -> list[str]:
        """The ids that adds with times have given the user; to be added to."""
        return self._many.setdefault(user, [])

    def stored(self, user: UserIndex) -> list[str]:
        """The ids that a user was given for what they stored."""
        adds = (event for event in self.events if event.op is Operation.ADD and event.user == user)
        given = [row.id for event in adds for row in event.rows if row.id is not None]
        return list(dict.fromkeys([*given, *self._many.get(user, ())]))

    def ids(self) -> set[str]:
        """Every id that a user of the plan was given."""
        with self._lock:
            return {id for id in self._world.ids.values() if id}

    def due(self, user: UserIndex) -> set[int]:
        """The facts that the user must see."""
        with self._lock:
            return self._world.own(user)

    def lost(self, user: UserIndex) -> set[int]:
        """The facts that the user deleted or replaced."""
        with self._lock:
            return self._world.lost(user)

    def record(self, event: Event, step: Step) -> None:
        """Append an event, and take in what it changed."""
        with self._lock:
            self.events.append(event)
            self._world.apply(event, step)

    def forget(self, steps: range) -> None:
        """Drop what these steps, which only read, were answered before."""
        with self._lock:
            self.events[:] = [event for event in self.events if event.step not in steps]

    def order(self, first: int) -> None:
        """Sort the events from `first` on by when they ended: a lane may be held up before it records one."""
        with self._lock:
            self.events[first:] = sorted(self.events[first:], key=lambda event: event.ended)
