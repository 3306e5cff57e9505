"""The pytest plugin: its options, and the start of a run.

It stays inactive in all other pytest runs: it imports nothing of the suite until the properties are selected,
or a test asks for one of its fixtures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from isolation_tests.plugin.controller import ExitGuard
    from isolation_tests.plugin.own_tests import Isolation, Opened, Replay
    from isolation_tests.targets.settings import Settings

PACKAGE = Path(__file__).parent.parent
NAME = "isolation-campaign"
OPTIONS = {
    "target": "what to test: a short name, a .toml file, module:factory or file.py:factory",
    "profile": "how much to test: quick, ci (default) or hunt",
    "report": "folder for evidence and report (default reports/local); none writes no files",
    "known": "TOML file of known findings in place of the target's own; none ignores both",
    "fail_on": "hazard: a hazard that the target does not declare fails the run",
    "seed": "whole number that repeats the people, facts and sequences of a run",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("isolation", "isolation tests for agent memory")
    for name, meaning in OPTIONS.items():
        flag = f"--isolation-{name.replace('_', '-')}"
        group.addoption(flag, metavar=name.upper(), default=None, help=meaning)
    group.addoption(
        "--isolation-option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="an option for the target's factory; repeatable",
    )
    group.addoption(
        "--isolation-budget",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a limit of the run: requests, requests_per_second, concurrency, seconds or bytes; repeatable",
    )
    group.addoption(
        "--isolation-disposable",
        action="store_true",
        default=False,
        help="a run may destroy the target's whole store: users with hostile names write and delete too",
    )
    group.addoption(
        "--isolation-export",
        metavar="FILE",
        action="append",
        default=[],
        help="also write the run to this file; its ending selects the format (.md, .sarif, ...); repeatable",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, in an xdist worker, the worker's part of the run."""
    config.addinivalue_line("markers", "isolation_law(name): a property of the isolation suite")
    payload = getattr(config, "workerinput", {}).get(NAME)
    if payload is not None:
        from isolation_tests.plugin.worker import Worker

        config.pluginmanager.register(Worker(config, NAME, payload), NAME)


@pytest.hookimpl
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Start a run if the properties are among the tests that pytest has to collect.

    This runs after xdist's hook, which counts the workers, and before pytest's, which starts the session.
    """
    if hasattr(config, "workerinput") or _only_informs(config) or not _selects_properties(config):
        return None
    from isolation_tests.core.errors import SPEAKER, ExitStatus, Problem
    from isolation_tests.plugin.controller import ExitGuard, explain

    guard = ExitGuard(config)
    try:
        return _begin(config, guard)
    except KeyboardInterrupt:
        guard.lift()
        sys.stderr.write(f"{SPEAKER}stopped before any check ran.\n")
        return int(ExitStatus.INCONCLUSIVE)
    except Problem as error:
        guard.lift()
        explain(config, error)
        return int(error.status)
    except Exception as error:  # noqa: BLE001 - pytest would leave with 1, which means violated here
        guard.lift()
        explain(config, error)
        return int(ExitStatus.INTERNAL)


def _begin(config: pytest.Config, guard: ExitGuard) -> int | None:
    if config.option.collectonly:
        from isolation_tests.plugin.items import Listing

        config.pluginmanager.register(Listing(config, NAME, whole=_profile_is_whole(config)), NAME)
        guard.lift()
        return None
    from isolation_tests.engine.campaign import Campaign
    from isolation_tests.plugin.controller import Controller, limit_workers, workers
    from isolation_tests.plugin.items import stop_in_order

    stop_in_order()
    campaign = Campaign(
        settings_of(config),
        selection=_selection(config),
        workers=max(workers(config), 1),
        exports=config.getoption("isolation_export"),
    )
    limit_workers(config, campaign.workers)
    controller = Controller(config, NAME, campaign, guard)
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


def _only_informs(config: pytest.Config) -> bool:
    """Whether pytest only prints information about itself and runs no test."""
    options = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
    return any(getattr(config.option, name, None) for name in options)


def _selects_properties(config: pytest.Config) -> bool:
    return any(_is_selected(config, argument.partition("::")[0]) for argument in config.args)


def _is_selected(config: pytest.Config, place: str) -> bool:
    if config.option.pyargs and place.split(".", maxsplit=1)[0] == PACKAGE.name:
        return True
    path = (config.invocation_params.dir / place).resolve()
    clone = PACKAGE.parent
    in_clone = config.rootpath == clone and path in (clone, *clone.parents)
    return in_clone or path == PACKAGE or PACKAGE in path.parents


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a pytest run: its options, the environment and the nearest pyproject.toml."""
    from isolation_tests.targets.settings import Settings, gather

    given = {name: config.getoption(f"isolation_{name}") for name in OPTIONS}
    return gather(
        Settings(
            **given,
            options=tuple(config.getoption("isolation_option")),
            budget=tuple(config.getoption("isolation_budget")),
            disposable=config.getoption("isolation_disposable"),
        ),
        folder=config.invocation_params.dir,
    )


def _profile_is_whole(config: pytest.Config) -> bool:
    from isolation_tests.engine.profiles import profile

    return profile(settings_of(config).profile or "ci").whole


def _selection(config: pytest.Config) -> tuple[str, ...]:
    """The pytest options with which the user narrowed the run."""
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
    """Whether an argument selects only some of the properties."""
    if not _is_selected(config, argument.split("::", maxsplit=1)[0]):
        return False
    module = argument.split(".") if config.option.pyargs else []
    beyond = len(module) > 1 and module[0] == PACKAGE.name and module[1:] != ["properties"]
    return "::" in argument or argument.endswith(".py") or beyond


@pytest.fixture
def isolation_memory() -> Any:
    """The memory system under test; override this fixture in your conftest.py.

    Return your adapter, a function that opens it, or a target's name. Without that, the target is the one of
    --isolation-target, ISOLATION_TARGET or [tool.isolation_tests] in pyproject.toml.
    """
    return None


@pytest.fixture
def isolation_relation() -> str:
    """How the names of alice and bob are related; override or parametrize this fixture to choose."""
    return "prefix-dash"


@pytest.fixture(scope="session")
def _isolation_opened(pytestconfig: pytest.Config) -> Iterator[Opened]:
    from isolation_tests.plugin.own_tests import Opened

    opened = Opened(pytestconfig)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def isolation(
    _isolation_opened: Opened, isolation_memory: Any, isolation_relation: str
) -> Iterator[Isolation]:
    """Two users, alice and bob, with facts in your memory; isolation.assert_apart() judges what they see."""
    from isolation_tests.plugin.own_tests import isolated

    with isolated(_isolation_opened, isolation_memory, isolation_relation) as users:
        yield users


@pytest.fixture
def isolation_replay(_isolation_opened: Opened, request: pytest.FixtureRequest) -> Replay:
    """Performs a finding's plan again, in a test that `isolation-tests replay FILE --as-test` wrote."""
    from isolation_tests.plugin.own_tests import MEMORY, Replay

    return Replay(_isolation_opened, lambda: request.getfixturevalue(MEMORY))
