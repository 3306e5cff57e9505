"""Chooses the checks that a run asks first, and writes them to fixtures/order/checks.txt.

    python -m meta_tests.calibration.order

Each next one is the check that catches most of the faults that the earlier ones do not, for each call that it
makes on the clean reference store; which check catches what is read from the kill matrix on record.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examination import without_known
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import SMOKE, WITNESSES, new_key
from isolation_tests.engine.safety.limits import Limits
from isolation_tests.engine.search.order import asked
from isolation_tests.model import Budget
from isolation_tests.targets.settings import Settings
from meta_tests.calibration.relation import PROFILE, Relation, read

FILE = Path(__file__).parents[2] / "fixtures" / "order" / "checks.txt"
CHOOSE = "python -m meta_tests.calibration.order"
HEAD = f"# The checks that a run asks first. Written by `{CHOOSE}`.\n"
FIXED = (SMOKE.check, "volume-takes-nothing[D1-volume]", WITNESSES.check)
"""The first and the last ones of each run, whatever they catch."""


def caught(relation: Relation) -> dict[str, set[str]]:
    """By check: the faults that it catches."""
    found: dict[str, set[str]] = {}
    for fault, row in relation.faults.items():
        for check in row.always or row.racy:
            found.setdefault(check, set()).add(fault)
    return found


def chosen(relation: Relation, calls: Mapping[str, int]) -> list[str]:
    """The checks that come first, in order.

    calls: how many each check makes; one that is missing is not asked.
    """
    found = {check: faults for check, faults in caught(relation).items() if check in calls}
    left = set().union(*found.values()) - set().union(*(found.get(check, set()) for check in FIXED[:1]))
    order: list[str] = []
    while left:
        best = max(found, key=lambda check: (len(found[check] & left) / max(calls[check], 1), check))
        order.append(best)
        left -= found[best]
    return [check for check in order if check not in FIXED]


def cost(name: str) -> dict[str, int]:
    """How many calls each check costs: its plans, the cleaning, and what witnesses do anew after it.

    One call is the least: the same check follows each of them, and its own calls are taken off.
    """
    settings = Settings(target=name, profile=PROFILE, seed="1")
    key, asked_of = new_key(1), profile(PROFILE)
    spent: dict[str, int] = {}
    limits = Limits(Budget(), key.began)
    examiner = Examiner(replace(without_known(settings), meter=limits.meter), asked_of.unrefined(), key)
    try:
        smoke(examiner)
        call_witnesses(examiner)
        [first, *_] = checks = asked(asked_of, examiner.claimed)
        result_of(examiner, *first)
        for entry, cell in checks:
            before = limits.account().calls
            result_of(examiner, entry, cell)
            result_of(examiner, *first)
            spent[entry.check_id(cell)] = limits.account().calls - before
    finally:
        examiner.close()
        limits.close()
    least = min(spent.values())
    return {check: calls - least + 1 for check, calls in spent.items()}


def main() -> int:
    """Measure calls on the reference stores, choose, and write; checks of further axes come last."""
    sync, waiting = cost("reference"), cost("reference-async")
    further = {check: calls for check, calls in cost("reference-axes").items() if check not in sync}
    users = chosen(read(), {check: max(calls, waiting[check]) for check, calls in sync.items()})
    order = [*users, *chosen(read(), further)]
    FILE.write_text(HEAD + "".join(f"{check}\n" for check in order), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
