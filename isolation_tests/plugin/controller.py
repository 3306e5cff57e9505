"""The part of a run in the process that the user started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Generator
from typing import Any, NoReturn

import pytest

from isolation_tests.core.errors import SPEAKER, ExitStatus, Problem, sentence, traced
from isolation_tests.core.inert import plain
from isolation_tests.engine.campaign import Campaign
from isolation_tests.engine.check import call_witnesses
from isolation_tests.engine.examiner import Examiner
from isolation_tests.execution.guard import HALTED
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.plugin.items import RESULT, PropertyItems, unheard, went_through
from isolation_tests.reporting.evidence.errors import EvidenceError
from isolation_tests.reporting.formats import terminal
from isolation_tests.reporting.formats.junit import suite_properties


def explain(config: pytest.Config, error: Exception) -> None:
    """Write one sentence to stderr, and with -v the traceback."""
    if config.option.verbose > 0:
        sys.stderr.write(traced(error))
    own = isinstance(error, Problem)
    defect = "" if own else " This is a bug in isolation-tests; -v shows the traceback."
    sys.stderr.write(f"{SPEAKER}{plain(sentence(error))}{defect}\n")


def workers(config: pytest.Config) -> int:
    """The number of xdist workers; 0 if the properties run in this process."""
    if not config.getoption("tx", None) or config.getoption("dist", "no") == "no":
        return 0
    from xdist.workermanage import parse_tx_spec_config

    return len(parse_tx_spec_config(config))


def limit_workers(config: pytest.Config, most: int) -> None:
    """Start no more xdist workers than the run's budget leaves room for."""
    if workers(config) > most:
        config.option.tx = [f"{most}*popen"] if most > 1 else ["popen"]


class ExitGuard:
    """Keeps a target from ending this process with an exit status that means HELD.

    `os._exit(0)` in an adapter or in one of its libraries would look like success. Forked child processes are
    not affected.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._real = os._exit
        self._process = os.getpid()
        os._exit = self._exit

    def lift(self) -> None:
        """Restore the process's own `os._exit`."""
        os._exit = self._real

    def _exit(self, status: int) -> NoReturn:
        if os.getpid() == self._process:
            text = f"{SPEAKER}the target ended the process with os._exit({status}), so nothing is proved."
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None:
                reporter.write_line(f"\n{text}", flush=True)
            else:
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
            status = int(ExitStatus.INCONCLUSIVE)
        self._real(status)


