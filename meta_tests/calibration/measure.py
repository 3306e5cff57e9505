"""Measures which checks catch each seeded fault, and puts it on record.

    python -m meta_tests.calibration.measure                      every fault: an hour of one processor
    python -m meta_tests.calibration.measure --fault A1-prefix    this one alone; the others stay as they are

Each fault is measured twice with each seed. What differs from one time to the other is marked as racy, and
what was marked before stays marked as long as it shows at all. Where no check catches a fault by itself with
every seed, all of them are.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import click

from isolation_tests.faults import FAULTS
from meta_tests.asking import ask, named, only
from meta_tests.calibration.relation import (
    DRAWN,
    MEASURE,
    PROFILE,
    RECORD,
    Relation,
    Row,
    catching,
    read,
    settings_of,
    write,
)
from meta_tests.calibration.test_kill_matrix import SEEDS, base, own_names

TIMES = 2
ABOUT = f"Which checks catch each seeded fault under its own name with every seed. Written by `{MEASURE}`."


def measured(fault: str, before: Row | None) -> Row:
    """The row of one fault; before: what is on record of it."""
    target, own = f"fault:{fault}@{base(fault)}", own_names(fault)
    shown = [[catching(target, seed, own) for seed in SEEDS] for _ in range(TIMES)]
    often = Counter(check for seeds in shown for checks in seeds for check in checks)
    every_seed = [{check for check in seeds[0] if all(check in other for other in seeds)} for seeds in shown]
    steady = {check for check in every_seed[0] if all(check in checks for checks in every_seed)}
    racy = {check for checks in every_seed for check in checks} - steady
    racy |= {*often} & {*(before.racy if before else ())}
    always = steady - racy
    calls = shown[0][0]
    for check in sorted(always, key=lambda check: (is_chancy(check), calls[check], check)):
        if catches_alone(target, own, check):
            return Row(asked=check, always=tuple(sorted(always)), racy=tuple(sorted(racy)))
    [(asked, _)] = often.most_common(1) or [("", 0)]
    return Row(asked=asked, always=(), racy=tuple(sorted(often)))


def is_chancy(check: str) -> bool:
    """Whether what a check comes upon depends on what was drawn, or on how calls happened to overlap."""
    return check.startswith(DRAWN) or any(word in check for word in ("overlapping", "together"))


def catches_alone(target: str, own: frozenset[str], check: str) -> bool:
    """Whether this check catches the fault with every seed where nothing was asked before it."""
    return all(named(ask(settings_of(target, seed), only(check))) & own for seed in SEEDS)


def main() -> int:
    """Measure, and write what was measured; 1 where some fault is caught by nothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fault", action="append", choices=list(FAULTS), metavar="NAME", help="only this one"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    given = parser.parse_args()
    on_record = read().faults if RECORD.exists() else {}
    asked = given.fault or list(FAULTS)
    rows = {fault: row for fault, row in on_record.items() if fault in FAULTS}
    with ProcessPoolExecutor(given.workers) as pool:
        found = pool.map(measured, asked, map(on_record.get, asked))
        for fault, row in zip(asked, found, strict=True):
            rows[fault] = row
            click.echo(
                f"{fault}: {len(row.always)} checks, {len(row.racy)} racy; asked: {row.asked}", err=True
            )
    write(Relation(about=ABOUT, profile=PROFILE, seeds=SEEDS, faults=rows))
    return int(not all(row.asked for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
