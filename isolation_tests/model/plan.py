"""Plans: symbolic users, facts and steps, and the operations of the steps. Immutable data, no I/O.

A plan is stored as JSON, so that it can be replayed later and against another target.
"""

from __future__ import annotations

import json
import math
import re
from enum import StrEnum
from typing import Any, Literal, NewType, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from isolation_tests.core.bounded import parsed


class Frozen(BaseModel):
    """Immutable data that rejects unknown fields.

    The string below a field is its description in the JSON Schema. Pydantic reads it from the source; where
    there is no source, such as in a zip of compiled files, the fields simply have no description.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Operation(StrEnum):
    """What a step can do for a user.

    SETTLE waits until the user's own facts are visible (or gone). REOPEN closes and opens the target.
    """

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
    REOPEN = "reopen"


DESTRUCTIVE = frozenset({Operation.DELETE_ALL, Operation.MAINTAIN})
WRITING = frozenset({Operation.ADD, Operation.UPDATE, Operation.DELETE}) | DESTRUCTIVE
BY_ID = frozenset({Operation.GET, Operation.UPDATE, Operation.DELETE, Operation.HISTORY})

LONGEST_PAUSE_SECONDS = 60.0
"""How long a step may wait before its call. A plan may come from anybody's file."""
MOST_TIMES = 1_000
"""How often one step may store, as `LONGEST_PAUSE_SECONDS`."""
WORD = re.compile(r"\{(word[0-9]{1,4})\}")
"""What stands for a made-up word in a fact's text and in a query: another one in each run of the plan."""
_REFERENCE = re.compile(r"[@#~][0-9]{1,9}")
_MOST_DIGITS = 15
"""The digits of a fresh number, and no fewer than those of any."""

NameType = Literal["str", "int", "float", "json"]
WITNESSES = "witnesses"
"""The name of the plan of a run's witnesses."""
UserIndex = NewType("UserIndex", int)
"""A user's index among the plan's users."""
Actor = NewType("Actor", UserIndex)
"""The index of the user on whose behalf a call is made."""


def reference(value: object) -> tuple[str, int] | None:
    """What a text in metadata or filters stands for: "@", "#" or "~" and an index; None for other values.

    A plan may come from anybody's file, so nothing says that the index exists.
    """
    if not isinstance(value, str) or _REFERENCE.fullmatch(value) is None:
        return None
    return value[0], int(value[1:])


class Omitted(StrEnum):
    """What a call means that omits an axis: the words of the adapter contract's OMITTED."""

    REFUSED = "refused"
    NONE = "none"
    ALL = "all"


class Axis(Frozen):
    """One dimension by which a target separates memories, such as tenant, user or session."""

    name: str
    """The axis as the adapter calls it; "user" is the axis of a call's first argument."""

    omitted: Omitted
    """What a call means that omits the axis."""


class NameSpec(Frozen):
    """A symbolic name: a user's, or a value of another axis; and how the real one is made."""

    template: str = "{base}"
    """The name, with `{base}` for a fresh `iso-<run>-<n>` and `{n}` for a fresh number.

    With type "json" the template is a JSON literal that is passed unchanged.
    """

    group: int = 0
    """Names of one group share the base, which makes them related."""

    type: NameType = "str"
    """The type of the name that is passed to the adapter."""

    hostile: bool = False
    """Whether a user of this name may write and delete on disposable targets only; all may read."""

    @model_validator(mode="after")
    def _can_be_bound(self) -> Self:
        """A plan may come from anybody's file: a template that makes no name is refused when it is read."""
        text = self.template.replace("{base}", "iso").replace("{n}", "9" * _MOST_DIGITS)
        if self.type == "json":
            parsed(self.template)
        elif self.type == "int":
            int(text)
        elif self.type == "float" and not math.isfinite(float(text)):
            raise ValueError(f"{self.template!r} is not a number that JSON has")
        return self

    @property
    def literal(self) -> bool:
        """Whether the name is the same in every run, so that users from outside the run may have it too."""
        return "{base}" not in self.template and "{n}" not in self.template

    @property
    def missing(self) -> bool:
        """Whether the name means "no user": null or blank text."""
        if self.type != "json":
            return False
        return self.blank or json.loads(self.template) is None

    @property
    def blank(self) -> bool:
        """Whether the name is blank text."""
        value = json.loads(self.template) if self.type == "json" else None
        return isinstance(value, str) and not value.strip()