class Controller(PropertyItems):
    """The user's process: header, smoke test, results of all workers, evidence, summary and exit status."""

    def __init__(self, config: pytest.Config, name: str, campaign: Campaign, guard: ExitGuard) -> None:
        super().__init__(config, name)
        self.campaign = campaign
        self._guard = guard
        self._finished = False
        self._processes: list[subprocess.Popen[bytes]] = []
        self._unwritten: EvidenceError | None = None
        self._heard: Callable[[], CheckResult | None] = lambda: None

    def profile_is_whole(self) -> bool:
        """Whether the profile runs every cell."""
        return self.campaign.profile.whole

    def offered(self) -> Collection[str]:
        """What the target claims to offer."""
        return self.campaign.examiner.claimed

    def examiner(self) -> Examiner:
        """The target that the campaign opened."""
        return self.campaign.examiner

    def begin(self) -> int | None:
        """Run the smoke test; return an exit status if more checks would prove nothing."""
        terminal.print_header(self.campaign.header)
        for note in self.campaign.notes:
            terminal.console().print(f"note: {plain(note)}", markup=False)
        result = self.campaign.smoke()
        self._take(result)
        if self.campaign.examiner.loss is not None:
            return self._end([f"stopped at once: {HALTED}"])
        if result.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE):
            terminal.print_smoke_failure(result)
            return self._end(["stopped after the smoke test"])
        if workers(self.config):
            self.campaign.close()
        else:
            self._heard = call_witnesses(self.campaign.examiner)
        return None

    def _end(self, notes: list[str]) -> int:
        status = self.campaign.finish(notes)
        self._print_summary()
        return status

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Pass a worker the data that all workers share."""
        campaign = self.campaign
        node.workerinput[self.name] = {
            "target": campaign.settings.target,
            "options": campaign.settings.option_map(),
            "known": campaign.settings.known,
            "disposable": campaign.settings.disposable,
            "report": None if campaign.folder is None else str(campaign.folder),
            "profile": campaign.profile.name,
            "whole": campaign.profile.whole,
            "claimed": campaign.examiner.claimed,
            "run_id": campaign.key.run_id,
            "secret": campaign.key.secret.hex(),
            "seed": campaign.key.seed,
            "began": campaign.key.began,
            "probed": campaign.examiner.probed,
            "ledger": str(campaign.limits.path),
            "budget": campaign.limits.budget.model_dump(),
            "workers": campaign.workers,
            "smoke": [result.model_dump_json() for result in campaign.results],
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Remember the worker's process, to stop it in order."""
        # execnet hands out no process of its gateways; a remote one has none here.
        process = getattr(getattr(node.gateway, "_io", None), "popen", None)
        if process is not None:
            self._processes.append(process)

    def pytest_keyboard_interrupt(self) -> None:
        """Stop the workers at once: left to themselves, they go on for seconds and are killed then."""
        for process in self._processes:
            process.terminate()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what a worker's witnesses saw, and what it could not delete or close."""
        output = getattr(node, "workeroutput", {}).get(self.name, {})
        for result in output.get("results", ()):
            self._take(CheckResult.model_validate_json(result))
        self.campaign.leftovers.extend(output.get("leftovers", ()))
        self.campaign.notes.extend(output.get("notes", ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Move each result from its report into the evidence."""
        for name, value in list(report.user_properties):
            if name == RESULT:
                report.user_properties.remove((name, value))
                self._take(CheckResult.model_validate_json(str(value)))

    def attach(self, report: pytest.TestReport, result: CheckResult) -> None:
        """Move a result of this process into the evidence at once."""
        del report
        self._take(result)

    def _take(self, result: CheckResult) -> None:
        try:
            self.campaign.take(result)
        except EvidenceError as error:
            self._unwritten = error

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
        """Add the run's properties for `--junitxml`, and judge the run before pytest prints its summary."""
        if went_through(exitstatus):
            self._hear_witnesses()
        # An error here occurs again, and is reported, when the run is judged.
        with contextlib.suppress(Exception):
            self._tell_junit(exitstatus)
        yield
        self._finish(session, exitstatus)

    def _hear_witnesses(self) -> None:
        """Take what the witnesses of this process saw; those of workers have reported by now."""
        with unheard(self.config):
            seen = self._heard()
        if seen is not None:
            self._take(seen)

    def _tell_junit(self, exitstatus: int) -> None:
        plugins = self.config.pluginmanager.get_plugins()
        junit = next((one for one in plugins if hasattr(one, "add_global_property")), None)
        if junit is None:
            return
        ended = went_through(exitstatus)
        summary = self.campaign.summarised() if ended else None
        for name, value in suite_properties(self.campaign.header, summary):
            junit.add_global_property(name, value)

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge the whole run, and replace pytest's exit status."""
        self._finished = True
        try:
            session.exitstatus = self._judge(exitstatus)
        except Exception as error:  # noqa: BLE001 - pytest would leave with 1, which means violated here
            session.exitstatus = self._failed(error)

    def _failed(self, error: Exception) -> int:
        """Abandon the run, and tell what it saw: a leak is not lost with the disk that has no room for it."""
        self.campaign.abandon()
        explain(self.config, error)
        status = error.status if isinstance(error, Problem) else ExitStatus.INTERNAL
        return int(ExitStatus.VIOLATED if self.campaign.salvage() else status)

    def _judge(self, exitstatus: int) -> int:
        if self._unwritten is not None:
            raise self._unwritten
        if exitstatus in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            self.campaign.abandon()
            internal = exitstatus == pytest.ExitCode.INTERNAL_ERROR
            return int(ExitStatus.INTERNAL if internal else ExitStatus.USAGE)
        status = self.campaign.finish()
        if self.campaign.leftovers and status == ExitStatus.HELD:
            return int(ExitStatus.INCONCLUSIVE)
        if status == ExitStatus.HELD and exitstatus != pytest.ExitCode.OK:
            self.campaign.notes.append("other tests in this pytest run failed or could not be collected")
            return int(ExitStatus.INCONCLUSIVE)
        return status

    def pytest_terminal_summary(self) -> None:
        """Print the table, the findings and the verdict."""
        self._print_summary()

    def _print_summary(self) -> None:
        campaign = self.campaign
        if campaign.summary is not None:
            terminal.print_summary(campaign.summary, campaign.written(), campaign.notes)

    def pytest_unconfigure(self) -> None:
        """Leave the evidence without a footer if the run ends without a session."""
        self._guard.lift()
        if not self._finished:
            self.campaign.abandon()
