"""What `--whole` runs besides, two users whom no other test knows, and how Hypothesis searches."""

from __future__ import annotations

import os
import shutil
import tempfile
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from meta_tests.skips import FOLDER, SkipCheck, listed

# A busy machine is no failure; and each run draws anew, unless a seed is given as in .ci/run.
settings.register_profile(
    "unhurried", deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

WHOLE = ("long", "matrix", "process", "replay", "system")
"""The marks of what runs with `--whole` only; pyproject.toml says what each of them means."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help=f"run also what is marked {', '.join(WHOLE)}")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the journals of a process apart from all others, and watch over what is skipped."""
    state = tempfile.mkdtemp(prefix="isolation-tests-state-")
    os.environ["XDG_STATE_HOME"] = state
    config.add_cleanup(lambda: shutil.rmtree(state, ignore_errors=True))
    if config.getoption("whole") and not hasattr(config, "workerinput"):
        narrowed = config.option.keyword or config.option.markexpr or config.option.deselect
        everything = [(config.invocation_params.dir / place).resolve() for place in config.args] == [FOLDER]
        due = [entry for entry in listed() if entry.due]
        config.pluginmanager.register(SkipCheck(due, whole=everything and not narrowed))


def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors: these tests wait for servers and processes a third of the time."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_report_header(config: pytest.Config) -> str:
    left_out = "" if config.getoption("whole") else f"; --whole runs what is marked {', '.join(WHOLE)}, too"
    return f"isolation-tests: tests of the suite{left_out}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless all is asked for."""
    if config.getoption("whole"):
        return
    left_out = [item for item in items if any(map(item.get_closest_marker, WHOLE))]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"
