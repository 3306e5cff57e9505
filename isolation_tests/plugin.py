"""The pytest plugin: options, the certifying run around pytest's own, and the way home from xdist workers.

It sleeps in every other pytest run: nothing of the suite is imported until the properties are asked for.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from isolation_tests.campaign import Campaign
    from isolation_tests.checks import Certifier, Check
    from isolation_tests.laws import LawEntry
    from isolation_tests.model import CheckResult
    from isolation_tests.plans import Cell
    from isolation_tests.problems import Problem
    from isolation_tests.reporting.errors import EvidenceError
    from isolation_tests.settings import Settings

PACKAGE = Path(__file__).parent
NAME = "isolation-campaign"
RESULT = "isolation-result"
INCONCLUSIVE = 2
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


@pytest.hookimpl
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Begin a certifying run where the properties are among what pytest was asked to collect.

    After xdist's own, which counts the workers, and before pytest's, which begins the session.
    """
    if hasattr(config, "workerinput") or _only_tells(config) or not _asks_for_properties(config):
        return None
    from isolation_tests.problems import ExitStatus, Problem
    from isolation_tests.reporting.errors import EvidenceError

    guard = ExitGuard(config)
    try:
        return _begin(config, guard)
    except KeyboardInterrupt:
        guard.lift()
        sys.stderr.write("isolation-tests: stopped before anything was proved.\n")
        return int(ExitStatus.INCONCLUSIVE)
    except (Problem, EvidenceError) as error:
        guard.lift()
        _explain(config, error)
        return int(getattr(error, "status", ExitStatus.USAGE))
    except Exception as error:  # noqa: BLE001 - pytest would leave with 1, which means violated here
        guard.lift()
        _explain(config, error)
        return int(ExitStatus.INTERNAL)


def _begin(config: pytest.Config, guard: ExitGuard) -> int | None:
    if config.option.collectonly:
        config.pluginmanager.register(Listing(config, whole=_profile_is_whole(config)), NAME)
        guard.lift()
        return None
    from isolation_tests.campaign import Campaign

    campaign = Campaign(_settings(config), selection=_selection(config), workers=max(_workers(config), 1))
    controller = Controller(config, campaign, guard)
    try:
        status = controller.begin()
    except BaseException:
        campaign.abandon()
        raise
    if status is None:
        config.pluginmanager.register(controller, NAME)
    else:
        guard.lift()
    return status


def _only_tells(config: pytest.Config) -> bool:
    """Whether pytest was asked for something about itself, so that no test would run."""
    asked = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
    return any(getattr(config.option, name, None) for name in asked)


def _explain(config: pytest.Config, error: Exception) -> None:
    """One sentence on stderr; the traceback for whoever asked for it."""
    from isolation_tests.problems import Problem, sentence
    from isolation_tests.reporting.errors import EvidenceError

    if config.option.verbose > 0:
        traceback.print_exception(error)
    own = isinstance(error, Problem | EvidenceError)
    defect = "" if own else " This is a defect of isolation-tests itself; -v shows where."
    sys.stderr.write(f"isolation-tests: {sentence(error)}{defect}\n")


def _asks_for_properties(config: pytest.Config) -> bool:
    return any(_is_asked_for(config, argument.partition("::")[0]) for argument in config.args)


def _is_asked_for(config: pytest.Config, place: str) -> bool:
    if config.option.pyargs and place.split(".", maxsplit=1)[0] == PACKAGE.name:
        return True
    path = (config.invocation_params.dir / place).resolve()
    clone = PACKAGE.parent
    in_clone = config.rootpath == clone and path in (clone, *clone.parents)
    return in_clone or path == PACKAGE or PACKAGE in path.parents


def _settings(config: pytest.Config) -> Settings:
    from isolation_tests.settings import Settings, gather

    given = {name: config.getoption(f"isolation_{name}") for name in OPTIONS}
    return gather(
        Settings(**given, options=tuple(config.getoption("isolation_option"))),
        folder=config.invocation_params.dir,
    )


def _profile_is_whole(config: pytest.Config) -> bool:
    from isolation_tests.profiles import profile

    return profile(_settings(config).profile or "ci").whole


def _workers(config: pytest.Config) -> int:
    """How many xdist workers there will be; 0 where the properties run in this process."""
    if not config.getoption("tx", None) or config.getoption("dist", "no") == "no":
        return 0
    from xdist.workermanage import parse_tx_spec_config

    return len(parse_tx_spec_config(config))


