"""Judges each answer of a range as it comes: whose facts it shows, and whether the caller's own are there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isolation_tests.adapter import Indeterminate, Memory, Refused
from isolation_tests.core.masking import masked_text
from isolation_tests.execution.batch import Got, Sent
from isolation_tests.execution.contract import BrokenContract, police
from isolation_tests.execution.guard import GuardedSession
from isolation_tests.execution.redaction import place_of, unsaid
from isolation_tests.model import Case, Finding, History, Operation
from isolation_tests.reporting.evidence.evidence import ExpectedCheck
from isolation_tests.scale.part import MOST_CASES, Loss
from isolation_tests.scale.population import Population
from isolation_tests.scale.scene import Scene
from isolation_tests.scale.seeing import Eyes
from isolation_tests.scale.tally import Tally
from isolation_tests.targets.resolve import Target
from isolation_tests.testdata.canaries import Canary

__all__ = ["Answers", "Asking"]

Shown = frozenset[Canary]


@dataclass(frozen=True, slots=True)
class Asking:
    """One call that is judged, and for which check.

    index: of the user who makes it. own: what they stored. stored_nothing: it is a newcomer. timed: its
    latency is one of the figures.
    """

    check: ExpectedCheck
    index: int
    sent: Sent
    own: Mapping[str, Canary]
    stored_nothing: bool = False
    timed: bool = False


@dataclass
class Answers:
    """The answers of one range. attempt: at this range. began: when the run did, in monotonic seconds.

    stranger: what was shown of data that this run did not write to a user who has stored nothing.
    """

    population: Population
    target: Target
    session: GuardedSession
    eyes: Eyes
    tally: Tally
    attempt: int
    began: float
    stranger: str = ""
    _reported: set[tuple[str, int]] = field(default_factory=set)

    def ask(self, asked: Sequence[Asking], *, users: int = 0) -> list[Shown | None]:
        """Make the calls, and return what each showed; None where the outcome is no answer.

        users: for how many users these calls write for the first time.
        """
        shown = self.poll(asked, users=users)
        for each, one in zip(asked, shown, strict=True):
            self.tally.saw(each.sent.method, each.index, one)
        return shown

    def poll(self, asked: Sequence[Asking], *, users: int = 0) -> list[Shown | None]:
        """As `ask`, for answers that may be asked for again: they are judged, and not part of the digest."""
        got = self.session.call_many([each.sent for each in asked], users=users)
        return [self._judged(each, one) for each, one in zip(asked, got, strict=True)]

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def _judged(self, asked: Asking, got: Got) -> Shown | None:
        check = self.tally.of(asked.check)
        op = Operation(asked.sent.method)
        if got.error is not None:
            self._failed(asked, got.error)
            return None
        try:
            rows = police(op, got.answer, limit=asked.sent.keywords.get("limit", 0))
        except BrokenContract as error:
            self.tally.error(asked.check, f"{op}: {error}")
            return None
        check.calls += 1
        if asked.timed and not asked.stored_nothing:
            self.tally.took(self.population.decile(asked.index), op.value, got.seconds)
        if not rows:
            return frozenset()
        seen = self.eyes.seen(rows, asked.own)
        number = self.population.number(self.attempt, asked.index)
        if any(canary.user != number for canary in seen.canaries):
            self._leaked(asked, op, rows)
        if seen.blank and asked.stored_nothing:
            self.stranger = self.stranger or op.value
            self.tally.doubt(
                asked.check, f"{op} showed a memory that this run did not write to a user who stored none"
            )
        return seen.canaries

    def _failed(self, asked: Asking, error: Exception) -> None:
        op = asked.sent.method
        number = self.population.number(self.attempt, asked.index)
        if any(one.canary.user != number for one in self.eyes.mint.scan(error, "error")):
            self.tally.leaks += 1
            self.tally.doubt(asked.check, f"the error text of {op} held another user's fact")
        if isinstance(error, Refused):
            self.tally.of(asked.check).refused += 1
            return
        shown = self.target.config.error_texts or isinstance(error, BrokenContract)
        text = masked_text(str(error))[:200] if shown else unsaid(str(error), place_of(error))
        what = f"{op} failed: {type(error).__name__}: {text}"
        if isinstance(error, Indeterminate):
            self.tally.doubt(asked.check, what)
        else:
            self.tally.error(asked.check, what)

    def _leaked(self, asked: Asking, op: Operation, rows: Sequence[Memory]) -> None:
        """Let the judges name what an answer shows; it is never forgotten, even if they do not."""
        self.tally.leaks += 1
        if not self.tally.wants(asked.check):
            return
        scene, at = Scene(self.population, self.eyes, asked.check.check), self.now()
        who = (self.attempt, asked.index)
        scene.user(who)
        if not asked.stored_nothing:
            scene.add(who, sorted({canary.fact for canary in asked.own.values()}), at)
        query = asked.sent.arguments[0] if op is Operation.SEARCH else None
        scene.asked(who, op, rows, at, query)
        self.conclude(asked.check, asked.index, scene, f"{op} showed another user's fact")

    def conclude(
        self, check: ExpectedCheck, index: int, scene: Scene, what: str, *, age: float | None = None
    ) -> None:
        """Keep what the judges find in a scene; a doubt if they find nothing.

        age: if age alone may explain what was lost, for how many seconds it was there.
        """
        key = (check.check, index)
        if key in self._reported:
            return
        self._reported.add(key)
        history, findings, doubts = scene.judged()
        if not findings:
            self.tally.doubt(check, doubts[0] if doubts else f"{what}, and no judge says why")
            return
        kept = self.tally.of(check)
        for finding in findings:
            case = self._case(finding, history)
            if age is None:
                kept.cases.append(case)
            elif len(kept.losses) < MOST_CASES:
                kept.losses.append(Loss(case=case, age=age))

    def _case(self, finding: Finding, history: History) -> Case:
        known = self.target.known_reason(finding.key)
        return Case(finding=finding, history=history, seen=1, tried=1, known=known)
