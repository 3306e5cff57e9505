"""Whole runs within a budget, and on targets that go down: few calls, nothing left, nothing claimed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.model import Verdict
from isolation_tests.reporting.evidence.evidence import Cost, Evidence
from isolation_tests.reporting.evidence.reader import read
from meta_tests.plugin.test_stopping import ADAPTER, rows

# The store of the other tests, with a log of its calls that all processes share.
LOGGING = (
    ADAPTER.replace("time.sleep(0.01)", "")
    + """

def _logged(name):
    def method(self, *arguments, **keywords):
        with open("calls.txt", "a") as log:
            log.write(name + "\\n")
        with open("calls.txt") as log:
            if len(log.readlines()) > FAILS_AFTER:
                raise ConnectionError("connection refused")
        return getattr(Store, name)(self, *arguments, **keywords)
    return method


class Logged(Store):
    add, search, get_all, delete_all = map(_logged, ("add", "search", "get_all", "delete_all"))
"""
)
FAILS_AFTER = 250
MOST_IN_VAIN = 50
SECONDS = 60
"""Far more than the pauses between calls in vain, and far less than a thousand calls that time out."""
pytestmark = pytest.mark.process


def run(folder: Path, *options: str, fails_after: float = float("inf")) -> tuple[int, str, float]:
    """The exit status, the output and the seconds of a run."""
    text = f"FAILS_AFTER = float('{fails_after}')\n{LOGGING}"
    (folder / "adapter.py").write_text(text, encoding="utf-8")
    (folder / "target.toml").write_text(
        'name = "mine"\nadapter = "adapter.py:Logged"\ndisposable = true\n', encoding="utf-8"
    )
    command = [sys.executable, "-m", "isolation_tests", "run", "target.toml", "--profile", "quick"]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--report", "out", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


def calls(folder: Path) -> Counter[str]:
    return Counter((folder / "calls.txt").read_text(encoding="utf-8").split())


def cost(evidence: Evidence) -> Cost:
    assert evidence.footer.cost is not None
    return evidence.footer.cost


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_budget_of_500_requests_is_never_passed_by_one(tmp_path: Path, workers: str) -> None:
    status, output, _ = run(tmp_path, "--budget", "requests=500", "-n", workers)
    assert status == 2
    assert "the run ended early: the budget of 500 requests is spent; raise it with --budget requests=N" in (
        output
    )
    evidence = read(tmp_path / "out")
    # A search of this store lists, which the log has as well.
    asked = calls(tmp_path)
    assert cost(evidence).requests == asked.total() - asked["search"]
    assert 300 < cost(evidence).requests <= 500
    assert rows(tmp_path) == 0
    assert cost(evidence).left == 0
    assert evidence.header.limits == {"requests": 500}
    verdicts: dict[Verdict, Any] = Counter(result.verdict for result in evidence.results)
    assert verdicts[Verdict.HELD], "what was proved before the end is kept"
    assert verdicts[Verdict.INCONCLUSIVE] > verdicts[Verdict.HELD]
    assert not evidence.footer.not_run


def test_a_target_that_fails_for_good_ends_the_run_after_few_calls(tmp_path: Path) -> None:
    _, output, idle = run(tmp_path, "--budget", "requests=1", "-n", "0")
    (tmp_path / "calls.txt").unlink(missing_ok=True)
    status, output, seconds = run(tmp_path, "-n", "2", fails_after=FAILS_AFTER)
    assert status == 2
    assert "the run ended early: the target is down" in output
    assert calls(tmp_path).total() - FAILS_AFTER < MOST_IN_VAIN
    assert seconds - idle < SECONDS
    assert cost(read(tmp_path / "out")).left >= 0
    assert Verdict.VIOLATED not in {result.verdict for result in read(tmp_path / "out").results}


def test_a_concurrency_of_one_leaves_one_worker_and_proves_nothing_about_overlapping_calls(
    tmp_path: Path,
) -> None:
    status, output, _ = run(tmp_path, "--budget", "concurrency=1", "-n", "2")
    assert status in (1, 2), output
    evidence = read(tmp_path / "out")
    assert evidence.header.workers == 1
    overlapping = [one for one in evidence.results if one.check.startswith("overlapping-calls-stay-apart")]
    assert overlapping
    assert Verdict.HELD not in {one.verdict for one in overlapping}
    assert any("2 calls at once, and the budget leaves 1" in one.reason for one in overlapping)


def test_a_wrong_budget_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    status, output, _ = run(tmp_path, "--budget", "request=5", "-n", "0")
    assert status == 3
    assert "There is no budget 'request'; did you mean 'requests'?" in output
    assert not (tmp_path / "calls.txt").exists()