class UserSpec(NameSpec):
    """A symbolic user, and where the user acts if the target has more axes than the user."""

    scope: dict[str, NameSpec | None] | None = None
    """The value of each further axis, None where it is omitted.

    Without a mapping, the user acts where all other users of the run do.
    """


class FactSpec(Frozen):
    """A symbolic fact: a text with a place for its canary, and the users who may see it."""

    text: str
    """The text, with `{canary}` where the token goes, and `{word1}` for a made-up word, new in each run."""

    owners: tuple[UserIndex, ...] = Field(min_length=1)
    """Indexes of the users who may see the fact."""


class Step(Frozen):
    """One operation of a plan."""

    op: Operation
    """The operation."""

    user: Actor
    """Index of the user on whose behalf the call is made."""

    fact: int | None = None
    """Index of the fact that the call is about.

    add and update store it, search looks for its text, and get, delete and history use its stored id.
    """

    replaces: int | None = None
    """For update: the fact whose stored id is used. `fact` is then the new text."""

    text: str | None = None
    """For add and update: a text without a canary, in place of a fact's. Nobody can tell whose it is."""

    absent: bool = False
    """Use a random id of the same shape in place of the stored one."""

    id_form: str | None = None
    """Another id in place of the stored one: a text in which `{id}` is the stored id."""

    query: str | None = None
    """For search: the text to search for, in place of the fact's own text; `{word1}` as in a fact."""

    limit: int = 100
    """For search: the most results to return."""

    metadata: dict[str, Any] | None = None
    """Metadata to store. "@1" becomes user 1's name, "#0" the canary of fact 0, and "~0" its stored id."""

    filters: dict[str, Any] | None = None
    """Filters to pass. "@1" becomes user 1's name, "#0" the canary of fact 0, and "~0" its stored id."""

    key: str | None = None
    """For add: the caller's own id for the memory, with `{base}` for a fresh number of this run."""

    cursor: int | None = None
    """For page: index of the earlier page step whose cursor is passed."""

    victim: UserIndex | None = None
    """For intrude: index of the user whose memories the acting user tries to read."""

    how: str | None = None
    """For intrude: the way in, one of the adapter contract's INTRUSIONS."""

    lane: int | None = None
    """Consecutive steps with lanes overlap. All lanes start together; each runs its own steps in order."""

    on: Literal["thread", "pool", "handle", "twin"] = "thread"
    """Where the lane runs.

    "thread" is a separate thread, "pool" two threads in turn, "handle" a thread with its own opening of the
    target, "twin" the target's declared twin. An async adapter's lanes are tasks of one event loop.
    """

    pause: float = Field(default=0.0, ge=0, le=LONGEST_PAUSE_SECONDS)
    """Seconds to wait before the call."""

    odd: bool = False
    """Whether the call passes something that a system may refuse, misread or fail on.

    A failure of such a call proves nothing, and what it does to the caller's own memories is the caller's own
    doing. What it shows or does of another user counts as always.
    """

    give_up: float | None = Field(default=None, ge=0)
    """Seconds after which an async call is cancelled."""

    times: int | None = Field(default=None, ge=1, le=MOST_TIMES)
    """For add: store the fact so often, each time with another number behind its text, in one event.

    It stores less where `within` is over, the target refuses more, or the run's budget has to last.
    """

    within: float | None = Field(default=None, gt=0)
    """For an add with `times`: seconds that all of them in the plan may take up to the end of this one."""

    spoiled: bool = False
    """Pass no user at all, so that the call fails."""

    hold: bool = False
    """For settle: first wait as long as a write may take, at most 5 seconds."""

    anomaly: str | None = None
    """The anomaly that a violation at this step is reported as; None leaves the choice to the judges."""

    control: bool = False
    """Whether a violation at this step is the broader cause, which explains the narrower ones in the plan."""

    @model_validator(mode="after")
    def _only_an_add_is_repeated(self) -> Step:
        if self.times is not None and (self.op is not Operation.ADD or self.lane is not None or self.spoiled):
            raise ValueError("only an add outside of lanes, by a user, has times")
        return self


