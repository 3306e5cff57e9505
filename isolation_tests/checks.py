"""Performs checks: a plan through the runner, its history through the judges, the verdict into a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure, HypothesisException

from isolation_tests.core.errors import TargetProblem
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    Case,
    CheckResult,
    Finding,
    History,
    Judgement,
    Level,
    Outcome,
    Plan,
    Verdict,
    alias_reason,
)
from isolation_tests.plans import OVERLAP, TWIN, Cell
from isolation_tests.plans.drawn import alias_anomalies, plans
from isolation_tests.violations import (
    AdapterError,
    CheckFailed,
    Inconclusive,
    NotSupported,
    Violation,
    violation,
)

if TYPE_CHECKING:
    from isolation_tests.certifier import Certifier


@dataclass
class _Tally:
    """What one check did, across all its examples."""

    examples: int = 0
    calls: int = 0
    controls: int = 0
    refused: int = 0
    findings: dict[str, tuple[Finding, History]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)

    def take(self, history: History, judged: Judgement) -> None:
        self.examples += 1
        self.calls += len(history.events)
        self.controls += controls(history)
        self.refused += sum(event.outcome is Outcome.REFUSED for event in history.events)
        self.doubts.extend(judged.doubts)
        self.errors.extend(judged.errors)
        self.notes.extend(judged.notes)
        self.histories.append(history)
        for finding in judged.findings:
            earlier = self.findings.get(finding.key)
            if earlier is None or len(history.plan.steps) < len(earlier[1].plan.steps):
                self.findings[finding.key] = (finding, history)


class _Enough(BaseException):
    """The search is over. No `Exception`: that would be one more failure to make smaller."""


class _Shrinking:
    """Keeps the search for a smaller plan within its budget of calls to the target.

    Rejected past it, Hypothesis would draw thousands of plans more to no purpose.
    """

    def __init__(self, budget: int) -> None:
        self._left = budget
        self.begun = False

    def admit(self) -> None:
        """Let one plan more be performed; raises `_Enough` where the budget is spent."""
        if not self.begun:
            return
        if not self._left:
            raise _Enough
        self._left -= 1


@dataclass
class Check:
    """One check in progress: ask with `run` (a cell's plan) or `hunt` (drawn plans), read `result`.

    share: how many plans a hunt draws, which is the law's examples divided among its cells.
    """

    certifier: Certifier
    id: str
    title: str
    anomalies: tuple[str, ...]
    level: Level
    cell: Cell
    share: int = 1
    result: CheckResult | None = None
    _tally: _Tally = field(default_factory=_Tally)

    @property
    def kept(self) -> CheckResult:
        """The result; raises `RuntimeError` where the property never asked anything."""
        if self.result is None:
            raise RuntimeError(f"{self.id} asked nothing: its property must call run() or hunt()")
        return self.result

    def run(self) -> None:
        """Ask the cell's plan once; raise the violation, error or doubt that it shows."""
        self._conclude(self._run)

    def hunt(self) -> None:
        """Let Hypothesis search sequences of operations; every finding is recorded at first sight."""
        self._conclude(self._hunt)

    def _run(self) -> None:
        plan = self.cell.build(self.certifier.material(self.id))
        self._require(plan)
        for history, judged in self.certifier.ask(plan):
            self._tally.take(history, judged)
        events = (event for history in self._tally.histories for event in history.events)
        lacking = [event for event in events if event.outcome is Outcome.UNSUPPORTED]
        if lacking and not self._tally.findings:
            raise NotSupported(f"the target has no such {lacking[0].op}")
        if self._aliased():
            self._forgive_alias()

    def _hunt(self) -> None:
        target = self.certifier.target
        self._require_capabilities()
        strategy = plans(
            frozenset(self.cell.needs),
            destructive=self.level is not Level.CORE and target.disposable,
            aliased=alias_anomalies(target.config.names.aliases),
        )
        try:
            self._search(strategy)
        except (_Enough, FlakyFailure, Violation):
            return  # recorded in the tally when first seen; replays tell how often it shows
        except BaseExceptionGroup as group:
            if group.split(Violation)[1] is not None:
                raise
        except HypothesisException as error:
            self._tally.doubts.append(f"the search ended early: {error}")

    def _search(self, strategy: st.SearchStrategy[Plan]) -> None:
        profile, key = self.certifier.profile, self.certifier.key
        shrinking = _Shrinking(profile.shrinks)

        @hypothesis.seed(key.seed)
        @settings(
            max_examples=self.share,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=True,
        )
        @hypothesis.given(strategy)
        def law_holds(plan: Plan) -> None:
            shrinking.admit()
            _, judged = self._perform(plan)
            news = [finding for finding in judged.findings if not self._is_known(finding)]
            if news:
                shrinking.begun = True
                raise violation(news[0])

        law_holds()

    def _is_known(self, finding: Finding) -> bool:
        """Whether the finding needs no smaller plan: it is known, and recorded like any other."""
        return self.certifier.target.known_reason(finding.key) is not None

    def _perform(self, plan: Plan) -> tuple[History, Judgement]:
        history = self.certifier.perform(plan)
        judged = judge(history)
        self._tally.take(history, judged)
        return history, judged

    def _require_capabilities(self) -> None:
        for need in self.cell.needs:
            if need not in self.certifier.claimed:
                raise NotSupported(
                    "the target's file names no twin"
                    if need == TWIN
                    else f"the adapter does not offer {need}"
                )
            if need == OVERLAP and need not in self.certifier.capabilities:
                raise NotSupported(f"calls can't come from a second thread: {self.certifier.probed[need]}")
            if need not in self.certifier.capabilities:
                raise Inconclusive(f"{need} is offered but does not work: {self.certifier.probed[need]}")

    def _require(self, plan: Plan) -> None:
        self._require_capabilities()
        blocked = self.certifier.blocked(plan)
        if blocked:
            raise NotSupported(blocked)

    def _aliased(self) -> bool:
        return self.cell.relation in self.certifier.target.config.names.aliases

    def _forgive_alias(self) -> None:
        """Drop what the declared alias explains; whatever else showed stays what it is."""
        tally = self._tally
        tally.findings = {
            key: found for key, found in tally.findings.items() if found[0].anomaly != self.cell.anomaly
        }
        if not tally.findings and not tally.errors:
            raise NotSupported(alias_reason(str(self.cell.relation)))

    def _raise_worst(self) -> None:
        tally = self._tally
        if tally.findings:
            raise violation(next(iter(tally.findings.values()))[0])
        if tally.errors:
            raise AdapterError(tally.errors[0])
        if tally.doubts:
            raise Inconclusive(tally.doubts[0])
        if not tally.controls:
            raise Inconclusive("no user saw their own fact, so seeing nothing of others proves nothing")

    def _conclude(self, ask: Callable[[], None]) -> None:
        """Ask, judge the worst of what came, and keep the result before anything is raised."""
        began = time.monotonic()
        failure: CheckFailed | None = None
        try:
            ask()
            self._raise_worst()
        except TargetProblem as error:
            failure = AdapterError(str(error))
        except CheckFailed as error:
            failure = error
        if self._tally.findings and not isinstance(failure, Violation):
            failure = violation(next(iter(self._tally.findings.values()))[0])
        self.result = self._result(failure, began)
        if failure is not None:
            raise failure

    def _result(self, failure: CheckFailed | None, began: float) -> CheckResult:
        tally = self._tally
        cases = tuple(
            self._case(finding, history).model_copy(update={"beside": self._beside(history)})
            for finding, history in tally.findings.values()
        )
        return CheckResult(
            check=self.id,
            title=self.title,
            anomalies=self.anomalies,
            level=self.level,
            verdict=Verdict.HELD if failure is None else failure.verdict,
            reason="" if failure is None else str(failure),
            cases=cases,
            examples=tally.examples,
            calls=tally.calls,
            controls=tally.controls,
            refused=tally.refused,
            seconds=round(time.monotonic() - began, 3),
            histories=() if cases else tuple(tally.histories),
            notes=tuple(dict.fromkeys(tally.notes)),
        )

    def _beside(self, history: History) -> tuple[History, ...]:
        """What a history was compared with."""
        if history.plan.viewer is None:
            return ()
        return tuple(other for other in self._tally.histories if other is not history)

    def _case(self, finding: Finding, history: History) -> Case:
        """The finding with how often it shows: performed again for each kind of finding, until it is clear.

        The sighting itself is the first of the tries, which leans a rare one's rate upwards.
        """
        seen, tried = self.certifier.replay(finding, history.plan)
        known = self.certifier.target.known_reason(finding.key)
        return Case(finding=finding, history=history, seen=1 + seen, tried=1 + tried, known=known)
