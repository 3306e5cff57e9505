"""A run of all the tests fails on a skip that nothing announces, and on one that is announced in vain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from meta_tests.skips import FOLDER, Skip, SkipCheck, is_there, listed

NOWHERE = "surely-not-installed-xyz"
ENTRY = Skip(tests=("adapters/test_x.py*", "test_y.py::test_a[*]"), reason="x is missing", without=(NOWHERE,))


def report(test: str, skip: str = "") -> Any:
    """What pytest says of a test that passed, or that was skipped with this reason."""
    why = ("file.py", 1, f"Skipped: {skip}") if skip else None
    return SimpleNamespace(nodeid=f"meta_tests/{test}", skipped=bool(skip), when="call", longrepr=why)


def checked(*reports: Any, whole: bool = False) -> SkipCheck:
    check = SkipCheck((ENTRY,), whole=whole)
    for each in reports:
        check.pytest_runtest_logreport(each)
    return check


def test_a_skip_that_is_due_is_told_as_unavailable() -> None:
    check = checked(report("test_y.py::test_a[1]", "x is missing"), report("test_z.py::test_z"))
    check.pytest_collectreport(report("adapters/test_x.py", "x is missing"))

    assert check.differences() == []
    assert check.unavailable() == [f"unavailable: {NOWHERE}: 2 skipped"]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (report("test_z.py::test_z", "x is missing"), "skipped without being listed"),
        (report("test_y.py::test_b[1]", "x is missing"), "skipped without being listed"),
        (report("test_y.py::test_a[1]", "no time today"), "skipped without being listed"),
        (report("test_y.py::test_a[1]"), "and not skipped"),
        (report("adapters/test_x.py::test_any"), "and not skipped"),
    ],
)
def test_what_differs_from_the_list_fails_a_green_run(told: Any, wrong: str) -> None:
    check, session = checked(told), SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    check.pytest_sessionfinish(session, session.exitstatus)  # type: ignore[arg-type]

    assert session.exitstatus == pytest.ExitCode.TESTS_FAILED
    [line] = check.differences()
    assert wrong in line


def test_an_entry_that_fits_nothing_is_told_where_everything_was_collected() -> None:
    skipped = report("test_y.py::test_a[1]", "x is missing")

    assert checked(skipped).differences() == []
    [line] = checked(skipped, whole=True).differences()
    assert line.endswith("fits no test: adapters/test_x.py*")


def test_where_one_of_the_things_is_installed_nothing_is_due() -> None:
    assert ENTRY.due
    assert not ENTRY.model_copy(update={"without": (NOWHERE, "pytest>=8")}).due
    assert is_there("pytest")
    assert not is_there("pytest<1", NOWHERE)


@pytest.mark.parametrize("pattern", [pattern for entry in listed() for pattern in entry.tests])
def test_what_is_listed_names_a_file_of_tests(pattern: str) -> None:
    assert (FOLDER / pattern.partition("::")[0].rstrip("*")).is_file()