def _selection(config: pytest.Config) -> tuple[str, ...]:
    """How the user narrowed the run, in pytest's own words."""
    option = config.option
    narrowed = []
    if option.keyword:
        narrowed.append(f"-k {option.keyword}")
    if option.markexpr:
        narrowed.append(f"-m {option.markexpr}")
    if option.maxfail:
        narrowed.append(f"--maxfail={option.maxfail}")
    narrowed += [f"--{name}" for name in ("lf", "stepwise") if getattr(option, name, False)]
    narrowed += [f"--deselect {place}" for place in option.deselect or ()]
    narrowed += [f"--ignore {place}" for place in (*(option.ignore or ()), *(option.ignore_glob or ()))]
    narrowed += [place for place in config.args if _is_part(config, place)]
    return tuple(narrowed)


def _is_part(config: pytest.Config, argument: str) -> bool:
    """Whether an argument names less than all properties."""
    if not _is_asked_for(config, argument.split("::", maxsplit=1)[0]):
        return False
    module = argument.split(".") if config.option.pyargs else []
    beyond = len(module) > 1 and module[0] == PACKAGE.name and module[1:] != ["properties"]
    return "::" in argument or argument.endswith(".py") or beyond


class ExitGuard:
    """Keeps a target from ending this process with a status that means held.

    `os._exit(0)` in an adapter, or in a library below it, would look like success to whoever reads the
    exit status only. Children that were forked end as they like.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._real = os._exit
        self._process = os.getpid()
        os._exit = self._exit

    def lift(self) -> None:
        """Give the process its exit back."""
        os._exit = self._real

    def _exit(self, status: int) -> NoReturn:
        if os.getpid() == self._process:
            text = (
                f"isolation-tests: the target ended the process (os._exit({status})), so nothing is proved."
            )
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None:
                reporter.write_line(f"\n{text}", flush=True)
            else:
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
            status = INCONCLUSIVE
        self._real(status)


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
        asked = _question(item)
        return asked is None or self.profile_is_whole() or asked[1].quick

    def profile_is_whole(self) -> bool:
        """Whether every cell is asked."""
        raise NotImplementedError

    def check(self, item: pytest.Item) -> Check:
        """The handle for one collected property."""
        asked = _question(item)
        if asked is None:
            raise pytest.UsageError("the fixture `check` belongs to the isolation suite's own properties")
        handle = self.certifier().check(*asked)
        item.stash[_CHECK] = handle
        return handle

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result to the report and say in one sentence how it failed."""
        report = yield
        error = None if call.excinfo is None else call.excinfo.value
        handle = item.stash.get(_CHECK, None)
        result = handle.result if handle is not None and call.when == "call" else None
        if result is None and error is not None:
            result = _result_of_failure(item, error)
        if result is not None:
            report.user_properties.append((RESULT, result.model_dump_json()))
        if result is not None and error is not None and not _is_skip(error):
            report.outcome = "failed"
            _reword(report, result)
        return report


def _question(item: pytest.Item) -> tuple[LawEntry, Cell] | None:
    """The law and the cell that a collected property asks; None for anybody else's test."""
    marker = item.get_closest_marker("isolation_law")
    cell = getattr(getattr(item, "callspec", None), "params", {}).get("cell")
    if marker is None or cell is None:
        return None
    from isolation_tests.laws import LAWS

    return LAWS[marker.args[0]], cell


def _result_of_failure(item: pytest.Item, error: BaseException) -> CheckResult | None:
    """What to report of a property that could not ask its question: never a gap."""
    asked = _question(item)
    if asked is None:
        return None
    from isolation_tests.model import CheckResult, Verdict
    from isolation_tests.problems import sentence

    entry, cell = asked
    return CheckResult(
        check=entry.check_id(cell),
        title=entry.title,
        anomalies=entry.covers(cell),
        level=entry.level,
        verdict=Verdict.INCONCLUSIVE if _is_skip(error) else Verdict.ERROR,
        reason=sentence(error),
    )


def _is_skip(error: BaseException) -> bool:
    return isinstance(error, pytest.skip.Exception | pytest.xfail.Exception)


class Listing(Asking):
    """`--collect-only`: shows what the profile would ask, and asks nothing."""

    def __init__(self, config: pytest.Config, *, whole: bool) -> None:
        super().__init__(config)
        self._whole = whole

    def profile_is_whole(self) -> bool:
        """Whether every cell is asked."""
        return self._whole


_CHECK: pytest.StashKey[Any] = pytest.StashKey()


