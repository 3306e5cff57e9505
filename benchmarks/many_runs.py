"""Runs against one service at once, and compares what they find with what is true: nothing.

    python benchmarks/many_runs.py --runs 24

The service is the stand-in for the mem0 platform (extra `staging`), which keeps its users apart, with 1,000
strangers in it. Ends with 0 if no run has a finding, no run saw a stranger's memory or another run's, no test
user is left and every stranger's row is as before, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.summary import summary_of
from killed_runs import REPO, RUN, Store, digest, platform_store, settled, sqlite_store

STORES = {"platform": platform_store, "sqlite": sqlite_store}


def at_once(store: Store, runs: int) -> list[Evidence]:
    """The evidence of that many runs, all started at once."""
    started = [
        subprocess.Popen(  # noqa: S603 - the suite itself
            [*RUN, store.target, "--profile", "quick", "-n", "0", "--report", f"out{number}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(runs)
    ]
    for run in started:
        run.wait()
    return [read(Path(f"out{number}")) for number in range(runs)]


def told(evidence: Evidence) -> str:
    """A run in one line."""
    summary, cost = summary_of(evidence), evidence.footer.cost
    counts = Counter(row.verdict.value for row in summary.checks)
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    calls = "" if cost is None else f"; {cost.calls} calls, {cost.users} users, {cost.left} left"
    stories = "".join(f"\n  {case.finding.key}: {case.finding.story}" for case in summary.cases)
    run = evidence.header.run_id
    return f"{run}: {summary.verdict}, {len(summary.cases)} findings ({verdicts}{calls}){stories}"


def main() -> int:
    """Start the runs, and print what each of them found."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--runs", type=int, default=24)
    options.add_argument("--store", choices=STORES, default="platform")
    options.add_argument("--keep", type=Path, help="where the runs' folders stay")
    given = options.parse_args()
    keep = None if given.keep is None else given.keep.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
        with STORES[given.store]() as store:
            before, began = store.rows(), time.monotonic()
            found = at_once(store, given.runs)
            seconds, clean, after = time.monotonic() - began, settled(), store.rows()
        if keep is not None:
            shutil.copytree(folder, keep)
        os.chdir(REPO)
    for evidence in found:
        click.echo(told(evidence))
    findings = sum(len(summary_of(evidence).cases) for evidence in found)
    left = len(after) - len(before)
    same = digest(after) == digest(before)
    click.echo(
        f"{given.runs} runs at once in {seconds:.0f} s: {findings} findings, {left} rows left, "
        f"strangers {'as before' if same else 'CHANGED'}"
    )
    return 0 if clean and same and not findings else 1


if __name__ == "__main__":
    sys.exit(main())
