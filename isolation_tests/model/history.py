"""Histories: the users of one run, every call and every answer. Immutable data, no I/O.

A history can be judged again without the target.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from pydantic import Field, model_validator

from isolation_tests.model.plan import Actor, Frozen, NameType, Operation, Plan, UserIndex

UserNumber = NewType("UserNumber", int)
"""A user's number in the run: unique, and part of the user's canaries."""
UserName = NewType("UserName", object)
"""A user's real name, as the target gets it, of any type."""


class BoundUser(Frozen):
    """A symbolic user with the real name that it had in one run."""

    number: UserNumber
    """Unique within the run; part of the user's canaries."""

    name: UserName
    """The value that was passed to the adapter as the user."""

    type: NameType = "str"
    """The type of the name."""

    scope: dict[str, object] | None = None
    """The values of further axes that were passed with the user; an axis without a value was omitted."""


class Sighting(Frozen):
    """One canary that appeared in an answer."""

    user: UserIndex | None
    """Index of the user who owns the fact; None if another check of this run wrote the canary."""

    fact: int
    """Index of the fact in the plan."""

    where: str
    """Path of the field that held the canary, such as "text", "raw.payload.data", "id" or "error"."""


class Row(Frozen):
    """One memory in an answer, without any text that this run did not write."""

    id: str | None
    """The memory's id; None if the system gives no ids or if the memory holds no canary of this run."""

    text: str
    """The memory's text; a text that this run did not write is replaced by a note of its length."""

    sightings: tuple[Sighting, ...] = ()
    """Every canary in this memory."""

    fields: dict[str, str | float] = Field(default_factory=dict)
    """Every value of the row by its path, recorded when views are compared and the row is the run's own.

    Numbers stay as they are. A text becomes a digest in which names, ids and canaries are symbols.
    """


class Outcome(StrEnum):
    """How a call ended: Jepsen's ok, fail and info, then adapter errors and unsupported calls."""

    OK = "ok"
    REFUSED = "refused"
    INDETERMINATE = "indeterminate"
    ERROR = "error"
    UNSUPPORTED = "unsupported"


class Event(Frozen):
    """One call and its answer."""

    step: int
    """Index of the step in the plan."""

    op: Operation
    """The operation that was called."""

    user: Actor
    """Index of the user who made the call."""

    outcome: Outcome
    """How the call ended."""

    started: float
    """Seconds from the start of the run to the start of the call."""

    ended: float
    """Seconds from the start of the run to the end of the call."""

    worker: str = "main"
    """The worker process that made the call, with the lane if the step has one."""

    poll: bool = False
    """Whether this answer was taken while waiting; the settled answer follows."""

    rows: tuple[Row, ...] = ()
    """The memories in the answer, in order."""

    number: int | None = None
    """The answer of `count`; how often an `add` with times stored; of `update` and `delete`, 1 for true."""

    cursor: bool = False
    """Whether the answer held a cursor for the next page."""

    error_kind: str | None = None
    """Class of the exception that was raised."""

    error: str | None = None
    """Text of the exception, with this plan's ids and names replaced by symbols."""

    sightings: tuple[Sighting, ...] = ()
    """Every canary in the error text."""

    names: tuple[UserIndex, ...] = ()
    """Indexes of the users whose names the error text revealed."""

    def seen(self) -> tuple[Sighting, ...]:
        """All canaries in the answer: first those in the error text, then those in the rows."""
        return (*self.sightings, *(s for row in self.rows for s in row.sightings))


class Volatile(Frozen):
    """What a target declares non-deterministic, and why. The suite does not compare what is declared here."""

    fields: tuple[str, ...] = ()
    """Patterns of paths into a row, such as "raw.updated_*"."""

    order: bool = True
    """Whether the order of rows is deterministic."""

    recency: bool = False
    """Whether searches rank by time, so that a search need not find the nearest memory first or at all."""

    score_tolerance: float = Field(default=0.0, ge=0)
    """By how much two numbers in a row may differ and still count as equal."""

    reason: str = Field(min_length=10)
    """Why these values change without another user's doing; shown in the report."""

    def told(self) -> str:
        """What is not compared, and why, in one phrase."""
        parts = [f"fields {', '.join(self.fields)}"] if self.fields else []
        parts += [] if self.order else ["the order of rows"]
        parts += ["nearness, because searches rank by time"] if self.recency else []
        parts += [f"numbers within {self.score_tolerance:g}"] if self.score_tolerance else []
        return f"{'; '.join(parts) or 'nothing'} ({self.reason})"


class History(Frozen):
    """One run of a plan: its users with their real names, and every answer in order."""

    plan: Plan
    """The plan that was run."""

    users: tuple[BoundUser, ...]
    """The plan's users with their real names, in the plan's order."""

    events: tuple[Event, ...]
    """Every call, in the order in which it was recorded."""

    consistency: float = 0.0
    """Seconds that a write may take to become visible, as the target declares."""

    volatile: Volatile | None = None
    """What the target declares non-deterministic."""

    cut: str | None = None
    """Why the run ended before the plan did; None if every step had its turn."""

    @model_validator(mode="after")
    def _of_its_plan(self) -> History:
        if len(self.users) != len(self.plan.users):
            raise ValueError("a history has a real name for each user of its plan, and no other")
        if any(event.step >= len(self.plan.steps) or event.user >= len(self.users) for event in self.events):
            raise ValueError("a history has answers of its plan's steps and users only")
        return self
