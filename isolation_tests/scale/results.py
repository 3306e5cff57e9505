"""The results of a scale run's checks, from what its ranges have shown together."""

from __future__ import annotations

from collections.abc import Iterator

from isolation_tests.core.plural import counted
from isolation_tests.model import Case, CheckResult, Verdict
from isolation_tests.reporting.evidence.evidence import ExpectedCheck
from isolation_tests.scale.laws import LAST, LAWS, RECALL, shard_check
from isolation_tests.scale.part import Part, Tried

__all__ = ["results_of", "shard_result"]

NO_CONTROL = "no user saw their own fact, so not seeing other users' facts proves nothing"


def results_of(total: Part, by_age: str, seconds: float) -> Iterator[CheckResult]:
    """The result of each law. by_age: why losses may be due to age alone; empty if they are not."""
    for law in LAWS:
        tried = total.tried.get(law.check, Tried())
        losses = tuple(loss.case for loss in tried.losses)
        doubts = tried.doubts
        if losses and by_age:
            doubts, losses = (by_age, *doubts), ()
        yield _result(law, tried, (*tried.cases, *losses), doubts, total.figures.users, seconds)


def _result(
    law: ExpectedCheck,
    tried: Tried,
    cases: tuple[Case, ...],
    doubts: tuple[str, ...],
    users: int,
    seconds: float,
) -> CheckResult:
    verdict, reason = Verdict.HELD, ""
    if cases:
        verdict, reason = Verdict.VIOLATED, cases[0].finding.story
    elif tried.errors:
        verdict, reason = Verdict.ERROR, tried.errors[0]
    elif doubts:
        more = max(tried.doubtful, len(doubts)) - 1
        verdict = Verdict.INCONCLUSIVE
        reason = doubts[0] + (f" (and {counted(more, 'more doubt')})" if more else "")
    elif not tried.controls:
        verdict, reason = Verdict.INCONCLUSIVE, NO_CONTROL
    return CheckResult(
        check=law.check,
        title=law.title,
        anomalies=law.anomalies,
        level=law.level,
        verdict=verdict,
        reason=reason,
        cases=cases,
        examples=users,
        calls=tried.calls,
        controls=tried.controls,
        refused=tried.refused,
        seconds=seconds,
    )


def shard_result(shard: int, shards: int, total: Part, why_not: str) -> CheckResult:
    """Whether every user of a shard was asked to the end. why_not: why some were not; empty if all were."""
    law = shard_check(shard, shards)
    recall = total.tried.get(RECALL.check, Tried())
    last = total.tried.get(LAST.check, Tried())
    return CheckResult(
        check=law.check,
        title=law.title,
        anomalies=law.anomalies,
        level=law.level,
        verdict=Verdict.INCONCLUSIVE if why_not else Verdict.HELD,
        reason=why_not,
        examples=total.figures.users,
        calls=recall.calls + last.calls,
        controls=recall.controls + last.controls,
    )
