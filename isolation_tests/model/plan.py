"""Plans: symbolic users, facts and steps, and the operations they are made of; frozen data, no I/O.

A plan is JSON: what is written today is replayed tomorrow against another target.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator


class Frozen(BaseModel):
    """Data that never changes and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Operation(StrEnum):
    """One thing a plan can do on behalf of a user; SETTLE waits until own facts are seen (or gone)."""

    ADD = "add"
    SEARCH = "search"
    GET_ALL = "get_all"
    DELETE_ALL = "delete_all"
    GET = "get"
    UPDATE = "update"
    DELETE = "delete"
    HISTORY = "history"
    COUNT = "count"
    EXPORT = "export"
    PAGE = "page"
    MAINTAIN = "maintain"
    INTRUDE = "intrude"
    SETTLE = "settle"


DESTRUCTIVE = frozenset({Operation.DELETE_ALL, Operation.MAINTAIN})
WRITING = frozenset({Operation.ADD, Operation.UPDATE, Operation.DELETE}) | DESTRUCTIVE
BY_ID = frozenset({Operation.GET, Operation.UPDATE, Operation.DELETE, Operation.HISTORY})

NameType = Literal["str", "int", "float", "json"]


class UserSpec(Frozen):
    """A symbolic user: how its real name is made when the plan is bound.

    template: text with `{base}` (fresh `iso-<run>-<n>`) or `{n}` (a fresh number); users of one `group`
    share the base, which is what makes them related. With type "json" the template is a JSON literal
    and is passed as it is: a hostile value that carries no run id (`literal`).
    hostile: reading is always allowed, but writing and deleting as this user only on a disposable target.
    """

    template: str = "{base}"
    group: int = 0
    type: NameType = "str"
    hostile: bool = False

    @property
    def literal(self) -> bool:
        """Whether the name is the same in every run, so that strangers may share it."""
        return "{base}" not in self.template and "{n}" not in self.template

    @property
    def missing(self) -> bool:
        """Whether the name stands for "no user given": null or blank text."""
        if self.type != "json":
            return False
        value = json.loads(self.template)
        return value is None or (isinstance(value, str) and not value.strip())


class FactSpec(Frozen):
    """A symbolic fact: a text with `{canary}` where the token goes, and the users who may see it."""

    text: str
    owners: tuple[int, ...]


class Step(Frozen):
    """One operation of a plan.

    user: index of the acting user. fact: index of the fact that is written (add, update), searched for
    by its own text (search), or whose stored id is used (get, update, delete, history).
    absent: use a random id of the same shape instead. query: free text to search for.
    metadata, filters: JSON; a string "@1" becomes user 1's name and "#0" the canary of fact 0.
    replaces: for update, the fact whose id is addressed (`fact` is the new text).
    cursor: index of the earlier page step whose handle is replayed. victim, how: of intrude, whose memories
    the acting user reaches for, and by which way in.
    lane: consecutive steps with lanes overlap: all lanes start together, each performs its own steps in
    order. on: where a lane runs: on a thread of its own, hopping between two threads, on a thread with an
    opening of the target of its own, or on the target's declared twin; an async adapter's lanes are tasks of
    one event loop. pause: seconds
    to wait before the call, part of the schedule. give_up: seconds after which an async call is cancelled.
    spoiled: pass no user at all, so that the call fails. hold: of settle, wait as long as the target's
    writes may take, 5 seconds at most, before looking.
    anomaly: the name of a violation that shows at this step; None: the judges' default.
    control: a violation here is the broader cause and explains the narrower ones of this plan.
    """

    op: Operation
    user: int
    fact: int | None = None
    replaces: int | None = None
    absent: bool = False
    query: str | None = None
    limit: int = 100
    metadata: dict[str, Any] | None = None
    filters: dict[str, Any] | None = None
    key: str | None = None
    cursor: int | None = None
    victim: int | None = None
    how: str | None = None
    lane: int | None = None
    on: Literal["thread", "pool", "handle", "twin"] = "thread"
    pause: float = 0.0
    give_up: float | None = None
    spoiled: bool = False
    hold: bool = False
    anomaly: str | None = None
    control: bool = False


class Plan(Frozen):
    """A list of operations by symbolic users: what is run, shrunk, saved and replayed.

    anomaly: the one this plan hunts. relation: how its users' names are related (None: they are not).
    needs: capabilities without which the plan says nothing. viewer: the user whose whole view is compared
    with and without the others' steps; None: the plan is judged by itself.
    """

    name: str
    anomaly: str
    users: tuple[UserSpec, ...]
    facts: tuple[FactSpec, ...]
    steps: tuple[Step, ...]
    relation: str | None = None
    needs: tuple[str, ...] = ()
    viewer: int | None = None

    @model_validator(mode="after")
    def _indexes_exist(self) -> Plan:
        users, facts = len(self.users), len(self.facts)
        if self.viewer is not None and not 0 <= self.viewer < users:
            raise ValueError("the view to compare is that of a user the plan does not have")
        if any(not 0 <= user < users for fact in self.facts for user in fact.owners):
            raise ValueError("a fact belongs to a user the plan does not have")
        for number, step in enumerate(self.steps):
            if not 0 <= step.user < users:
                raise ValueError(f"step {number} names a user the plan does not have")
            if any(fact is not None and not 0 <= fact < facts for fact in (step.fact, step.replaces)):
                raise ValueError(f"step {number} names a fact the plan does not have")
            if step.victim is not None and not 0 <= step.victim < users:
                raise ValueError(f"step {number} names a victim the plan does not have")
            if step.op is Operation.INTRUDE and (step.victim is None or step.how is None):
                raise ValueError(f"step {number} intrudes without a victim or a way in")
            if step.cursor is not None and not 0 <= step.cursor < number:
                raise ValueError(f"step {number} replays a cursor of no earlier step")
        return self
