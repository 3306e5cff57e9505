"""Laws, findings, judgements, verdicts and the result of a check. Immutable data, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field, model_validator

from isolation_tests.model.history import History
from isolation_tests.model.plan import Actor, Frozen, Operation, UserIndex


class Verdict(StrEnum):
    """What a check proved, worst first: VIOLATED > ERROR > INCONCLUSIVE > NOT_SUPPORTED > HELD."""

    VIOLATED = "VIOLATED"
    """A user saw, changed or deleted another user's data, or lost their own. Once in many tries is enough."""

    ERROR = "ERROR"
    """The adapter raised an unexpected exception or broke its contract."""

    INCONCLUSIVE = "INCONCLUSIVE"
    """No violation showed, but nothing was proved either.

    An owner did not see their own fact, or the outcome of a call is unknown.
    """

    NOT_SUPPORTED = "NOT_SUPPORTED"
    """The target lacks what the check needs."""

    HELD = "HELD"
    """The law was tested and not broken, and its positive controls were met."""

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> Verdict:
        """The worst of several verdicts; INCONCLUSIVE if there are none, because nothing was proved."""
        return min(verdicts, key=list(Verdict).index, default=Verdict.INCONCLUSIVE)


class Level(StrEnum):
    """The levels a certificate can reach, lowest first.

    No check belongs to SAFE: it is what a run on a target that is not disposable can reach.
    """

    SAFE = "safe"
    """As `core`, but hostile names only read: the highest level of a target that is not disposable."""

    CORE = "core"
    """search, get_all and delete_all with ordinary and related names.

    Every check must hold, except for declared aliases.
    """

    HARDENED = "hardened"
    """Also strange user values, by-id calls, filters, injection and cursors, if the target offers them."""

    CONCURRENT = "concurrent"
    """Also overlapping calls: many users at once, on few threads, with cancelled and failing calls."""

    SCALE = "scale"
    """Also a declared number of users."""


LADDER = tuple(level for level in Level if level is not Level.SAFE)
"""The levels to which checks belong, lowest first."""
NEEDS_DISPOSABLE = "left out: it could reach data that the run did not make, and the target is not disposable"
"""Why a check is skipped that could reach data which the run did not make."""


def alias_reason(relation: str) -> str:
    """Why a check is skipped whose two names the target declares to be the same user."""
    return f"declared alias: {relation}"


class Law(StrEnum):
    """What an answer can break, named after the judge that decides it."""

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
    """One violation that a judge found in a history: an anomaly, on one operation, for one relation."""

    anomaly: str
    """Id of the anomaly, such as "O1"."""

    law: Law
    """The law that was broken."""

    operation: Operation
    """The operation that showed it."""

    relation: str | None
    """How the users' names are related; None if they are not."""

    viewer: Actor
    """Index of the user who made the call or who lost a memory."""

    owner: UserIndex | None
    """Index of the user who owns the fact; None if another check of this run wrote it."""

    step: int
    """Index of the plan's step at which it showed."""

    where: str
    """The field or the surface that showed it."""

    story: str
    """What happened, in one sentence."""

    @property
    def left_behind(self) -> bool:
        """Whether another plan stored the fact that was seen, so that this one alone need not show it."""
        return self.law is Law.NO_CROSS_READ and self.owner is None

    @property
    def key(self) -> str:
        """The finding's stable name, from anomaly, operation and relation; known findings match on it."""
        return f"{self.anomaly}-{self.operation}-{self.relation or 'any'}"


class Judgement(Frozen):
    """What the judges conclude from one history."""

    findings: tuple[Finding, ...] = ()
    """The violations that the history shows."""

    doubts: tuple[str, ...] = ()
    """Why the history proves nothing; any doubt makes the check inconclusive."""

    early: tuple[str, ...] = ()
    """Those of the doubts that may go if the plan waits longer: a write need not have been seen yet."""

    errors: tuple[str, ...] = ()
    """Errors of the adapter."""

    notes: tuple[str, ...] = ()
    """What was left out without raising a doubt."""

    hazards: tuple[Finding, ...] = ()
    """What lets users cross once an application slips, although nobody's data was reached here."""


class Trial(Frozen):
    """Two other names that a finding's plan was run with, to learn what matters about names."""

    actor: str
    """The name of the user who called."""

    victim: str
    """The name of the user whose memories the call reached, or did not."""

    together: bool
    """Whether the finding showed with these names too."""


class Case(Frozen):
    """A finding with its proof: the smallest plan that shows it, the history, and how often it showed."""

    finding: Finding
    """The finding."""

    history: History
    """The history that shows it, with its plan."""

    seen: int = Field(ge=1)
    """How many tries showed it."""

    tried: int = Field(ge=1)
    """How often the plan was tried."""

    known: str | None = None
    """The reason given in the list of known findings; None if the finding is not listed."""

    beside: tuple[History, ...] = ()
    """For a comparison: the other runs of the plan, with the viewer alone and with others."""

    trials: tuple[Trial, ...] = ()
    """What other names showed in the same plan."""

    withheld: bool = False
    """Whether it was published without its plan and histories, which are then empty."""

    @model_validator(mode="after")
    def _seen_in_some_tries(self) -> Case:
        if self.seen > self.tried:
            raise ValueError("a finding was seen more often than it was tried")
        return self

    @model_validator(mode="after")
    def _of_its_history(self) -> Case:
        finding, users = self.finding, len(self.history.users)
        if not self.withheld and max(finding.viewer, finding.owner or 0) >= users:
            raise ValueError("a finding is of users of its history")
        return self

    @property
    def intermittent(self) -> bool:
        """Whether some tries did not show it; an intermittent finding is still a violation."""
        return self.seen < self.tried


class CheckResult(Frozen):
    """One check's verdict with its evidence."""

    check: str
    """The check's stable id, `<law>[<cell>]`."""

    title: str
    """The law in one sentence."""

    anomalies: tuple[str, ...]
    """Ids of the anomalies that the check can find, the main one first."""

    level: Level
    """The level that this check counts for."""

    verdict: Verdict
    """What the check proved."""

    reason: str = ""
    """Why the verdict is not HELD."""

    cases: tuple[Case, ...] = ()
    """The findings, each with its proof."""

    examples: int = 0
    """How many plans were run."""

    calls: int = 0
    """How many calls were made."""

    controls: int = 0
    """How many positive controls were met: an owner saw their own fact."""

    refused: int = 0
    """How many calls the system refused."""

    seconds: float = 0.0
    """How long the check took."""

    histories: tuple[History, ...] = ()
    """Every history that was judged, so that it can be judged again; empty if there are cases."""

    notes: tuple[str, ...] = ()
    """What was not compared, and why."""

    hazards: tuple[Finding, ...] = ()
    """What lets users cross once an application slips; the histories show that nobody's data was reached."""

    explained: str = ""
    """The key of a proven finding that shows all that this check could; the check was then skipped."""

    asked: tuple[str, ...] = ()
    """The kinds of calls that were answered: call, value, user's state, overlap and relation of names."""
