"""Chooses the checks that a run asks first, and writes them to fixtures/order/checks.txt.

    python -m meta_tests.calibration.order

Each next one is the check that catches most of the faults that the earlier ones do not, for each call that it
makes on the clean reference store; which check catches what is read from the kill matrix on record.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from isolation_tests.engine.run import SMOKE, WITNESSES
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask
from meta_tests.calibration.relation import PROFILE, Relation, read

FILE = Path(__file__).parents[2] / "fixtures" / "order" / "checks.txt"
CHOOSE = "python -m meta_tests.calibration.order"
HEAD = f"# The checks that a run asks first. Written by `{CHOOSE}`.\n"
FIXED = (SMOKE.check, WITNESSES.check)
"""The first and the last one of each run, whatever they catch."""


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


def calls_on(*targets: str) -> dict[str, int]:
    """How many calls each check makes on the first of these stores that can be asked it."""
    calls: dict[str, int] = {}
    for target in targets:
        results = ask(Settings(target=target, profile=PROFILE, seed="1"), lambda *_: True)
        calls |= {
            result.check: result.calls
            for result in results
            if result.check not in calls or not calls[result.check]
        }
    return calls


def main() -> int:
    """Measure calls on the reference stores, choose, and write; checks of further axes come last."""
    calls = calls_on("reference", "reference-async")
    further = {check: made for check, made in calls_on("reference-axes").items() if check not in calls}
    order = [*chosen(read(), calls), *chosen(read(), further)]
    FILE.write_text(HEAD + "".join(f"{check}\n" for check in order), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
