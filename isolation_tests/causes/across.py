"""Which finding of a run explains which of another check: the rows of `implications`, from check to check.

Each row says: `cause` explains `effect` where both share `scope`, because of `reason`. The rows are read from
the top, and what one row explains explains nothing in the rows below it. What is explained is no cause of its
own; it stays in the evidence as a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from isolation_tests.judges.explaining.implications import Kind
from isolation_tests.judges.explaining.precedence import kind
from isolation_tests.model import Finding, History, Law, Operation

__all__ = ["ACROSS", "Row", "Seen", "Traits", "explained"]


class Share(StrEnum):
    """What a finding must share with the one of another check that explains it."""

    RUN = "the run"
    OPERATION = "the operation"


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding with what the rows ask of its history.

    overlap: whether calls of the plan overlap. compared: whether several runs of the plan showed it.
    """

    finding: Finding
    overlap: bool
    compared: bool

    @classmethod
    def of(cls, finding: Finding, history: History) -> Seen:
        """The finding as a history shows it."""
        plan = history.plan
        overlap = any(step.lane is not None for step in plan.steps)
        return cls(finding, overlap, plan.viewer is not None)


@dataclass(frozen=True, slots=True)
class Traits:
    """Which findings a row speaks of; a field that is left out does not matter.

    strangers: whether the fact is of another check's user.
    """

    named: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    kind: Kind | None = None
    law: Law | None = None
    operation: Operation | None = None
    overlap: bool | None = None
    compared: bool | None = None
    strangers: bool | None = None

    def fit(self, seen: Seen) -> bool:
        """Whether a finding is one of these."""
        finding = seen.finding
        return (
            finding.anomaly not in self.but
            and (not self.named or finding.anomaly in self.named)
            and self.kind in (None, kind(finding))
            and self.law in (None, finding.law)
            and self.operation in (None, finding.operation)
            and self.overlap in (None, seen.overlap)
            and self.compared in (None, seen.compared)
            and self.strangers in (None, finding.owner is None)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """Findings that explain others of the same run. beside: findings that must be there too."""

    cause: Traits
    effect: Traits
    share: Share
    reason: str
    beside: Traits | None = None


_OVERLAPPING = ("C1", "C2", "C3", "C4")

ACROSS = (
    Row(
        cause=Traits(named=("D4",), law=Law.NO_CROSS_READ, strangers=True),
        effect=Traits(law=Law.NO_CROSS_READ, strangers=True),
        share=Share.RUN,
        reason="What outlives its owner reaches whoever comes next, under any name.",
    ),
    Row(
        cause=Traits(named=("S1",), kind="sight", operation=Operation.GET_ALL, overlap=False, compared=False),
        effect=Traits(but=("S1", "X3"), kind="sight"),
        share=Share.RUN,
        beside=Traits(named=("S1",), kind="sight", operation=Operation.SEARCH, overlap=False, compared=False),
        reason="Where neither lists nor searches apply the user, nothing narrower can be told apart.",
    ),
    Row(
        cause=Traits(named=("S1",), kind="sight", overlap=False, compared=False),
        effect=Traits(but=("S1", "X3"), kind="sight"),
        share=Share.OPERATION,
        reason="The operation shows unrelated users to each other, so nothing narrower is the cause.",
    ),
    Row(
        cause=Traits(named=("D1",), kind="loss", overlap=False, compared=False),
        effect=Traits(but=("D1",), law=Law.KEEPS_OWN_FACTS),
        share=Share.RUN,
        reason="A delete that takes unrelated users' memories takes them in every other story too.",
    ),
    Row(
        cause=Traits(kind="sight", overlap=False, compared=False, but=_OVERLAPPING),
        effect=Traits(named=_OVERLAPPING, kind="sight"),
        share=Share.OPERATION,
        reason="What shows without overlap is no matter of overlap.",
    ),
    Row(
        cause=Traits(kind="sight", overlap=True),
        effect=Traits(kind="loss", overlap=True),
        share=Share.RUN,
        reason="A call that is answered or stored for another user is missing at its own.",
    ),
    *(
        Row(
            cause=Traits(named=(_OVERLAPPING[place],), overlap=True),
            effect=Traits(named=_OVERLAPPING[place + 1 :], overlap=True),
            share=Share.RUN,
            reason="The calls of two users are mixed up already; more or failing calls add no cause.",
        )
        for place in range(len(_OVERLAPPING) - 1)
    ),
    Row(
        cause=Traits(named=("O1", "O2", "O3", "O4")),
        effect=Traits(named=("X2",)),
        share=Share.OPERATION,
        reason="A foreign id that can be read, changed or deleted is answered otherwise than an absent one.",
    ),
    Row(
        cause=Traits(compared=False),
        effect=Traits(compared=True),
        share=Share.OPERATION,
        reason="An operation that breaks a law by itself is answered otherwise than alone.",
    ),
    Row(
        cause=Traits(kind="loss", compared=False),
        effect=Traits(compared=True),
        share=Share.RUN,
        reason="Where memories were lost, a view differs from the one alone.",
    ),
)
"""The rows for the findings of a whole run."""


def explained(seen: Sequence[Seen], rows: Sequence[Row] = ACROSS) -> dict[int, int]:
    """By the place of each finding that another one explains, the place of that one."""
    because: dict[int, int] = {}
    for row in rows:
        left = [place for place in range(len(seen)) if place not in because]
        if row.beside is not None and not any(row.beside.fit(seen[place]) for place in left):
            continue
        causes = {
            _key(row.share, seen[place]): place for place in reversed(left) if row.cause.fit(seen[place])
        }
        for place in left:
            cause = causes.get(_key(row.share, seen[place]))
            if (
                cause is not None
                and cause != place
                and row.effect.fit(seen[place])
                and place not in causes.values()
            ):
                because[place] = cause
    return because


def _key(share: Share, seen: Seen) -> Operation | None:
    return seen.finding.operation if share is Share.OPERATION else None
