"""Which tests may be skipped: those that need what is not installed, as expected_skips.toml lists them."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from isolation_tests.core.distributions import is_met
from isolation_tests.model import Frozen
from isolation_tests.targets.config import load

FOLDER = Path(__file__).parent
EXPECTED = FOLDER / "expected_skips.toml"


class Skip(Frozen):
    """Tests that are skipped as long as nothing is there that they can be run with.

    tests: node ids below meta_tests; "*" stands for any text. reason: what the skip says, or a part of it.
    without: version requirements and commands, any of which would do.
    """

    tests: tuple[str, ...]
    reason: str
    without: tuple[str, ...]

    def covers(self, test: str) -> bool:
        """Whether a node id is one of these tests."""
        return any(_fits(pattern, test) for pattern in self.tests)

    @property
    def due(self) -> bool:
        """Whether nothing is there that these tests could be run with."""
        return not is_there(*self.without)


class Expected(Frozen):
    """The file of all of them."""

    skip: tuple[Skip, ...]


def is_there(*things: str) -> bool:
    """Whether any of these commands or version requirements is installed."""
    return any(shutil.which(each) or is_met(each) for each in things)


def listed() -> tuple[Skip, ...]:
    """All that is listed, due here or not."""
    return load(EXPECTED, Expected).skip


@dataclass(eq=False)
class SkipCheck:
    """Compares what a run of pytest skips with what is due to be skipped; fails the run where they differ.

    whole: whether everything was collected, so that an entry that fits nothing is out of date.
    """

    due: Sequence[Skip]
    whole: bool
    skipped: dict[str, str] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a test."""
        test = report.nodeid.removeprefix(f"{FOLDER.name}/")
        if report.skipped:
            self.skipped[test] = _reason(report)
        elif report.when == "call":
            self.ran.add(test)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that is skipped as a whole."""
        if report.skipped:
            self.skipped[report.nodeid.removeprefix(f"{FOLDER.name}/")] = _reason(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that is green and has skipped what it should not, or run what should be skipped."""
        if exitstatus == pytest.ExitCode.OK and self.differences():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what is not available here, and what differs from the list."""
        terminalreporter.section("skipped for want of what is not installed")
        for line in (*self.unavailable(), *self.differences()):
            terminalreporter.line(line)

    def unavailable(self) -> list[str]:
        """How many tests could not be run here, by what is missing."""
        entries = (self._entry(test) for test in self.skipped)
        counts = Counter(" or ".join(entry.without) for entry in entries if entry)
        return [f"unavailable: {missing}: {number} skipped" for missing, number in sorted(counts.items())]

    def differences(self) -> list[str]:
        """What was skipped and should not be, and what should be skipped and was not."""
        unexpected = [f"{test}: {why}" for test, why in self.skipped.items() if not self._allowed(test)]
        needless = [test for test in self.ran if self._entry(test)]
        seen = (*self.skipped, *self.ran)
        patterns = [pattern for entry in self.due for pattern in entry.tests if self.whole]
        idle = [pattern for pattern in patterns if not any(_fits(pattern, test) for test in seen)]
        return [
            *(f"skipped without being listed in {EXPECTED.name}: {each}" for each in sorted(unexpected)),
            *(f"listed in {EXPECTED.name} and not skipped: {each}" for each in sorted(needless)),
            *(f"listed in {EXPECTED.name} and fits no test: {each}" for each in idle),
        ]

    def _entry(self, test: str) -> Skip | None:
        return next((entry for entry in self.due if entry.covers(test)), None)

    def _allowed(self, test: str) -> bool:
        return any(entry.covers(test) and entry.reason in self.skipped[test] for entry in self.due)


def _fits(pattern: str, test: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), test, re.DOTALL) is not None


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What a skip says: pytest keeps it as (file, line, reason)."""
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
