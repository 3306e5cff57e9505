"""For every process that runs the properties: hands out checks, reads results, and words pytest's reports."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Collection, Generator, Iterator
from types import FrameType
from typing import Any, NoReturn

import pytest

from isolation_tests.core.errors import sentence
from isolation_tests.core.inert import plain
from isolation_tests.core.masking import masked_text
from isolation_tests.engine.check import Check, check_of
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import LAWS, LawEntry
from isolation_tests.engine.search.order import in_order
from isolation_tests.execution.meter import RunEnded
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.plans import Cell
from isolation_tests.plans.cells import concerns
from isolation_tests.reporting.formats.junit import test_properties

RESULT = "isolation-result"
_CHECK: pytest.StashKey[Any] = pytest.StashKey()
_STOP = threading.Event()


def stop_in_order() -> None:
    """Make SIGTERM stop this process like Ctrl-C: it deletes its test users and keeps the results.

    A cancelled CI job gets SIGTERM. Only the main thread can set a handler; elsewhere nothing changes.
    """
    if threading.current_thread() is threading.main_thread():
        _STOP.clear()
        signal.signal(signal.SIGTERM, _interrupt)
        # Who ignores Ctrl-C, or has a handler of their own, keeps that.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    _STOP.set()
    raise KeyboardInterrupt


def went_through(exitstatus: int) -> bool:
    """Whether a pytest session came to its end, whatever its tests showed."""
    return exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


@contextlib.contextmanager
def unheard(config: pytest.Config) -> Iterator[None]:
    """Keep to itself what a target prints between pytest's tests, as pytest does within them."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is None:
        yield
        return
    capture.resume_global_capture()
    try:
        yield
    finally:
        capture.suspend_global_capture(in_=False)
        capture.read_global_capture()


class PropertyItems:
    """The part of the plugin in a process that runs the properties."""

    def __init__(self, config: pytest.Config, name: str) -> None:
        """name: the name of the plugin, and the key for data that the processes of a run exchange."""
        self.config = config
        self.name = name

    def examiner(self) -> Examiner:
        """The open target of this process."""
        raise NotImplementedError

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the cells that the run does not expect, and put the others in the order of a run.

        It expects those of the profile and of the target's axes. Tests of others stay where they are.
        """
        items[:] = [item for item in items if self._is_asked(item)]
        checks = {place: asked for place, item in enumerate(items) if (asked := _question(item)) is not None}
        ordered = in_order(checks, lambda place: checks[place][0].check_id(checks[place][1]))
        moved = [items[place] for place in ordered]
        for place, item in zip(checks, moved, strict=True):
            items[place] = item

    def _is_asked(self, item: pytest.Item) -> bool:
        asked = _question(item)
        if asked is None:
            return True
        cell = asked[1]
        return (self.profile_is_whole() or cell.quick) and concerns(cell.needs, self.offered())

    def profile_is_whole(self) -> bool:
        """Whether the profile runs every cell."""
        raise NotImplementedError

    def offered(self) -> Collection[str]:
        """What the target claims to offer."""
        raise NotImplementedError

    def pytest_runtest_logstart(self) -> None:
        """Stop before the next check where the exception was lost: Python drops one raised in a finalizer."""
        if _STOP.is_set():
            raise KeyboardInterrupt

    def check(self, item: pytest.Item) -> Check:
        """The check for one collected property."""
        asked = _question(item)
        if asked is None:
            raise pytest.UsageError("only the isolation suite's own properties can use the fixture `check`")
        handle = check_of(self.examiner(), *asked)
        item.stash[_CHECK] = handle
        return handle

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result to pytest's report, with one sentence on how the check failed."""
        report = yield
        error = None if call.excinfo is None else call.excinfo.value
        handle = item.stash.get(_CHECK, None)
        report.sections = [(title, plain(masked_text(text))) for title, text in report.sections]
        result = handle.result if handle is not None and call.when == "call" else None
        if result is None and error is not None:
            result = _result_of_failure(item, error)
        if result is not None:
            self.attach(report, result)
            _tell_junit(item, report, result)
        if result is not None and error is not None and not _is_skip(error):
            report.outcome = "failed"
            _reword(report, result)
        if call.when == "teardown" and handle is not None:
            # It holds the histories, and pytest keeps the item to the end of the session.
            del item.stash[_CHECK]
        return report

    def attach(self, report: pytest.TestReport, result: CheckResult) -> None:
        """Send a result to the process that collects them, with pytest's report."""
        report.user_properties.append((RESULT, result.model_dump_json()))


def _tell_junit(item: pytest.Item, report: pytest.TestReport, result: CheckResult) -> None:
    """Add the properties that `--junitxml` writes; it reads them from the report of the teardown."""
    properties = test_properties(result)
    item.user_properties.extend(properties)
    if report.when == "teardown":
        report.user_properties.extend(properties)


def _question(item: pytest.Item) -> tuple[LawEntry, Cell] | None:
    """The law and the cell of a collected property; None for any other test."""
    marker = item.get_closest_marker("isolation_law")
    cell = getattr(getattr(item, "callspec", None), "params", {}).get("cell")
    if marker is None or cell is None:
        return None
    return LAWS[marker.args[0]], cell


def _result_of_failure(item: pytest.Item, error: BaseException) -> CheckResult | None:
    """The result of a property that could not run its check, so that no result is missing."""
    asked = _question(item)
    if asked is None:
        return None
    entry, cell = asked
    return CheckResult(
        check=entry.check_id(cell),
        title=entry.title,
        anomalies=entry.covers(cell),
        level=entry.level,
        verdict=Verdict.INCONCLUSIVE if _is_skip(error) or isinstance(error, RunEnded) else Verdict.ERROR,
        reason=sentence(error),
    )


def _is_skip(error: BaseException) -> bool:
    return isinstance(error, pytest.skip.Exception | pytest.xfail.Exception)


class Listing(PropertyItems):
    """For `--collect-only`: lists the checks that the profile would run, and runs none."""

    def __init__(self, config: pytest.Config, name: str, *, whole: bool) -> None:
        super().__init__(config, name)
        self._whole = whole

    def profile_is_whole(self) -> bool:
        """Whether the profile runs every cell."""
        return self._whole

    def offered(self) -> Collection[str]:
        """Nothing is known of a target that is not opened."""
        return ()


def _reword(report: pytest.TestReport, result: CheckResult) -> None:
    reason = plain(masked_text(result.reason))
    if result.verdict is Verdict.NOT_SUPPORTED or result.explained:
        report.outcome = "skipped"
        report.longrepr = (report.location[0], report.location[1] or 0, f"Skipped: {reason}")
    elif result.cases and all(case.known is not None for case in result.cases):
        report.outcome = "skipped"
        report.wasxfail = f"known finding: {result.cases[0].known}"
    else:
        keys = ", ".join(case.finding.key for case in result.cases)
        report.longrepr = f"{result.verdict}{f' {keys}' if keys else ''}: {reason}\nlaw: {result.title}"
