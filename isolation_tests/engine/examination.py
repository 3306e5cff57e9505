"""Runs every check on a target in this process, without pytest and without files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import blaming, new_key, watched
from isolation_tests.engine.safety.limits import limited
from isolation_tests.engine.search.order import asked
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.resolve import Target, resolve
from isolation_tests.targets.settings import Settings


def examine(
    settings: Settings,
    *,
    until: str | None = None,
    enough: Callable[[CheckResult], bool] | None = None,
    watch: bool = False,
) -> list[CheckResult]:
    """Run every check on a target in this process, without pytest and without files; stop where a run would.

    Findings are not replayed or made smaller. until: an anomaly; the checks for it run first, then those that
    can also show it. enough: whether to stop after a result; by default, if it shows that anomaly. watch:
    whether another process cleans up if this one is killed. Raises a `Problem` for a target that is unknown
    or can't be opened.
    """
    key = new_key(settings.seed_number())
    target = without_known(settings)
    with (
        limited(target, settings, key.began) as target,
        blaming(target.name),
        watched(target, key, settings) if watch else nullcontext() as journal,
    ):
        examiner = Examiner(target, profile(settings.profile or "ci").unrefined(), key, journal=journal)
        try:
            return _asked(examiner, until, enough or partial(_names, until))
        finally:
            examiner.close()


def _names(anomaly: str | None, result: CheckResult) -> bool:
    return any(case.finding.anomaly == anomaly for case in result.cases)


def without_known(settings: Settings) -> Target:
    """The target without its known findings."""
    return resolve(
        settings.target or "reference",
        options=settings.option_map(),
        known="none",
        disposable=settings.disposable,
    )


def _asked(examiner: Examiner, until: str | None, enough: Callable[[CheckResult], bool]) -> list[CheckResult]:
    results = [smoke(examiner)]
    if examiner.loss is not None or results[0].verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE):
        return results
    heard = call_witnesses(examiner)
    for entry, cell in sorted(
        asked(examiner.profile, examiner.claimed), key=lambda pair: _rank(until, pair[0].covers(pair[1]))
    ):
        if enough(results[-1]):
            return results
        results.append(result_of(examiner, entry, cell))
    last = heard()
    return results if last is None else [*results, last]


def _rank(anomaly: str | None, covered: Sequence[str]) -> int:
    """0 for a check that is made for the anomaly, 1 for one that also covers it, 2 for all others."""
    return 2 if anomaly not in covered else int(covered[0] != anomaly)
