"""Witnesses: users whose facts are older than all else in a run, and who look at them until its end.

What needs time, crowds or volume to go wrong shows to them, where no single plan has enough of these.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from isolation_tests.core.errors import TargetProblem
from isolation_tests.core.plural import counted
from isolation_tests.engine.violations import CheckFailed
from isolation_tests.execution.meter import RunEnded
from isolation_tests.execution.plan_run import PlanRun
from isolation_tests.execution.runner import Runner
from isolation_tests.judges.judging import judge
from isolation_tests.model import Finding, History, Judgement, Law, Operation, Plan
from isolation_tests.plans.crowds.witnesses import around, before_last_look, last_look

PLANS_BETWEEN = 50
"""How many plans are performed between two looks."""
LONGEST_CONTROL_SECONDS = 300.0
"""The greatest age of lost facts at which it is tried whether they go by age alone."""
_Look = tuple[History, Judgement]
_Kind = tuple[Law, Operation | None]
_MOST_EPOCHS = 3
"""After so many groups of witnesses that something was shown to, no more is learned from another one."""


@dataclass
class Witnesses:
    """One worker's witnesses, until `finish`.

    plan: what they do. runner: gives the runner of now. perform: performs a plan; raises `CheckFailed` where
    it must not run. heed: ends the run if a history shows somebody whom it did not make. explains: whether
    something proven explains a finding. known: whether it is listed as known. patience: for how many seconds
    the plan is looked for that did what was seen. take: is told what each group of witnesses saw; what is
    known and was traced to its plan is left to the checks that ask for it, as long as others have seen more.
    looked: whether there were any.
    """

    plan: Plan
    runner: Callable[[], Runner]
    perform: Callable[[Plan], History]
    heed: Callable[[History], None]
    explains: Callable[[Finding, History], bool]
    known: Callable[[Finding], bool]
    patience: float
    take: Callable[[History, Judgement], None]
    looked: bool = False
    _run: PlanRun | None = None
    _began: float = 0.0
    _since: list[Plan] = field(default_factory=list)
    _clean: _Look | None = None
    _left_out: _Look | None = None
    _told: int = 0
    _outlasted: float = 0.0
    _taken: bool = False

    def before(self, plan: Plan) -> None:
        """Let new witnesses store if there are none, or look if it is time, or if this plan may forget."""
        with self._to_the_end():
            if self._run is None:
                self._begin()
            elif len(self._since) >= PLANS_BETWEEN or _takes_everybody(plan):
                self._look(self._run)

    def after(self, plan: Plan) -> None:
        """Take in that a plan was performed; witnesses begin anew after one that may take everybody's facts.

        Maintenance may forget, and a plan that stores thousands of memories has witnesses of its own.
        """
        if self._run is not None:
            self._since.append(plan)
            if _takes_everybody(plan):
                self.begin_anew()

    def begin_anew(self) -> bool:
        """Delete what these witnesses have stored, if there are any; others take their place."""
        run, self._run = self._run, None
        if run is not None:
            self.runner().end(run)
        clean, self._clean = self._clean, None
        if clean is not None:
            self._report(*clean)
        return run is not None

    def shown(self, findings: Iterable[Finding]) -> None:
        """Take in what was found with their facts; a system that shows so much more needs few of them."""
        self._told += not all(map(self.known, findings))

    def finish(self) -> None:
        """Let them look for the last time, and delete what they have stored.

        Where what is known took the only ones, others store and look once more: that is not all they can see.
        So do others where none is there, because the target was opened again just now.
        """
        with self._to_the_end():
            if self._run is None and self.looked and not self._taken:
                self._begin()
            if self._run is not None:
                self._look(self._run, opened_again=True)
            if self._nothing_but_known():
                self._begin()
            if self._run is not None and self._nothing_but_known():
                self._look(self._run, opened_again=True)
        self.begin_anew()
        if self._left_out is not None and self._nothing_but_known():
            self._report(*self._left_out)

    def _nothing_but_known(self) -> bool:
        return self._left_out is not None and self._clean is None and not self._taken

    @contextlib.contextmanager
    def _to_the_end(self) -> Iterator[None]:
        """Within this, the end of the run's budget, or of the target, is the end of all looking."""
        try:
            yield
        except (RunEnded, TargetProblem) as error:
            self._told = _MOST_EPOCHS
            self._cut(str(error))

    def _cut(self, why: str) -> None:
        """What was seen so far, in place of a whole look."""
        if self._run is not None:
            history = self.runner().history(self._run, why)
            self._clean = history, judge(history)

    def _report(self, history: History, judged: Judgement) -> None:
        self._taken = True
        self.take(history, judged)

    def _begin(self) -> None:
        if self._told >= _MOST_EPOCHS:
            return
        self.looked, self._began, self._since = True, time.monotonic(), []
        self._run = self.runner().begin(self.plan)
        self.heed(self.runner().go_on(self._run, range(before_last_look(self.plan))))

    def _look(self, run: PlanRun, *, opened_again: bool = False) -> None:
        """Look once more; after something was shown, other witnesses take their place."""
        since, self._since = self._since, []
        if (lost := self.runner().lost) is not None:
            self._cut(lost)
            return
        history = self.runner().go_on(run, last_look(self.plan, opened_again=opened_again))
        self.heed(history)
        judged = judge(history)
        self._clean = None if judged.findings else (history, judged)
        if judged.findings:
            self.begin_anew()
            self._tell(*self._traced(history, judged, since))

    def _tell(self, history: History, judged: Judgement) -> None:
        if not history.plan.of_witnesses and all(map(self.known, judged.findings)):
            self._left_out = history, judged
        else:
            self._told += 1
            self._report(history, judged)

    def _traced(self, history: History, judged: Judgement, plans: Sequence[Plan]) -> _Look:
        """What was seen, with the plan that did it where that can be found; a doubt where age may have."""
        if all(self.explains(finding, history) for finding in judged.findings):
            return history, judged
        traced = self._culprit(plans, {_kind(finding) for finding in judged.findings})
        if not any(finding.law is Law.NO_CROSS_READ for finding in judged.findings):
            doubt = self._by_age(time.monotonic() - self._began if traced is None else _lasted(traced[0]))
            if doubt:
                return _without_last_look(history, self.plan, doubt)
        if traced is not None:
            return traced
        names = f", from {plans[0].name} to {plans[-1].name}" if plans else ""
        between = f"it came with one of {counted(len(plans), 'plan')}{names}"
        told = (
            finding.model_copy(update={"story": f"{finding.story}; {between}"}) for finding in judged.findings
        )
        return history, judged.model_copy(update={"findings": tuple(told)})

    def _by_age(self, age: float) -> str:
        """Why the loss proves nothing: new witnesses, as old and with nobody else there, lost facts too."""
        if age <= self._outlasted:
            return ""
        if age > LONGEST_CONTROL_SECONDS:
            return f"witnesses {too_old(age)}"
        first, run = before_last_look(self.plan), self.runner().begin(self.plan)
        try:
            self.runner().go_on(run, range(first))
            time.sleep(age)
            alone = judge(self.runner().go_on(run, last_look(self.plan, opened_again=True)))
        except RunEnded as error:
            return f"witnesses lost facts, and the run ended before age was ruled out: {error}"
        finally:
            self.runner().end(run)
        if alone.findings:
            return gone_by_age(age)
        self._outlasted = age
        return ""

    def _culprit(self, plans: Sequence[Plan], kinds: Collection[_Kind]) -> _Look | None:
        """The latest of these plans that shows the same to new witnesses; None if none does in time."""
        impatient = time.monotonic() + self.patience
        for plan in reversed(plans):
            if time.monotonic() > impatient:
                break
            if shown := self._beside(plan, kinds, cleaned=True):
                return self._beside(plan, kinds, cleaned=False) or shown
        return None

    def _beside(self, plan: Plan, kinds: Collection[_Kind], *, cleaned: bool) -> _Look | None:
        """What the plan, and perhaps the cleaning after it, shows to new witnesses; None if none of these."""
        try:
            history = self.perform(around(plan, self.plan, cleaned=cleaned))
        except (CheckFailed, TargetProblem):
            # The next check meets the same; what was seen is told all the same.
            return None
        shown = tuple(
            finding
            for finding in judge(history).findings
            if _kind(finding) in kinds
            and max(finding.viewer, -1 if finding.owner is None else finding.owner) >= len(plan.users)
        )
        return (history, Judgement(findings=shown)) if shown else None


def _without_last_look(history: History, witnesses: Plan, why: str) -> _Look:
    """What was seen before the last look, and why that one proves nothing."""
    first = before_last_look(witnesses)
    events = tuple(event for event in history.events if event.step < first)
    cut = history.model_copy(update={"events": events, "cut": why})
    return cut, judge(cut)


def too_old(age: float) -> str:
    """What is said of those who lost facts of more than `LONGEST_CONTROL_SECONDS`."""
    return f"lost facts that were {age:.0f} s old, which a system that forgets by age does too"


def gone_by_age(age: float) -> str:
    """Why a loss proves nothing: facts as old, with nobody else there, were lost too."""
    return f"facts that are {age:.0f} s old are lost while nobody else does anything"


def _kind(finding: Finding) -> _Kind:
    """What was shown; of a loss, the plan that did it knows the call."""
    return finding.law, finding.operation if finding.law is Law.NO_CROSS_READ else None


def _lasted(history: History) -> float:
    """For how many seconds a plan was performed."""
    return history.events[-1].ended - history.events[0].started


def _takes_everybody(plan: Plan) -> bool:
    return plan.fills or any(step.op is Operation.MAINTAIN for step in plan.steps)
