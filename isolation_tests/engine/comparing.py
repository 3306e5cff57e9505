"""Comparisons: a plan is run alone and with others, until what others change can't be chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from isolation_tests.judges.judging import judge, judge_all
from isolation_tests.model import Finding, History, Judgement, Law, Operation, Plan
from isolation_tests.plans.compared import alone, paced, varied
from isolation_tests.testdata.facts import People

__all__ = ["compare"]

_MORE_ROUNDS = 3
"""Of a score that is one value in most runs by chance, a few runs alone and two with others say little."""
Judged = list[tuple[History, Judgement]]


def compare(
    plan: Plan,
    seed: int,
    perform: Callable[[Iterable[Plan]], list[History]],
    explained: Callable[[Finding, History], bool],
) -> Judged:
    """The histories of a plan with a viewer, alone and with others, each with what all of them prove.

    The viewer is alone before and after, so that a change over time does not look like interference. What a
    comparison shows is confirmed by running it once more, and by the viewer alone as slow as with the others;
    a score, which depends on the canaries of its run, is confirmed by further runs. perform: the histories of
    plans, in their order; fewer if the run ends. explained: whether something proven explains a finding.
    """
    lone, other = alone(plan), varied(plan, People(seed))
    once = (lone, plan, other, lone)
    histories = perform(once)
    judged = judge_all(histories)

    def news() -> Iterator[Finding]:
        for history, said in judged:
            compared = {*said.findings} - {*judge(history).findings}
            yield from (finding for finding in compared if not explained(finding, history))

    slow = (paced(plan, histories[1]),) if len(histories) > 1 else ()
    for again, asks in (((plan, lone, other, lone), _any), (slow, _any), (once * _MORE_ROUNDS, _is_score)):
        if not any(map(asks, news())):
            break
        histories += perform(again)
        judged = judge_all(histories)
    return judged


def _any(_finding: Finding) -> bool:
    return True


def _is_score(finding: Finding) -> bool:
    """Whether a comparison found that a search's row has another value in a field than it has alone."""
    of_a_row = finding.where != finding.operation.value
    return finding.law is Law.OWN_VIEW and finding.operation is Operation.SEARCH and of_a_row
