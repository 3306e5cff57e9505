"""What steers a certifying run in a clone, and that it steers no test of the suite."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from isolation_tests.core.errors import ExitStatus
from isolation_tests.targets.settings import PREFIX, TABLE, Settings, gather

ROOT = Path(__file__).parents[1]


def in_the_clone(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call pytest at the root of the clone, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def test_nothing_around_it_steers_a_test() -> None:
    assert gather(Settings(), folder=Path.cwd()) == Settings()
    assert not [name for name in os.environ if name.startswith(PREFIX)]


@pytest.mark.process
def test_a_variable_steers_no_test() -> None:
    this = f"{Path(__file__).relative_to(ROOT)}::{test_nothing_around_it_steers_a_test.__name__}"
    ran = in_the_clone(this, ISOLATION_TARGET="refrence", ISOLATION_PROFILE="quick")

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.process
def test_a_bare_pytest_certifies_what_the_variable_names() -> None:
    ran = in_the_clone(ISOLATION_TARGET="refrence")

    assert ran.returncode == int(ExitStatus.USAGE)
    assert "did you mean 'reference'?" in ran.stderr


@pytest.mark.process
def test_a_bare_pytest_certifies_the_target_of_pyproject() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][TABLE]["target"]
    ran = in_the_clone("-k", "no_such_property", "--isolation-report=none")

    assert ran.returncode == int(ExitStatus.INCONCLUSIVE), ran.stdout + ran.stderr
    assert f"\ntarget: {named} (" in ran.stdout
