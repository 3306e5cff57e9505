"""A run's coverage, from its header and its results alone."""

from __future__ import annotations

from collections.abc import Sequence

from isolation_tests.coverage.calls import Call
from isolation_tests.coverage.figures import Coverage, measured
from isolation_tests.coverage.space import CORE, possible
from isolation_tests.model import CheckResult, Outcome, Verdict
from isolation_tests.reporting.evidence.evidence import Header
from isolation_tests.testdata.relations import RELATIONS

_PROVING = (Verdict.HELD, Verdict.VIOLATED)


def coverage_of(header: Header, results: Sequence[CheckResult]) -> Coverage:
    """What the checks that proved something have asked, of all that the target offers."""
    told = {call for result in results if result.verdict in _PROVING for call in result.asked}
    works = frozenset(name for name in header.capabilities if header.probed.get(name, "ok") == "ok")
    return measured(
        {Call.read(call) for call in told},
        possible(works, disposable=header.target.disposable, lacking=_lacking(results)),
        relations=[relation.name for relation in RELATIONS if relation.name not in header.aliases],
        ways=int(header.budget.get("ways", 2)),
    )


def _lacking(results: Sequence[CheckResult]) -> frozenset[str]:
    """The core methods that the target turned out not to have."""
    histories = (
        history
        for result in results
        for history in (*result.histories, *(case.history for case in result.cases))
    )
    events = (event for history in histories for event in history.events)
    return frozenset(
        event.op.value for event in events if event.outcome is Outcome.UNSUPPORTED and event.op in CORE
    )
