"""The known findings that come with the suite: each public one has a replay file that shows it."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from pathlib import Path

import pytest

from isolation_tests.engine.replay import replayed
from isolation_tests.reporting.evidence.replay_file import read_replay
from isolation_tests.targets.known import Known
from isolation_tests.targets.resolve import Target, resolve
from isolation_tests.targets.settings import Settings
from isolation_tests.targets.shipped import shipped

ENTRIES = [(name, entry) for name in shipped() for entry in resolve(name).config.known]


def entries(chosen: Callable[[Known], object]) -> pytest.MarkDecorator:
    """Asks the entries that this is true of, each under its target and its finding."""
    return pytest.mark.parametrize(
        ("target", "entry"),
        [pytest.param(name, entry, id=f"{name}-{entry.finding}") for name, entry in ENTRIES if chosen(entry)],
    )


def replay_file(target: str, entry: Known) -> Path:
    assert entry.replay is not None
    return shipped()[target].parent / entry.replay


@entries(lambda entry: entry.replay is None)
def test_what_is_withheld_is_not_public(target: str, entry: Known) -> None:
    assert entry.affected is not None
    assert entry.reference is None, "what is public is shown: see SECURITY.md"


@entries(lambda entry: entry.replay is not None)
def test_an_entry_has_a_replay_file_of_its_own_finding(target: str, entry: Known) -> None:
    assert entry.affected is not None
    assert fnmatch.fnmatchcase(read_replay(replay_file(target, entry)).finding.key, entry.finding)


def installed(target: Target) -> bool:
    return "not installed" not in target.versions().values()


@pytest.mark.replay
@entries(lambda entry: entry.replay is not None and not entry.intermittent)
def test_the_replay_shows_it_on_the_installed_release(target: str, entry: Known) -> None:
    if not installed(resolve(target)) or resolve(target).config.lacking():
        pytest.skip(f"{target} is not installed here")
    if not entry.applies():
        pytest.skip(f"the installed release is not one of {entry.affected}")
    answer = replayed(replay_file(target, entry), Settings(target=target), times=3)
    assert answer.text.startswith("reproduced: ")
    assert answer.status == 1
