"""Users, operations, plans, events, findings and verdicts: frozen data, no I/O.

Everything here is serialisable JSON: a plan written today is replayed tomorrow against another target,
and a history is judged again elsewhere, without the target.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """Data that never changes and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(StrEnum):
    """What a check proved, worst first: VIOLATED > ERROR > INCONCLUSIVE > NOT_SUPPORTED > HELD."""

    VIOLATED = "VIOLATED"
    ERROR = "ERROR"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    HELD = "HELD"

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> Verdict:
        """The worst of several verdicts wins; of none, nothing was proved: INCONCLUSIVE."""
        return min(verdicts, key=list(Verdict).index, default=Verdict.INCONCLUSIVE)


class Level(StrEnum):
    """The levels a certificate can reach, lowest first."""

    CORE = "core"
    HARDENED = "hardened"
    CONCURRENT = "concurrent"
    SCALE = "scale"


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

    def finding(
        self, event: Event, *, anomaly: str, law: Law, owner: int | None, story: str, where: str = ""
    ) -> Finding:
        """What an event shows of this history; where: the operation's name if not said."""
        return Finding(
            anomaly=anomaly,
            law=law,
            operation=event.op,
            relation=self.plan.relation,
            viewer=event.user,
            owner=owner,
            step=event.step,
            where=where or event.op.value,
            story=story,
        )


def alias_reason(relation: str) -> str:
    """Why a check is not asked whose two names the target declares to be one user."""
    return f"declared alias: {relation}"


class Law(StrEnum):
    """What an answer can break, by the name of the judge that says so."""

    NO_CROSS_READ = "no-cross-read"
    KEEPS_OWN_FACTS = "keeps-own-facts"
    DELETED_IS_GONE = "deleted-is-gone"
    REFUSES_MISSING_USER = "refuses-missing-user"
    FOREIGN_ID_IS_UNKNOWN = "foreign-id-is-unknown"
    OWNER_STAYS = "owner-stays"
    OWN_KEYS = "own-keys"
    COUNTS_OWN = "counts-own"
    SILENT_ERRORS = "silent-errors"
    OWN_VIEW = "own-view"
    SURFACES_AGREE = "surfaces-agree"


class Finding(Frozen):
    """One anomaly, on one operation, for one relation, as a judge saw it in one history.

    viewer: who acted or lost; owner: whose fact it was (None: of another check of this run).
    step: index of the plan's step at which it showed. where: field or surface. story: one sentence.
    """

    anomaly: str
    law: Law
    operation: Operation
    relation: str | None
    viewer: int
    owner: int | None
    step: int
    where: str
    story: str

    @property
    def key(self) -> str:
        """The finding's stable name: anomaly, operation and relation. Known findings match on it."""
        return f"{self.anomaly}-{self.operation}-{self.relation or 'any'}"


class Judgement(Frozen):
    """What judges say of one history: findings, and doubts that keep it from being a pass.

    notes: what was left out, though nothing has to be doubted for it.
    """

    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Case(Frozen):
    """A finding with all it takes to believe it: smallest plan, history, and how often it showed.

    beside: of a comparison, the other histories: the viewer alone, and with others once more. withheld: it
    was published without what shows it, so its plan and histories are empty.
    """

    finding: Finding
    history: History
    seen: int = Field(ge=1)
    tried: int = Field(ge=1)
    known: str | None = None
    beside: tuple[History, ...] = ()
    withheld: bool = False

    @model_validator(mode="after")
    def _seen_in_some_tries(self) -> Case:
        if self.seen > self.tried:
            raise ValueError("a finding was seen more often than it was tried")
        return self

    @property
    def intermittent(self) -> bool:
        """Whether some replays did not show it; intermittent is violated all the same."""
        return self.seen < self.tried


class CheckResult(Frozen):
    """One check's verdict with its evidence.

    check: stable id, `<law>[<cell>]`. anomalies: what it covers. controls: positive controls that were
    met. refused: calls that the system refused. histories: all that was judged, so that it can be judged
    again; none where there are cases, which have theirs. notes: what was not compared, and why.
    """

    check: str
    title: str
    anomalies: tuple[str, ...]
    level: Level
    verdict: Verdict
    reason: str = ""
    cases: tuple[Case, ...] = ()
    examples: int = 0
    calls: int = 0
    controls: int = 0
    refused: int = 0
    seconds: float = 0.0
    histories: tuple[History, ...] = ()
    notes: tuple[str, ...] = ()
