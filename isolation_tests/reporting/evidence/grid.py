"""Which operations a run tested with which relations of names, and the worst verdict of each."""

from __future__ import annotations

from collections.abc import Iterable

from isolation_tests.model import CheckResult, Operation, Verdict

__all__ = ["grid"]

_UNJUDGED = frozenset({Operation.ADD, Operation.SETTLE})


def grid(results: Iterable[CheckResult]) -> dict[str, dict[Operation, Verdict]]:
    """Relation by operation: the worst verdict of each pair that the recorded histories tested.

    A violated check proves nothing about operations without a finding: those are INCONCLUSIVE.
    """
    cells: dict[str, dict[Operation, Verdict]] = {}
    for result in results:
        for relation, operation, verdict in _tested(result):
            row = cells.setdefault(relation, {})
            row[operation] = Verdict.worst((row.get(operation, Verdict.HELD), verdict))
    return dict(sorted(cells.items()))


def _tested(result: CheckResult) -> set[tuple[str, Operation, Verdict]]:
    shown = {(case.finding.relation or "unrelated", case.finding.operation) for case in result.cases}
    histories = (*result.histories, *(case.history for case in result.cases))
    tested = {
        (history.plan.relation or "unrelated", step.op)
        for history in histories
        for step in history.plan.steps
        if step.op not in _UNJUDGED
    }
    elsewhere = Verdict.INCONCLUSIVE if result.verdict is Verdict.VIOLATED or shown else result.verdict
    return {(*cell, Verdict.VIOLATED if cell in shown else elsewhere) for cell in tested | shown}
