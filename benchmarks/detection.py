"""Calls until a planted fault is first noticed: the suite, the tutorial's script, a plain state machine.

    python benchmarks/detection.py                  print the tables
    python benchmarks/detection.py --family A       for the faults of one family only
    python benchmarks/detection.py --into FILE      write the summary between its marks, too

The summary stands in docs/explanation/search.md.

Every seeded fault is planted in the reference store, one at a time. The state machine may make as many calls
as a whole run of the suite at profile ci makes on the store without a fault, and meets the same store.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import click

from contenders import Detection, by_machine, by_suite, by_tutorial
from isolation_tests.faults import FAULTS
from isolation_tests.reporting.board.verdict_table import insert

MARKS = "<!-- detection: written by `python benchmarks/detection.py` -->", "<!-- end of detection -->"
FAMILIES = {
    "S": "scope",
    "A": "related names",
    "O": "by id",
    "D": "deletes",
    "M": "derived data",
    "C": "concurrency",
    "K": "caches",
    "X": "side channels",
    "c": "completeness",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One fault and what each contender needed for it with each seed."""

    fault: str
    suite: tuple[Detection, ...]
    tutorial: Detection
    machine: tuple[Detection, ...]

    @property
    def family(self) -> str:
        """The first letter of the fault's anomaly."""
        return FAULTS[self.fault].anomaly[0]


def measured(fault: str, seeds: tuple[int, ...], budget: int) -> Row:
    """What each contender needs for one fault."""
    return Row(
        fault,
        tuple(by_suite(fault, seed) for seed in seeds),
        by_tutorial(fault),
        tuple(by_machine(fault, seed, budget) for seed in seeds),
    )


def calls(detections: tuple[Detection, ...]) -> float:
    """The median of the calls; those that never found anything stand with all they had."""
    return statistics.median(one.calls for one in detections)


def cell(detections: tuple[Detection, ...]) -> str:
    """A cell of the table: the calls to the first complaint, or that there was none."""
    found = sum(one.found for one in detections)
    if not found:
        return "not found"
    often = "" if found == len(detections) else f" ({found} of {len(detections)})"
    return f"{calls(tuple(one for one in detections if one.found)):,.0f}{often}"


def per_fault(rows: list[Row]) -> list[str]:
    """One line per fault."""
    lines = ["| fault | suite | tutorial's script | state machine |", "|---|--:|--:|--:|"]
    lines += [
        f"| {row.fault} | {cell(row.suite)} | {cell((row.tutorial,))} | {cell(row.machine)} |" for row in rows
    ]
    return lines


def ratio(machine: float, suite: float) -> str:
    """How many times fewer calls the suite needed, to two digits."""
    times = machine / suite
    return f"{times:.1g}" if times < 1 else f"{times:.2g}" if times < 10 else f"{times:,.0f}"


def per_family(rows: list[Row], budget: int) -> list[str]:
    """One line a family: how many faults each contender found, and the median of the calls."""
    families = defaultdict(list)
    for row in rows:
        families[row.family].append(row)
    lines = [
        "| planted faults | | suite | calls | tutorial's script | state machine | calls | times fewer |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    all_of_them = [("", rows)] if len(families) > 1 else []
    for letter, members in [*((key, families[key]) for key in FAMILIES if key in families), *all_of_them]:
        suite = statistics.median(calls(row.suite) for row in members)
        machine = statistics.median(calls(row.machine) for row in members)
        censored = "over " if machine >= budget else ""
        name = (
            f"{letter.upper()}: {FAMILIES[letter]}"
            if letter and letter != "c"
            else FAMILIES.get(letter, "all")
        )
        lines.append(
            f"| {name} | {len(members)} | {sum(all(one.named for one in row.suite) for row in members)} "
            f"| {suite:,.0f} | {sum(row.tutorial.found for row in members)} "
            f"| {sum(all(one.found for one in row.machine) for row in members)} | {censored}{machine:,.0f} "
            f"| {censored}{ratio(machine, suite)} |"
        )
    return lines


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fault", action="append", choices=list(FAULTS), metavar="NAME", help="only this one"
    )
    parser.add_argument("--family", choices=list(FAMILIES), help="only faults of anomalies of this letter")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds (default 3)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    parser.add_argument("--into", type=Path, help="file whose marked part takes the summary")
    given = parser.parse_args()
    seeds = tuple(range(1, given.seeds + 1))
    clean = by_suite(None, 1)
    budget = clean.calls
    controls = (clean, by_tutorial(None), by_machine(None, 1, budget))
    if any(one.found for one in controls):
        click.echo(f"a contender complains about the store without a fault: {controls}", err=True)
        return 2
    with ProcessPoolExecutor(given.workers) as pool:
        names = given.fault or [
            name for name in FAULTS if FAULTS[name].anomaly[0] in (given.family or FAMILIES)
        ]
        rows = []
        for row in pool.map(measured, names, [seeds] * len(names), [budget] * len(names)):
            rows.append(row)
            click.echo(f"{len(rows)} of {len(names)}: {per_fault([row])[-1]}", err=True)
    click.echo("\n".join([f"budget: {budget:,} calls, seeds {seeds}", "", *per_fault(rows), ""]))
    summary = "\n".join(per_family(rows, budget))
    click.echo(summary)
    if given.into:
        insert(given.into, summary, MARKS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
