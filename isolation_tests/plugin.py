"""The pytest plugin: options, the certifying run around pytest's own, and the way home from xdist workers.

It sleeps in every other pytest run: nothing of the suite is imported until the properties are asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from isolation_tests.campaign import Campaign
    from isolation_tests.checks import Certifier, Check

PACKAGE = Path(__file__).parent
NAME = "isolation-campaign"
RESULT = "isolation-result"
OPTIONS = {
    "target": "what to certify: a short name, a .toml file, module:factory or file.py:factory",
    "profile": "how much to ask: quick, ci (default) or hunt",
    "report": "folder for evidence and report (default reports/local; none writes nothing)",
    "known": "TOML file of known findings instead of the target's, or none",
    "seed": "whole number that repeats a run's names and facts",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a certifying run."""
    group = parser.getgroup("isolation", "isolation tests of agent memory")
    for name, meaning in OPTIONS.items():
        group.addoption(f"--isolation-{name}", metavar=name.upper(), default=None, help=meaning)
    group.addoption(
        "--isolation-option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="an option for the target's factory; may be given several times",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and in an xdist worker the worker's half of the run."""
    config.addinivalue_line("markers", "isolation_law(name): a property of the isolation suite")
    payload = getattr(config, "workerinput", {}).get(NAME)
    if payload is not None:
        config.pluginmanager.register(Worker(config, payload), NAME)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Begin a certifying run where the properties are among what pytest was asked to collect."""
    if hasattr(config, "workerinput") or config.option.collectonly or not _asks_for_properties(config):
        return None
    from isolation_tests.problems import ExitStatus, Problem
    from isolation_tests.reporting.errors import EvidenceError

    try:
        controller = Controller(config, _campaign(config))
    except (Problem, EvidenceError) as error:
        sys.stderr.write(f"isolation-tests: {error}\n")
        if config.option.verbose > 0:
            raise
        return int(getattr(error, "status", ExitStatus.USAGE))
    config.pluginmanager.register(controller, NAME)
    return controller.begin()


def _asks_for_properties(config: pytest.Config) -> bool:
    for argument in config.args:
        place = argument.split("::")[0]
        if config.option.pyargs and place.split(".")[0] == PACKAGE.name:
            return True
        path = (config.invocation_params.dir / place).resolve()
        if path == PACKAGE or PACKAGE in path.parents:
            return True
    return False


def _campaign(config: pytest.Config) -> Campaign:
    from isolation_tests.campaign import Campaign
    from isolation_tests.settings import Settings, gather

    given = {name: config.getoption(f"isolation_{name}") for name in OPTIONS}
    settings = gather(
        Settings(**given, options=tuple(config.getoption("isolation_option"))),
        folder=config.invocation_params.dir,
    )
    return Campaign(settings, selection=_selection(config), workers=_workers(config))


def _workers(config: pytest.Config) -> int:
    return len(config.getoption("tx", None) or []) or 1


def _selection(config: pytest.Config) -> tuple[str, ...]:
    """How the user narrowed the run, in pytest's own words."""
    option = config.option
    narrowed = []
    if option.keyword:
        narrowed.append(f"-k {option.keyword}")
    if option.markexpr:
        narrowed.append(f"-m {option.markexpr}")
    if getattr(option, "lf", False):
        narrowed.append("--lf")
    if option.maxfail:
        narrowed.append(f"--maxfail={option.maxfail}")
    narrowed += [f"--deselect {place}" for place in option.deselect or ()]
    narrowed += [argument for argument in config.args if "::" in argument or argument.endswith(".py")]
    return tuple(narrowed)


class Asking:
    """What the process that runs the properties does: hand out checks, read their results."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def certifier(self) -> Certifier:
        """The open target of this process."""
        raise NotImplementedError

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the cells that the profile does not ask; they are not expected either."""
        items[:] = [item for item in items if self._is_asked(item)]

    def _is_asked(self, item: pytest.Item) -> bool:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        cell = parameters.get("cell")
        if item.get_closest_marker("isolation_law") is None or cell is None:
            return True
        return bool(self.profile_is_whole() or cell.quick)

    def profile_is_whole(self) -> bool:
        """Whether every cell is asked."""
        raise NotImplementedError

    def check(self, item: pytest.Item) -> Check:
        """The handle for one collected property."""
        from isolation_tests.laws import LAWS

        marker = item.get_closest_marker("isolation_law")
        if marker is None:
            raise pytest.UsageError("the fixture `check` belongs to the isolation suite's own properties")
        handle = self.certifier().check(LAWS[marker.args[0]], item.callspec.params["cell"])  # type: ignore[attr-defined]  # a parametrised Function has it
        item.stash[_CHECK] = handle
        return handle

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result to the report and say in one sentence how it failed."""
        report = yield
        handle = item.stash.get(_CHECK, None)
        if call.when != "call" or handle is None or handle.result is None:
            return report
        result = handle.result
        report.user_properties.append((RESULT, result.model_dump_json()))
        if call.excinfo is not None:
            _reword(report, result, call.excinfo.value)
        return report


_CHECK: pytest.StashKey[Any] = pytest.StashKey()


def _reword(report: pytest.TestReport, result: Any, error: BaseException) -> None:
    from isolation_tests.model import Verdict
    from isolation_tests.violations import CheckFailed

    if not isinstance(error, CheckFailed):
        return
    if result.verdict is Verdict.NOT_SUPPORTED:
        report.outcome = "skipped"
        report.longrepr = (report.location[0], report.location[1] or 0, f"Skipped: {result.reason}")
    elif result.cases and all(case.known is not None for case in result.cases):
        report.outcome = "skipped"
        report.wasxfail = f"known finding: {result.cases[0].known}"
    else:
        keys = ", ".join(case.finding.key for case in result.cases)
        report.longrepr = f"{result.verdict}{f' {keys}' if keys else ''}: {result.reason}\nlaw: {result.title}"


class Worker(Asking):
    """An xdist worker: opens the target by itself, with the run's id, secret and seed."""

    def __init__(self, config: pytest.Config, payload: dict[str, Any]) -> None:
        super().__init__(config)
        self._payload = payload
        self._certifier: Certifier | None = None

    def profile_is_whole(self) -> bool:
        """Whether every cell is asked."""
        return bool(self._payload["whole"])

    def certifier(self) -> Certifier:
        """The open target of this worker, opened when the first check needs it."""
        if self._certifier is None:
            self._certifier = _worker_certifier(self._payload, self.config)
        return self._certifier

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Close the target and tell the first process what could not be deleted."""
        if self._certifier is not None:
            session.config.workeroutput[NAME] = self._certifier.leftovers  # type: ignore[attr-defined]  # xdist's
            self._certifier.close()


def _worker_certifier(payload: dict[str, Any], config: pytest.Config) -> Certifier:
    from isolation_tests.checks import Certifier, RunKey
    from isolation_tests.profiles import profile
    from isolation_tests.targets import resolve

    target = resolve(payload["target"], options=payload["options"], known=payload["known"])
    key = RunKey(payload["run_id"], bytes.fromhex(payload["secret"]), payload["seed"], payload["began"])
    name: str = config.workerinput["workerid"]  # type: ignore[attr-defined]  # xdist's
    number = int("".join(filter(str.isdigit, name)) or 0) + 1
    return Certifier(target, profile(payload["profile"]), key, worker=number, probed=payload["probed"])


class Controller(Asking):
    """The process the user started: header, smoke, results of all workers, evidence, summary, exit status."""

    def __init__(self, config: pytest.Config, campaign: Campaign) -> None:
        super().__init__(config)
        self.campaign = campaign
        self._finished = False

    def profile_is_whole(self) -> bool:
        """Whether every cell is asked."""
        return self.campaign.profile.whole

    def certifier(self) -> Certifier:
        """The target that the campaign opened."""
        return self.campaign.certifier

    def begin(self) -> int | None:
        """Run the smoke; return an exit status where asking more would prove nothing."""
        from isolation_tests import terminal
        from isolation_tests.model import Verdict

        terminal.print_header(self.campaign.header)
        result = self.campaign.smoke()
        if result.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE):
            terminal.print_smoke_failure(result)
            status = self.campaign.finish(["stopped after the smoke test"])
            terminal.print_summary(self.campaign)
            return status
        if _workers(self.config) > 1 or self.config.getoption("tx", None):
            self.campaign.close()
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand a worker what all workers share."""
        campaign = self.campaign
        node.workerinput[NAME] = {
            "target": campaign.settings.target,
            "options": campaign.settings.option_map(),
            "known": campaign.settings.known,
            "profile": campaign.profile.name,
            "whole": campaign.profile.whole,
            "run_id": campaign.key.run_id,
            "secret": campaign.key.secret.hex(),
            "seed": campaign.key.seed,
            "began": campaign.key.began,
            "probed": campaign.certifier.probed,
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what a worker could not delete."""
        self.campaign.leftovers.extend(getattr(node, "workeroutput", {}).get(NAME, []))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take each result out of its report and into the evidence."""
        from isolation_tests.model import CheckResult

        for name, value in list(report.user_properties):
            if name == RESULT:
                report.user_properties.remove((name, value))
                self.campaign.take(CheckResult.model_validate_json(str(value)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge the whole run; pytest's own status gives way to the designed one."""
        from isolation_tests.problems import ExitStatus

        self._finished = True
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            self.campaign.abandon()
            session.exitstatus = int(ExitStatus.INTERNAL)
        elif exitstatus == pytest.ExitCode.USAGE_ERROR:
            self.campaign.abandon()
            session.exitstatus = int(ExitStatus.USAGE)
        else:
            session.exitstatus = self.campaign.finish()

    def pytest_terminal_summary(self) -> None:
        """Print the table, the findings and the verdict."""
        from isolation_tests import terminal

        terminal.print_summary(self.campaign)

    def pytest_unconfigure(self) -> None:
        """A run that ends without a session leaves evidence without a footer."""
        if not self._finished:
            self.campaign.close()
            self.campaign.abandon()
