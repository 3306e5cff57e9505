"""What a run has proved already, so that nothing is asked, replayed or made smaller for it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from isolation_tests.causes.across import Seen, explained
from isolation_tests.model import CheckResult, Finding, History, Operation, Plan

_FEWEST_TRIES = 2
_UNJUDGED = frozenset({Operation.ADD, Operation.SETTLE})
_READS = frozenset({Operation.SEARCH, Operation.GET_ALL})


@dataclass
class Proven:
    """The findings that showed at every try of several, and are not listed as known.

    A known finding proves nothing here: a target with known findings is asked everything, so that a list that
    is outdated is noticed.
    """

    seen: list[Seen] = field(default_factory=list)

    def take(self, result: CheckResult) -> None:
        """Learn from a check's result."""
        self.seen += [
            Seen.of(case.finding, case.history)
            for case in result.cases
            if case.seen == case.tried >= _FEWEST_TRIES and case.known is None
        ]

    def explains(self, finding: Finding, history: History) -> bool:
        """Whether something proven is this finding, for these names or others, or explains it."""
        new = Seen.of(finding, history)
        same = any(
            (one.finding.anomaly, one.finding.operation, one.finding.law, one.compared)
            == (finding.anomaly, finding.operation, finding.law, new.compared)
            for one in self.seen
        )
        return same or len(self.seen) in explained([*self.seen, new])

    def answers(self, plan: Plan) -> str | None:
        """The key of a finding that shows all that this plan can; None if the plan asks more.

        Where neither lists nor searches apply the user, each operation that crosses between unrelated users
        shows itself at once, under any name, in any order and in every comparison. A caller's key is another
        matter.
        """
        scoped = self._unscoped() or self._dropped(plan)
        if scoped is None or any(step.key is not None for step in plan.steps):
            return None
        moot = plan.viewer is not None or any(step.lane is not None for step in plan.steps)
        asked = {step.op for step in plan.steps} - _UNJUDGED
        return scoped if moot or asked <= self._crossing() else None

    def _dropped(self, plan: Plan) -> str | None:
        """The finding that shows that the axis of a plan is not applied at all, whatever its values are."""
        if plan.axis is None or plan.anomaly != "S7":
            return None
        dropped = [one.finding for one in self._plain() if one.finding.key.startswith("S7-")]
        shown = {one.operation: one.key for one in dropped if one.relation == plan.axis}
        asked = {step.op for step in plan.steps} - _UNJUDGED
        return shown[Operation.GET_ALL] if asked <= shown.keys() and asked else None

    def answers_search(self) -> str | None:
        """The key of a finding that every drawn plan would show; None if there is no such."""
        return self._unscoped() if self._crossing() > _READS else None

    def _crossing(self) -> frozenset[Operation]:
        """The operations that were seen to cross between users, without overlap and in one run."""
        return frozenset(one.finding.operation for one in self._plain())

    def _plain(self) -> Iterable[Seen]:
        return (one for one in self.seen if not one.overlap and not one.compared)

    def _unscoped(self) -> str | None:
        """The finding that shows that the user is not applied at all: S1 in lists and in searches."""
        broad = {
            one.finding.operation: one.finding.key for one in self._plain() if one.finding.anomaly == "S1"
        }
        return broad[Operation.GET_ALL] if broad.keys() >= _READS else None


def proven_by(results: Sequence[CheckResult]) -> Proven:
    """What these results prove."""
    proven = Proven()
    for result in results:
        proven.take(result)
    return proven
