"""Laws, findings, judgements, verdicts and what one check proved; frozen data, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field, model_validator

from isolation_tests.model.history import History
from isolation_tests.model.plan import Frozen, Operation


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
