"""Runs checks: the runner performs a plan, the judges read its history, and the verdict becomes a result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

from hypothesis.strategies import SearchStrategy

from isolation_tests.core.errors import TargetProblem
from isolation_tests.core.masking import masked_text
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import LawEntry
from isolation_tests.engine.run import SMOKE, WITNESSES, smoke_plan
from isolation_tests.engine.search.drawing import search
from isolation_tests.engine.tally import Tally
from isolation_tests.engine.violations import (
    AdapterError,
    CheckFailed,
    Explained,
    Inconclusive,
    NotSupported,
    Violation,
    violation,
)
from isolation_tests.execution.meter import RunEnded
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
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
from isolation_tests.plans import OVERLAP, TWIN, Cell, Offer
from isolation_tests.plans.cells import undrawn
from isolation_tests.plans.drawn import alias_anomalies


@dataclass
class Check:
    """One check: start it with `run` (the cell's plan) or `hunt` (drawn plans), then read `result`.

    share: how many plans a hunt draws: the law's examples, divided among its cells.
    """

    examiner: Examiner
    id: str
    title: str
    anomalies: tuple[str, ...]
    level: Level
    cell: Cell
    share: int = 1
    result: CheckResult | None = None
    _tally: Tally = field(default_factory=Tally)

    @property
    def kept(self) -> CheckResult:
        """The result; raises `RuntimeError` if the property did not run the check."""
        if self.result is None:
            raise RuntimeError(f"{self.id} did not run; its property must call run() or hunt()")
        return self.result

    def run(self) -> None:
        """Run the cell's plan once; raise the violation, error or doubt that it shows."""
        self._conclude(self._run)

    def conclude(self) -> None:
        """Keep the result of all that was taken; raise the violation, error or doubt that it shows."""
        self._conclude(self._require_examples)

    def _require_examples(self) -> None:
        if not self._tally.examples:
            raise Inconclusive("other checks saw what witnesses had stored, so none was left to the end")

    def hunt(self, plans: Callable[[Cell, Offer], SearchStrategy[Plan]]) -> None:
        """Let Hypothesis search for violating plans; every finding is recorded when it first shows.

        plans: gives the strategy of a cell on a target.
        """
        self._conclude(partial(self._hunt, plans))

    def _run(self) -> None:
        plan = self.cell.build(self.examiner.material(self.id))
        self._require(plan)
        if (shown := self.examiner.proven.answers(plan)) is not None:
            raise Explained(shown)
        for history, judged in self.examiner.ask(plan):
            self.take(history, judged)
        events = (event for history in self._tally.histories for event in history.events)
        lacking = [event for event in events if event.outcome is Outcome.UNSUPPORTED]
        if lacking and not self._tally.findings:
            raise NotSupported(f"the target has no such {lacking[0].op}")
        if self._aliased():
            self._forgive_alias()

    def _hunt(self, plans: Callable[[Cell, Offer], SearchStrategy[Plan]]) -> None:
        target = self.examiner.target
        self._require_capabilities()
        if (shown := self.examiner.proven.answers_search()) is not None:
            raise Explained(shown)
        offer = Offer(
            capabilities=self.examiner.capabilities,
            owner_keys=self.examiner.target.owner_keys,
            destructive=self.level is not Level.CORE and target.disposable,
            shared=not target.disposable,
            aliased=alias_anomalies(target.config.names.aliases),
        )
        profile, key = self.examiner.profile, self.examiner.key
        stopped = search(
            plans(self.cell, offer),
            self._findings,
            is_known=self._is_settled,
            examples=self.share,
            shrinks=profile.shrinks,
            seed=key.seed,
        )
        if stopped is not None:
            self._tally.doubts.append(stopped)

    def _is_settled(self, finding: Finding) -> bool:
        """Whether a finding of this search needs no smaller plan: it is known, proven, or of another plan.

        A fact of another check is seen for what an earlier plan left behind, so no smaller plan tells why.
        """
        _, history = self._tally.findings[finding.key]
        known = self.examiner.target.known_reason(finding.key)
        return finding.left_behind or known is not None or self.examiner.proven.explains(finding, history)

    def _findings(self, plan: Plan) -> tuple[Finding, ...]:
        """The findings of one drawn plan; a known finding is recorded like any other."""
        try:
            asked = self.examiner.ask(plan)
        except Inconclusive as error:
            # Whatever the search makes of it, this plan proved nothing.
            self._tally.doubts.append(str(error))
            raise
        for history, judged in asked:
            self.take(history, judged)
        return tuple(finding for _, judged in asked for finding in judged.findings)

    def take(self, history: History, judged: Judgement) -> None:
        """Count one example, and write down at once what it shows for the first time."""
        seen = set(self._tally.findings)
        self._tally.take(history, judged)
        fresh = self._tally.findings.keys() - seen
        if fresh and not self._aliased():
            self.examiner.sight(self._sighting(fresh))

    def _sighting(self, keys: Collection[str]) -> CheckResult:
        """The check as far as it is known when it first shows these findings, before any replay."""
        found = [self._tally.findings[key] for key in sorted(keys)]
        known = self.examiner.target.known_reason
        cases = tuple(
            Case(finding=one, history=history, seen=1, tried=1, known=known(one.key))
            for one, history in found
        )
        return self._kept(violation(found[0][0]), cases, seconds=0)

    def _require_capabilities(self) -> None:
        for need in self.cell.needs:
            if need not in self.examiner.claimed:
                raise NotSupported(
                    "the target's file has no twin" if need == TWIN else f"the adapter does not offer {need}"
                )
            if need == OVERLAP and need not in self.examiner.capabilities:
                raise NotSupported(f"a second thread can't make calls: {self.examiner.probed[need]}")
            if self.examiner.probed.get(need) == NEEDS_DISPOSABLE:
                raise NotSupported(NEEDS_DISPOSABLE)
            if need not in self.examiner.capabilities and need != self.cell.tries:
                raise Inconclusive(f"{need} exists but does not work: {self.examiner.probed[need]}")

    def _require(self, plan: Plan) -> None:
        self._require_capabilities()
        blocked = self.examiner.blocked(plan)
        if blocked:
            raise NotSupported(blocked)

    def _aliased(self) -> bool:
        return self.cell.relation in self.examiner.target.config.names.aliases

    def _forgive_alias(self) -> None:
        """Drop the findings that the declared alias explains; keep all others."""
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
            raise Inconclusive("no user saw their own fact, so not seeing other users' facts proves nothing")

    def _conclude(self, ask: Callable[[], None]) -> None:
        """Run the check, and keep its result before raising the worst that it shows."""
        began = time.monotonic()
        failure: CheckFailed | None = None
        try:
            ask()
            self._raise_worst()
        except RunEnded as error:
            failure = Inconclusive(str(error))
        except TargetProblem as error:
            failure = AdapterError(str(error))
        except CheckFailed as error:
            failure = error
        if self._tally.findings and not isinstance(failure, Violation):
            failure = violation(next(iter(self._tally.findings.values()))[0])
        self.result = self._result(failure, began)
        self.examiner.proven.take(self.result)
        if failure is not None:
            raise failure

    def _result(self, failure: CheckFailed | None, began: float) -> CheckResult:
        cases = tuple(self._case(finding, history) for finding, history in self._tally.findings.values())
        return self._kept(failure, cases, seconds=round(time.monotonic() - began, 3))

    def _kept(self, failure: CheckFailed | None, cases: tuple[Case, ...], *, seconds: float) -> CheckResult:
        tally = self._tally
        cases = tuple(case.model_copy(update={"beside": self._beside(case.history)}) for case in cases)
        return CheckResult(
            check=self.id,
            title=self.title,
            anomalies=self.anomalies,
            level=self.level,
            verdict=Verdict.HELD if failure is None else failure.verdict,
            reason="" if failure is None else masked_text(str(failure)),
            cases=cases,
            examples=tally.examples,
            calls=tally.calls,
            controls=tally.controls,
            refused=tally.refused,
            seconds=seconds,
            histories=() if cases else tuple(tally.histories),
            notes=tuple(dict.fromkeys(tally.notes)),
            hazards=tuple(tally.hazards.values()),
            explained=failure.key if isinstance(failure, Explained) else "",
            asked=tuple(sorted(call.told() for call in tally.asked)),
        )

    def _beside(self, history: History) -> tuple[History, ...]:
        """The other histories that a history was compared with."""
        if history.plan.viewer is None:
            return ()
        return tuple(other for other in self._tally.histories if other is not history)

    def _case(self, finding: Finding, history: History) -> Case:
        """The finding with how often it shows; each kind of finding is replayed until that is clear.

        What a proven finding explains is not replayed, nor what no plan of the run shows by itself. The first
        sighting counts as a try, which makes a rare finding look slightly more frequent.
        """
        known = self.examiner.target.known_reason(finding.key)
        if history.plan.of_witnesses:
            return Case(finding=finding, history=history, seen=1, tried=1, known=known)
        explained = self.examiner.proven.explains(finding, history)
        seen, tried = (0, 0) if explained else self.examiner.replay(finding, history.plan)
        case = Case(finding=finding, history=history, seen=1 + seen, tried=1 + tried, known=known)
        reported = frozenset(self._tally.findings)
        return case if known or case.intermittent else self.examiner.smaller(case, reported)


def check_of(examiner: Examiner, entry: LawEntry, cell: Cell) -> Check:
    """The check that a property runs for a cell."""
    share = max(1, examiner.profile.examples * entry.budget // len(entry.cells))
    return Check(examiner, entry.check_id(cell), entry.title, entry.covers(cell), entry.level, cell, share)


def result_of(examiner: Examiner, entry: LawEntry, cell: Cell) -> CheckResult:
    """The result of a property for one cell, whether it held or not."""
    check = check_of(examiner, entry, cell)
    with contextlib.suppress(CheckFailed):
        entry.test(check, cell)
    return check.kept


def smoke(examiner: Examiner) -> CheckResult:
    """Run the smoke test, which comes before all others; raises `UsageProblem` if its plan is missing.

    If the first delete on a target that is not disposable did harm, that is its result, and it does not run.
    """
    if examiner.loss is not None:
        return CheckResult(
            check=SMOKE.check,
            title=SMOKE.title,
            anomalies=SMOKE.anomalies,
            level=SMOKE.level,
            verdict=Verdict.VIOLATED,
            reason=str(violation(examiner.loss.finding)),
            cases=(examiner.loss,),
            examples=1,
            calls=len(examiner.loss.history.events),
        )
    plan = smoke_plan()
    cell = Cell(plan.name, plan.anomaly, lambda _: plan)
    check = Check(examiner, SMOKE.check, SMOKE.title, SMOKE.anomalies, SMOKE.level, cell)
    with contextlib.suppress(CheckFailed):
        check.run()
    return check.kept


def call_witnesses(examiner: Examiner) -> Callable[[], CheckResult | None]:
    """From now on, let witnesses look while other checks run; the result is theirs, None if there were none.

    The result comes after all other checks: asking for it lets them look for the last time.
    """
    cell = Cell("whole-run", "S1", undrawn)
    check = Check(examiner, WITNESSES.check, WITNESSES.title, WITNESSES.anomalies, WITNESSES.level, cell)
    witnesses = examiner.call_witnesses(check.take)

    def heard() -> CheckResult | None:
        examiner.dismiss_witnesses()
        if not witnesses.looked:
            return None
        with contextlib.suppress(CheckFailed):
            check.conclude()
        return check.kept

    return heard
