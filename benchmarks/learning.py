"""Does a search that learns find planted faults in fewer calls? Drawn sequences only, three ways of drawing.

    python benchmarks/learning.py [--seeds N] [--fault NAME]...

plain: Hypothesis draws each plan anew. target: it is led by `hypothesis.target` to plans in which more facts
of other users exist when somebody reads. corpus: plans that showed other planted faults are tried first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import click
import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.errors import HypothesisException

from contenders import Store
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import new_key
from isolation_tests.faults import FAULTS
from isolation_tests.judges.judging import judge
from isolation_tests.model import Operation, Plan
from isolation_tests.plans import Offer
from isolation_tests.plans.drawn import plans

WAYS = ("plain", "target", "corpus")
EXAMPLES = 200
READS = (Operation.SEARCH, Operation.GET_ALL)
SAMPLE = (
    "S1-global",
    "S1-get-all-ignores-user",
    "S2-keyword-leg",
    "A1-prefix",
    "A3-casefold",
    "A5-separator",
    "O1-get-unchecked",
    "O2-update-unchecked",
    "O3-delete-unchecked",
    "D1-delete-everyone",
    "D4-ghost-search",
    "D4-ghost-foreign-write",
    "M1-shared-id",
    "M1-dropped",
    "M3-newest-rows",
    "M4-updates-foreign",
    "M5-last-active",
    "K1-search-key",
    "K1-get-key",
    "S4-pool-of-10",
)
"""Planted unless others are named: some of each kind that calls one after the other can show."""


class Found(Exception):  # noqa: N818 - what a search hopes for
    """A plan showed a violation."""


def pressure(plan: Plan) -> int:
    """How many facts of others had been written when users read, summed over the reads."""
    written: dict[int, int] = {}
    total = 0
    for step in plan.steps:
        if step.op is Operation.ADD:
            written[step.user] = written.get(step.user, 0) + 1
        if step.op in READS:
            total += sum(count for user, count in written.items() if user != step.user)
    return total


class Search:
    """One search for one fault: how many calls until a plan shows it, and that plan."""

    def __init__(self, fault: str, seed: int) -> None:
        self.store = Store(fault)
        self.examiner = Examiner(self.store.target, profile("hunt"), new_key(seed))
        self.before = self.store.calls
        self.found: tuple[int, Plan] | None = None

    def ask(self, plan: Plan) -> None:
        """Perform a plan; stop at the first violation."""
        if self.found is None and judge(self.examiner.perform(plan)).findings:
            self.found = self.store.calls - self.before, plan
        if self.found is not None:
            raise Found

    def run(self, first: Sequence[Plan], seed: int, *, led: bool = False) -> tuple[int, Plan] | None:
        """Try some plans first, then draw; led: towards plans with more of others' facts at reads."""

        @hypothesis.seed(seed)
        @settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            verbosity=Verbosity.quiet,
            print_blob=False,
            phases=(Phase.generate, Phase.target),
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(plans(Offer(capabilities=frozenset(("get", "update", "delete")))))
        def searched(plan: Plan) -> None:
            if led:
                hypothesis.target(float(pressure(plan)), label="facts of others at reads")
            self.ask(plan)

        try:
            for plan in first:
                self.ask(plan)
            searched()
        except (Found, HypothesisException):
            if self.found is None:
                raise
        finally:
            self.examiner.close()
        return self.found


def corpus() -> dict[str, Plan]:
    """For each anomaly a plan that showed its first fault, where drawn plans do."""
    first = {FAULTS[name].anomaly: name for name in reversed(sequential())}
    searched = {anomaly: Search(name, 0).run((), 0) for anomaly, name in first.items()}
    return {anomaly: found[1] for anomaly, found in searched.items() if found}


def sequential() -> list[str]:
    """The faults that can show where calls do not overlap."""
    return [name for name, fault in FAULTS.items() if "async" not in fault.needs]


def measured(fault: str, seeds: tuple[int, ...], known: dict[str, Plan]) -> dict[str, list[int | None]]:
    """Calls until found, by way and seed, or None; a plan of its own anomaly is not tried first."""
    others = tuple(plan for anomaly, plan in known.items() if anomaly != FAULTS[fault].anomaly)
    outcome: dict[str, list[int | None]] = {way: [] for way in WAYS}
    for way in WAYS:
        for seed in seeds:
            first = others if way == "corpus" else ()
            found = Search(fault, seed).run(first, seed, led=way == "target")
            outcome[way].append(found and found[0])
    return outcome


def median_text(outcome: list[int | None]) -> str:
    """The median of the calls until it was found, and how often it was found."""
    found = [calls for calls in outcome if calls is not None]
    return f"{statistics.median(found):,.0f} ({len(found)} of {len(outcome)})" if found else "not found"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fault",
        action="append",
        choices=list(FAULTS),
        metavar="NAME",
        help="this one instead of the sample",
    )
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default 5)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    given = parser.parse_args()
    seeds = tuple(range(1, given.seeds + 1))
    names, known = given.fault or SAMPLE, corpus()
    with ProcessPoolExecutor(given.workers) as pool:
        outcomes = dict(
            zip(names, pool.map(measured, names, [seeds] * len(names), [known] * len(names)), strict=True)
        )
    click.echo(f"| fault | {' | '.join(WAYS)} |\n|---|{'--:|' * len(WAYS)}")
    for name, outcome in outcomes.items():
        click.echo(f"| {name} | {' | '.join(median_text(outcome[way]) for way in WAYS)} |")
    for way in WAYS:
        every = [calls for outcome in outcomes.values() for calls in outcome[way]]
        click.echo(f"{way}: median {median_text(every)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
