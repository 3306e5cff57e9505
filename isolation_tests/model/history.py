"""Histories: who the users were in one run, every call and every answer; frozen data, no I/O.

A history is judged again elsewhere, without the target.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from isolation_tests.model.plan import Frozen, NameType, Operation, Plan


class BoundUser(Frozen):
    """A symbolic user's real name in one run; `number` is unique in the run and is in its canaries."""

    number: int
    name: Any
    type: NameType = "str"


class Sighting(Frozen):
    """One canary seen in an answer.

    user, fact: indexes in the plan; user is None for a canary of this run that another check wrote.
    where: path of the field it was in ("text", "raw.payload.data", "id", "error").
    """

    user: int | None
    fact: int
    where: str


class Row(Frozen):
    """One memory of an answer, without any text this run did not write.

    fields: where views are compared, every value of a row of the run's own by its path: numbers as they are,
    of texts a digest in which names, ids and canaries are symbols.
    """

    id: str | None
    text: str
    sightings: tuple[Sighting, ...] = ()
    fields: dict[str, str | float] = Field(default_factory=dict)


class Outcome(StrEnum):
    """How a call ended: JEPSEN's ok, fail and info, the adapter's own error, and what it does not offer."""

    OK = "ok"
    REFUSED = "refused"
    INDETERMINATE = "indeterminate"
    ERROR = "error"
    UNSUPPORTED = "unsupported"


class Event(Frozen):
    """One call and its answer, as appended to the history.

    step: index of the plan's step. user: index of the acting user. poll: an answer taken while waiting,
    not the settled one. started, ended: seconds since the run began. error: kind and text of what was
    raised, with ids and names of this plan replaced by their symbols. names: users of the plan whose
    names the error text gave away. number: what `count` answered. cursor: whether a handle came back.
    """

    step: int
    op: Operation
    user: int
    outcome: Outcome
    started: float
    ended: float
    worker: str = "main"
    poll: bool = False
    rows: tuple[Row, ...] = ()
    number: int | None = None
    cursor: bool = False
    error_kind: str | None = None
    error: str | None = None
    sightings: tuple[Sighting, ...] = ()
    names: tuple[int, ...] = ()

    def seen(self) -> tuple[Sighting, ...]:
        """All canaries of the answer, in rows and error text alike."""
        return (*self.sightings, *(s for row in self.rows for s in row.sightings))


class Volatile(Frozen):
    """What a target declares to be another each time without any other user's doing, and why.

    fields: patterns of paths into a row ("raw.updated_*"). order: whether rows come in a steady order.
    score_tolerance: by how much numbers of a row may differ. Whatever is declared is not compared.
    """

    fields: tuple[str, ...] = ()
    order: bool = True
    score_tolerance: float = Field(default=0.0, ge=0)
    reason: str = Field(min_length=10)

    def told(self) -> str:
        """What is not compared, and why, in one sentence."""
        parts = [f"fields {', '.join(self.fields)}"] if self.fields else []
        parts += [] if self.order else ["the order of rows"]
        parts += [f"numbers within {self.score_tolerance:g}"] if self.score_tolerance else []
        return f"{'; '.join(parts) or 'nothing'} ({self.reason})"


class History(Frozen):
    """A plan as it was run once: who the users were and everything that was answered, in order.

    consistency: seconds that the target says a write may take to be seen. volatile: what it says is another
    each time.
    """

    plan: Plan
    users: tuple[BoundUser, ...]
    events: tuple[Event, ...]
    consistency: float = 0.0
    volatile: Volatile | None = None