def _reword(report: pytest.TestReport, result: CheckResult) -> None:
    from isolation_tests.model import Verdict

    if result.verdict is Verdict.NOT_SUPPORTED:
        report.outcome = "skipped"
        report.longrepr = (report.location[0], report.location[1] or 0, f"Skipped: {result.reason}")
    elif result.cases and all(case.known is not None for case in result.cases):
        report.outcome = "skipped"
        report.wasxfail = f"known finding: {result.cases[0].known}"
    else:
        keys = ", ".join(case.finding.key for case in result.cases)
        report.longrepr = (
            f"{result.verdict}{f' {keys}' if keys else ''}: {result.reason}\nlaw: {result.title}"
        )


class Worker(Asking):
    """An xdist worker: opens the target by itself, with the run's id, secret and seed."""

    def __init__(self, config: pytest.Config, payload: dict[str, Any]) -> None:
        super().__init__(config)
        self._payload = payload
        self._certifier: Certifier | None = None
        self._failed: Problem | None = None

    def profile_is_whole(self) -> bool:
        """Whether every cell is asked."""
        return bool(self._payload["whole"])

    def certifier(self) -> Certifier:
        """The open target of this worker, opened when the first check needs it; tried once."""
        from isolation_tests.problems import Problem

        if self._failed is not None:
            raise self._failed
        if self._certifier is None:
            try:
                self._certifier = _worker_certifier(self._payload, self.config)
            except Problem as error:
                self._failed = error
                raise
        return self._certifier

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Close the target and tell the first process what could not be deleted or closed."""
        if self._certifier is None:
            return
        told: dict[str, list[str]] = {"leftovers": self._certifier.leftovers, "notes": []}
        try:
            self._certifier.close()
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is told, never a crash
            told["notes"] = [f"closing the target failed: {type(error).__name__}: {error}"]
        session.config.workeroutput[NAME] = told  # type: ignore[attr-defined]  # xdist's


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

    def __init__(self, config: pytest.Config, campaign: Campaign, guard: ExitGuard) -> None:
        super().__init__(config)
        self.campaign = campaign
        self._guard = guard
        self._finished = False
        self._unwritten: EvidenceError | None = None

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
        if _workers(self.config):
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
        """Collect what a worker could not delete or close."""
        told = getattr(node, "workeroutput", {}).get(NAME, {})
        self.campaign.leftovers.extend(told.get("leftovers", ()))
        self.campaign.notes.extend(told.get("notes", ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take each result out of its report and into the evidence."""
        from isolation_tests.model import CheckResult
        from isolation_tests.reporting.errors import EvidenceError

        for name, value in list(report.user_properties):
            if name == RESULT:
                report.user_properties.remove((name, value))
                try:
                    self.campaign.take(CheckResult.model_validate_json(str(value)))
                except EvidenceError as error:
                    self._unwritten = error

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge the whole run; pytest's own status gives way to the designed one."""
        from isolation_tests.problems import ExitStatus, Problem
        from isolation_tests.reporting.errors import EvidenceError

        self._finished = True
        try:
            session.exitstatus = self._judge(exitstatus)
        except (Problem, EvidenceError) as error:
            self.campaign.abandon()
            _explain(self.config, error)
            session.exitstatus = int(getattr(error, "status", ExitStatus.USAGE))
        except Exception as error:  # noqa: BLE001 - pytest would leave with 1, which means violated here
            self.campaign.abandon()
            _explain(self.config, error)
            session.exitstatus = int(ExitStatus.INTERNAL)

    def _judge(self, exitstatus: int) -> int:
        from isolation_tests.problems import ExitStatus

        if self._unwritten is not None:
            raise self._unwritten
        if exitstatus in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            self.campaign.abandon()
            internal = exitstatus == pytest.ExitCode.INTERNAL_ERROR
            return int(ExitStatus.INTERNAL if internal else ExitStatus.USAGE)
        status = self.campaign.finish()
        if status == ExitStatus.HELD and exitstatus != pytest.ExitCode.OK:
            self.campaign.notes.append("other tests of this pytest run failed or could not be collected")
            return int(ExitStatus.INCONCLUSIVE)
        return status

    def pytest_terminal_summary(self) -> None:
        """Print the table, the findings and the verdict."""
        from isolation_tests import terminal

        terminal.print_summary(self.campaign)

    def pytest_unconfigure(self) -> None:
        """A run that ends without a session leaves evidence without a footer."""
        self._guard.lift()
        if not self._finished:
            self.campaign.abandon()
