"""Asks a target some of the suite's checks, in this process and without files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examination import without_known
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import SMOKE, WITNESSES, new_key
from isolation_tests.model import CheckResult
from isolation_tests.targets.settings import Settings

Wanted = Callable[[str, Sequence[str]], bool]
"""Chooses checks by their id and by the anomalies that they can name."""

CROWDS = ("crowd-stays-apart", "all-pairs-stay-apart")
"""Laws with many users in one plan."""


def ask(settings: Settings, wanted: Wanted) -> list[CheckResult]:
    """The results of the chosen checks, of those that the profile asks.

    No finding is performed again or made smaller.
    """
    budget = profile(settings.profile or "quick").unrefined()
    return asked_of(Examiner(without_known(settings), budget, new_key(settings.seed_number())), wanted)


def asked_of(examiner: Examiner, wanted: Wanted) -> list[CheckResult]:
    """The results of the chosen checks, of those that its profile asks; the examiner is closed afterwards.

    Where witnesses are asked, crowds pass by meanwhile.
    """
    watched = wanted(WITNESSES.check, WITNESSES.anomalies)
    try:
        results = [smoke(examiner)] if wanted(SMOKE.check, SMOKE.anomalies) else []
        heard = call_witnesses(examiner) if watched else _nobody
        for entry in all_laws().values():
            for cell in entry.asked(examiner.profile, examiner.claimed):
                chosen = wanted(entry.check_id(cell), entry.covers(cell))
                if chosen or (watched and entry.name in CROWDS):
                    result = result_of(examiner, entry, cell)
                    results += [result] if chosen else []
        seen = heard()
        return results if seen is None else [*results, seen]
    finally:
        examiner.close()


def _nobody() -> None:
    """What witnesses that were never called have seen."""


def only(*checks: str) -> Wanted:
    """These checks."""
    return lambda check, _: check in checks


def covering(*anomalies: str) -> Wanted:
    """The checks that can name one of these anomalies."""
    return lambda _, covered: not {*anomalies}.isdisjoint(covered)


def takes_turn(check: str, number: int, *, of: int) -> bool:
    """Whether this check is in the share with that number, of so many shares that together are all checks."""
    return (zlib.crc32(check.encode()) + number) % of == 0


def share(number: int, *, of: int) -> Wanted:
    """One of so many shares of all checks."""
    return lambda check, _: takes_turn(check, number, of=of)


def named(results: Sequence[CheckResult]) -> set[str]:
    """The anomalies that were found."""
    return {case.finding.anomaly for result in results for case in result.cases}


def keys(results: Sequence[CheckResult]) -> tuple[set[str], set[str]]:
    """The keys of what was found: of violations, and of hazards."""
    cases = {case.finding.key for result in results for case in result.cases}
    return cases, {hazard.key for result in results for hazard in result.hazards}
