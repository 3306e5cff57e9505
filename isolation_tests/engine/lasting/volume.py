"""Plans that store thousands of memories: asked without these first, and what age alone loses is a doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from isolation_tests.engine.lasting.witnesses import gone_by_age
from isolation_tests.judges.judging import judge
from isolation_tests.model import History, Judgement, Law, Plan
from isolation_tests.plans.crowds.volume import before_bulk, without_bulk

__all__ = ["Volume"]

Asked = tuple[History, Judgement]


@dataclass
class Volume:
    """One worker's way to ask such plans.

    perform: performs a plan. outlasted: the greatest age, in seconds, at which facts were kept while nobody
    else was there.
    """

    perform: Callable[[Plan], History]
    outlasted: float = 0.0

    def ask(self, plan: Plan) -> list[Asked]:
        """What the plan shows without its bulk, and if that is nothing, what it shows with it."""
        alone = self._asked(without_bulk(plan))
        if alone[1].findings or alone[1].errors or alone[1].doubts:
            return [alone]
        history, judged = self._asked(plan)
        if judged.findings and not any(one.law is Law.NO_CROSS_READ for one in judged.findings):
            doubt = self._by_age(history)
            if doubt:
                return [alone, _without_bulk(history, doubt)]
        return [alone, (history, judged)]

    def _asked(self, plan: Plan) -> Asked:
        history = self.perform(plan)
        return history, judge(history)

    def _by_age(self, history: History) -> str:
        """Why a loss proves nothing: facts as old, with nobody else there, are lost too; empty if it does."""
        age = history.events[-1].ended - history.events[0].started
        if age <= self.outlasted:
            return ""
        alone, judged = self._asked(without_bulk(history.plan, wait=age))
        if alone.cut is not None:
            return f"facts were lost, and the run ended before age was ruled out: {alone.cut}"
        if judged.findings:
            return gone_by_age(age)
        self.outlasted = age
        return ""


def _without_bulk(history: History, why: str) -> Asked:
    """What was seen before many memories were stored, and why the rest proves nothing."""
    first = before_bulk(history.plan)
    events = tuple(event for event in history.events if event.step < first)
    cut = history.model_copy(update={"events": events, "cut": why})
    return cut, judge(cut)
