"""A bare `pytest` certifies the target that pyproject.toml names; `pytest meta_tests` tests the suite itself.

`ISOLATION_*` variables and `[tool.isolation_tests]` steer the first. They must not steer the second.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

TESTS = Path(__file__).parent / "meta_tests"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test of the suite, with its fixtures, in an empty folder and without the variables."""
    if TESTS not in item.path.parents:
        return (yield)
    with TemporaryDirectory() as empty, pytest.MonkeyPatch.context() as unsteered:
        for name in [name for name in os.environ if name.startswith("ISOLATION_")]:
            unsteered.delenv(name)
        unsteered.chdir(empty)
        return (yield)
