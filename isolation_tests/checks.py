"""Performs checks: a plan through the runner, its history through the judges, the verdict into a result."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure, HypothesisException

from isolation_tests import judges
from isolation_tests.bounds import tries_for
from isolation_tests.canaries import Mint
from isolation_tests.facts import People
from isolation_tests.judges.completeness import controls
from isolation_tests.laws import LawEntry
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
from isolation_tests.plans import HANDLES, OVERLAP, TWIN, Cell, Material
from isolation_tests.plans.compared import alone, varied
from isolation_tests.plans.drawn import alias_anomalies, plans
from isolation_tests.plans.probes import probe_plan
from isolation_tests.problems import TargetProblem
from isolation_tests.profiles import Profile
from isolation_tests.runner import Lease, Runner
from isolation_tests.session import Session
from isolation_tests.targets import Target
from isolation_tests.violations import (
    AdapterError,
    CheckFailed,
    Inconclusive,
    NotSupported,
    Violation,
    violation,
)

HANGS_BEFORE_GIVING_UP = 2


@dataclass(frozen=True, slots=True)
class RunKey:
    """What all workers of one run share. secret: of the canaries; never written anywhere."""

    run_id: str
    secret: bytes
    seed: int
    began: float


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


class _Shrinking:
    """Keeps the search for a smaller plan within its budget of calls to the target.

    Past it, plans that are known to fail fail again from memory and all others are left out.
    """

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._failing: dict[str, Finding] = {}

    def admit(self, plan: Plan) -> None:
        """Let a plan be performed, or settle it here where the budget is spent."""
        if not self._failing:
            return
        if self._left > 0:
            self._left -= 1
        elif (failed := self._failing.get(plan.model_dump_json())) is not None:
            raise violation(failed)
        else:
            hypothesis.reject()

    def failed(self, plan: Plan, finding: Finding) -> None:
        """Remember a plan that showed a finding."""
        self._failing[plan.model_dump_json()] = finding


class Certifier:
    """One worker's view of a run: an open target and what is known of it.

    Raises `TargetProblem` from the constructor where the target can't be opened.
    """

    def __init__(
        self,
        target: Target,
        profile: Profile,
        key: RunKey,
        *,
        worker: int = 0,
        probed: dict[str, str] | None = None,
    ) -> None:
        self.target, self.profile, self.key = target, profile, key
        self._lease = Lease(key.run_id, worker, Mint(key.secret))
        self._hangs = self._performed = 0
        self._replayed: set[str] = set()
        self._session, self._runner = self._open()
        self.claimed = self._claims()
        self.probed = self._probe() if probed is None else probed

    def _claims(self) -> tuple[str, ...]:
        """What the adapter offers, and what may be done with it: overlapping calls, further openings."""
        config, offered = self.target.config, self._session.claimed
        more = {
            OVERLAP: config.threads or "async" in offered,
            HANDLES: config.shared,
            TWIN: config.twin is not None,
        }
        return tuple(sorted([*offered, *(name for name, there in more.items() if there)]))

    def _open(self) -> tuple[Session, Runner]:
        session = self.target.open()
        runner = Runner(
            session,
            self._lease,
            consistency=self.target.config.consistency_seconds,
            disposable=self.target.disposable,
            began=self.key.began,
            open_more=self.target.open,
            open_twin=self.target.open_twin,
            volatile=self.target.config.volatile,
        )
        return session, runner

    @property
    def leftovers(self) -> list[str]:
        """Users whose memories could not be deleted again."""
        return self._runner.leftovers

    @property
    def capabilities(self) -> frozenset[str]:
        """What was claimed and worked when it was tried."""
        return frozenset(name for name in self.claimed if self.probed.get(name, "ok") == "ok")

    def material(self, check: str) -> Material:
        """The data of one check: the same seed and check give the same people and facts."""
        seed = int.from_bytes(hashlib.sha256(f"{self.key.seed}/{check}".encode()).digest()[:6])
        return Material(
            people=People(seed),
            capabilities=self.capabilities,
            owner_keys=self.target.owner_keys,
            crowd=self.profile.crowd,
            rounds=self.profile.rounds,
            seed=seed,
            aliases=tuple(self.target.config.names.aliases),
        )

    def perform(self, plan: Plan) -> History:
        """Run one plan, in a new session where the last one was lost or has served long enough."""
        if self._session.lost:
            self._hangs += 1
            if self._hangs > HANGS_BEFORE_GIVING_UP:
                raise AdapterError(
                    f"not asked: {HANGS_BEFORE_GIVING_UP + 1} calls of this target did not answer in time"
                )
            self._reopen()
        elif self._performed and self._performed == self.target.config.reopen_after:
            self._close()
            self._reopen()
        self._performed += 1
        return self._runner.run(plan)

    def ask(self, plan: Plan) -> list[tuple[History, Judgement]]:
        """Perform a plan as it is meant and judge it: once, or in several runs where a view is compared.

        The viewer is alone before and after, so that what changes with time is no interference. What a
        comparison shows is performed once more before it is said.
        """
        if plan.viewer is None:
            return judges.judge_all([self.perform(plan)])
        lone, other = alone(plan), varied(plan, People(self.key.seed))
        histories = [self.perform(each) for each in (lone, plan, other, lone)]
        judged = judges.judge_all(histories)
        if any({*said.findings} - {*judges.judge(history).findings} for history, said in judged):
            histories += [self.perform(each) for each in (plan, lone, other, lone)]
            judged = judges.judge_all(histories)
        return judged

    def _reopen(self) -> None:
        leftovers = self._runner.leftovers
        self._session, self._runner = self._open()
        self._runner.leftovers.extend(leftovers)
        self._performed = 0

    def check(self, entry: LawEntry, cell: Cell) -> Check:
        """The handle with which a property asks its question."""
        share = max(1, self.profile.examples // len(entry.cells))
        return Check(self, entry.check_id(cell), entry.title, entry.covers(cell), entry.level, cell, share)

    def smoke(self, plan: Plan) -> CheckResult:
        """The tutorial's story, run before anything else."""
        cell = Cell(plan.name, plan.anomaly, lambda _: plan)
        title = "Two users each see their own fact and nothing of the other's."
        check = Check(
            self, f"smoke[{plan.name}]", title, ("S1", "D1", "D3", "completeness"), Level.CORE, cell
        )
        with contextlib.suppress(CheckFailed):
            check.run()
        return check.kept

    def replay(self, finding: Finding, plan: Plan) -> tuple[int, int]:
        """Perform a finding's plan again, once for each key: (times seen, times tried).

        What the profile's replays do not show is performed on until it shows or is known to be rare. A try
        that came to no answer is none.
        """
        if finding.key in self._replayed:
            return 0, 0
        self._replayed.add(finding.key)
        asked, seen, tried = self.profile, 0, 0
        impatient = time.monotonic() + asked.patience
        # A target that fails now takes nothing back of what was seen.
        with contextlib.suppress(CheckFailed, TargetProblem):
            for number in range(max(asked.replays, tries_for(asked.rarest))):
                late = number >= asked.replays and (seen or time.monotonic() > impatient)
                if late or self._session.lost:
                    break
                again = [judged for _, judged in self.ask(plan)]
                shown = any(other.key == finding.key for judged in again for other in judged.findings)
                if shown or not any(judged.errors or judged.doubts for judged in again):
                    seen, tried = seen + shown, tried + 1
        return seen, tried

    def blocked(self, plan: Plan) -> str | None:
        """Why this target may not be asked this plan, or None."""
        return self._runner.blocked(plan)

    def _probe(self) -> dict[str, str]:
        return {name: self._probe_one(name) for name in self.claimed}

    def _probe_one(self, capability: str) -> str:
        material = Material(people=People(self.key.seed), capabilities=frozenset(self.claimed), owner_keys=())
        plan = probe_plan(capability, material)
        if plan is None:
            return "ok"
        try:
            history = self.perform(plan)
        except CheckFailed as error:
            return str(error)
        judged = judges.judge(history)
        last = history.events[-1]
        if last.outcome is not Outcome.OK:
            return f"{last.op} of the user's own memory: {last.outcome} ({last.error_kind}: {last.error})"
        shown = last.rows or last.number or last.op.value in ("delete", "maintain", "get_all")
        if not shown:
            return f"{last.op} did not show the user's own memory"
        problems = (*judged.errors, *judged.doubts, *(finding.story for finding in judged.findings))
        return problems[0] if problems else "ok"

    def close(self) -> None:
        """Close the target; what it raises then is told, for nothing it stored may be left behind."""
        self._close()

    def _close(self) -> None:
        try:
            self._runner.close()
        finally:
            self._session.close()


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
        except (FlakyFailure, Violation):
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
            phases=(Phase.generate, Phase.target, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=True,
        )
        @hypothesis.given(strategy)
        def law_holds(plan: Plan) -> None:
            shrinking.admit(plan)
            _, judged = self._perform(plan)
            news = [finding for finding in judged.findings if not self._is_known(finding)]
            if news:
                shrinking.failed(plan, news[0])
                raise violation(news[0])

        law_holds()

    def _is_known(self, finding: Finding) -> bool:
        """Whether the finding needs no smaller plan: it is known, and recorded like any other."""
        return self.certifier.target.known_reason(finding.key) is not None

    def _perform(self, plan: Plan) -> tuple[History, Judgement]:
        history = self.certifier.perform(plan)
        judged = judges.judge(history)
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