class Plan(Frozen):
    """A list of operations by symbolic users. Plans are run, shrunk, saved and replayed."""

    name: str
    """A short name for reports."""

    anomaly: str
    """The anomaly that this plan looks for."""

    users: tuple[UserSpec, ...]
    """The users; facts and steps refer to them by index."""

    facts: tuple[FactSpec, ...]
    """The facts; steps refer to them by index."""

    steps: tuple[Step, ...]
    """The operations, in order."""

    relation: str | None = None
    """How the users' names are related; None if they are not."""

    needs: tuple[str, ...] = ()
    """Capabilities that the target must have; without them the plan proves nothing."""

    viewer: UserIndex | None = None
    """Index of the user whose whole view is compared with and without the others; None: no comparison."""

    axes: tuple[Axis, ...] = ()
    """The target's axes, outer to inner, if users act in scopes that differ in more than the user."""

    @property
    def axis(self) -> str | None:
        """The axis whose values the relation is about; None if it is about names of users."""
        relation = self.relation or ""
        return next((each.name for each in self.axes if relation.startswith(f"{each.name}-")), None)

    @property
    def alike(self) -> str:
        """The relation of the names, or of an axis's values without the axis; empty if there is none."""
        relation, axis = self.relation or "", self.axis
        return relation if axis is None else relation.removeprefix(f"{axis}-")

    @property
    def of_witnesses(self) -> bool:
        """Whether nobody else acts in it: what witnesses lose or see is the doing of other plans."""
        return self.name == WITNESSES

    @property
    def fills(self) -> bool:
        """Whether it stores many memories at once, to see what their number changes."""
        return any(step.times is not None for step in self.steps)

    @model_validator(mode="after")
    def _indexes_exist(self) -> Plan:
        users, facts = len(self.users), len(self.facts)
        further = {axis.name for axis in self.axes} - {"user"}
        if any(user.scope is not None and set(user.scope) != further for user in self.users):
            raise ValueError("a user's scope has each of the plan's axes but the user, and no other")
        if self.viewer is not None and not 0 <= self.viewer < users:
            raise ValueError("the viewer is not a user of the plan")
        if self.viewer is not None and self.axes:
            raise ValueError("a plan that compares a view has no axes but the user")
        if any(not 0 <= user < users for fact in self.facts for user in fact.owners):
            raise ValueError("a fact has an owner that is not a user of the plan")
        for number, step in enumerate(self.steps):
            if not 0 <= step.user < users:
                raise ValueError(f"the user of step {number} is not in the plan")
            if any(fact is not None and not 0 <= fact < facts for fact in (step.fact, step.replaces)):
                raise ValueError(f"a fact of step {number} is not in the plan")
            if step.victim is not None and not 0 <= step.victim < users:
                raise ValueError(f"the victim of step {number} is not in the plan")
            if step.op is Operation.INTRUDE and (step.victim is None or step.how is None):
                raise ValueError(f"step {number} intrudes, but names no victim or no way in")
            if step.cursor is not None and not 0 <= step.cursor < number:
                raise ValueError(f"the cursor of step {number} does not come from an earlier step")
        return self
