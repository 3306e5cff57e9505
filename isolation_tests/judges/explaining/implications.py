"""Which finding explains which: a graph, told as one table with a row for each edge.

One broken thing breaks many laws, and a broad anomaly implies narrower ones (Kingsbury and Alvaro, "Elle:
Inferring Isolation Anomalies from Experimental Observations", VLDB 2020, draw such a graph for databases).
To tell them all would be to tell one cause many times.

A row says: `cause` explains `effect` where both share `scope`, because of `reason`. `precedence` reads the
rows from the top, and what one row drops explains nothing in the rows below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from isolation_tests.model import Law

Kind = Literal["loss", "sight"]
"""What a finding is about: what its user should have and lacks (or deleted and has), or what was seen."""


class Witness(StrEnum):
    """What an answer was held against when a judge made a finding of it."""

    PLAN = "what the plan stored and deleted"
    BEFORE = "the user's earlier answer to the same question"
    LIST = "the user's own list"
    ALONE = "the user's view without the others"


class Scope(StrEnum):
    """What a finding must share with the one that explains it."""

    HISTORY = "the history"
    KIND = "the kind"
    OPERATION = "the operation"
    VIEWER = "the viewer"
    ANSWER = "the viewer and the step"


@dataclass(frozen=True, slots=True)
class Findings:
    """Which findings a row speaks of; a field that is left out does not matter.

    named, but: the anomalies that they are called, or are not called. by: what they were held against.
    control: whether the plan's control shows them: one of the same anomaly and kind stands at a control step.
    """

    named: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    kind: Kind | None = None
    law: Law | None = None
    by: tuple[Witness, ...] = ()
    control: bool | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """Findings that explain others, so that the others are not told.

    beside: a finding that must be there too, anywhere in the history. examples: golden histories, or
    comparisons, that are judged otherwise without the row: one for each name of the cause, or one in all.
    """

    cause: Findings
    effect: Findings
    scope: Scope
    reason: str
    examples: tuple[str, ...]
    beside: Findings | None = None


_KEPT = ("K1", "K2")
_BROAD = ("S1", "D1")
_NARROW = Findings(but=(*_BROAD, "X3"), control=False)
"""What a broader cause of its kind explains. An error that gives something away is a leak of its own."""

WITHIN_A_HISTORY = (
    # What is wrong already also differs from other answers. K1 is told all the same: it is the cause.
    Edge(
        cause=Findings(kind="loss", by=(Witness.PLAN,)),
        effect=Findings(but=("K1",), by=(Witness.BEFORE,)),
        scope=Scope.VIEWER,
        reason="A user who lost memories is answered otherwise than before.",
        examples=("O3-explains-a-refusal",),
    ),
    Edge(
        cause=Findings(by=(Witness.PLAN,)),
        effect=Findings(but=("K1",), by=(Witness.BEFORE,)),
        scope=Scope.ANSWER,
        reason="An answer that breaks the plan differs from an earlier one that did not.",
        examples=("S1-in-place-of-own-facts",),
    ),
    Edge(
        cause=Findings(kind="loss", by=(Witness.PLAN, Witness.BEFORE)),
        effect=Findings(by=(Witness.LIST,)),
        scope=Scope.VIEWER,
        reason="A user who lost memories need not miss the same ones on every surface.",
        examples=("completeness-on-two-surfaces",),
    ),
    Edge(
        cause=Findings(by=(Witness.PLAN, Witness.BEFORE)),
        effect=Findings(by=(Witness.LIST,)),
        scope=Scope.ANSWER,
        reason="An answer that is broken already need not agree with the user's list.",
        examples=("X1-total-moves",),
    ),
    # A kept answer explains what it lacks.
    Edge(
        cause=Findings(but=_KEPT, law=Law.NO_CROSS_READ),
        effect=Findings(but=_KEPT, kind="loss"),
        scope=Scope.ANSWER,
        beside=Findings(named=_KEPT),
        reason="Where answers are kept, one with another user's facts stands in place of the viewer's own.",
        examples=("K1-beside-a-related-name",),
    ),
    Edge(
        cause=Findings(named=_KEPT),
        effect=Findings(but=_KEPT, kind="loss"),
        scope=Scope.ANSWER,
        reason="A kept answer is given in place of the true one, so what it lacks may still be stored.",
        examples=("K1-list-in-a-sequence", "K2-list-with-a-filter"),
    ),
    Edge(
        cause=Findings(named=("K2",)),
        effect=Findings(named=("K1",), law=Law.NO_CROSS_READ),
        scope=Scope.HISTORY,
        reason="A question is also near to itself: where nearness decides, an equal one is no second cause.",
        examples=("K2-paraphrase",),
    ),
    # Whatever a foreign id does shows that it exists.
    Edge(
        cause=Findings(named=("O1", "O2", "O3", "O4")),
        effect=Findings(named=("X2",)),
        scope=Scope.OPERATION,
        reason="A foreign id that can be read, changed or deleted is answered otherwise than an absent one.",
        examples=("O1-explains-X2", "O2-update", "O3-explains-X2", "O4-history"),
    ),
    Edge(
        cause=Findings(named=("X3",)),
        effect=Findings(named=("X2",)),
        scope=Scope.OPERATION,
        reason="An error that gives something away is another than the one for an absent id.",
        examples=("X3-explains-X2",),
    ),
    # The broader cause explains the narrower one.
    Edge(
        cause=Findings(control=True),
        effect=_NARROW,
        scope=Scope.KIND,
        reason="An unrelated user or a harmless query shows it too, so nothing narrower is the cause.",
        examples=("S2-explains-a-filter",),
    ),
    Edge(
        cause=Findings(named=_BROAD),
        effect=_NARROW,
        scope=Scope.KIND,
        reason="Users who have nothing in common reach each other, so nothing narrower is the cause.",
        examples=("S1-explains-in-a-sequence", "D1-explains-in-a-sequence"),
    ),
)
"""The rows for all findings of one history."""

BESIDE_A_COMPARISON = (
    Edge(
        cause=Findings(kind="loss", by=(Witness.PLAN,)),
        effect=Findings(by=(Witness.ALONE,)),
        scope=Scope.HISTORY,
        reason="Where memories were lost, a view differs from the one alone.",
        examples=("O3-explains-another-view",),
    ),
    Edge(
        cause=Findings(named=("S1",), by=(Witness.PLAN,)),
        effect=Findings(by=(Witness.ALONE,)),
        scope=Scope.HISTORY,
        reason="Where users see each other's memories, every view differs from the one alone.",
        examples=("S1-explains-another-view",),
    ),
    Edge(
        cause=Findings(by=(Witness.PLAN,)),
        effect=Findings(by=(Witness.ALONE,)),
        scope=Scope.OPERATION,
        reason="An operation that breaks a law by itself is answered otherwise than alone.",
        examples=("X5-explains-another-view",),
    ),
)
"""The rows for what a comparison adds to a history. All that the history told counts as held to the plan."""

EXPLAINS = (*WITHIN_A_HISTORY, *BESIDE_A_COMPARISON)
