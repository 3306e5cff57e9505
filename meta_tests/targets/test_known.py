"""The known findings that come with the suite: each public one has a replay file that shows it."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from isolation_tests.engine.replay import replayed
from isolation_tests.reporting.evidence.replay_file import read_replay
from isolation_tests.targets.known import Known
from isolation_tests.targets.resolve import Target, resolve, shipped
from isolation_tests.targets.settings import Settings

ENTRIES = [
    pytest.param(name, entry, id=f"{name}-{entry.finding}")
    for name in shipped()
    for entry in resolve(name).config.known
]


def replay_file(target: str, entry: Known) -> Path:
    assert entry.replay is not None
    return shipped()[target].parent / entry.replay


@pytest.mark.parametrize(("target", "entry"), ENTRIES)
def test_an_entry_has_a_replay_file_of_its_own_finding(target: str, entry: Known) -> None:
    assert entry.affected is not None
    if entry.replay is None:
        assert entry.reference is None, "what is public is shown"
        pytest.skip("withheld until there is a public reference: see SECURITY.md")
    assert fnmatch.fnmatchcase(read_replay(replay_file(target, entry)).finding.key, entry.finding)


def installed(target: Target) -> bool:
    return "not installed" not in target.versions().values()


@pytest.mark.parametrize(("target", "entry"), ENTRIES)
def test_the_replay_shows_it_on_the_installed_release(target: str, entry: Known) -> None:
    if entry.replay is None:
        pytest.skip("withheld until there is a public reference: see SECURITY.md")
    if not installed(resolve(target)) or resolve(target).config.lacking():
        pytest.skip(f"{target} is not installed here")
    if entry.intermittent:
        pytest.skip("only some runs show it")
    if not entry.applies():
        pytest.skip(f"the installed release is not one of {entry.affected}")
    answer = replayed(replay_file(target, entry), Settings(target=target), times=3)
    assert answer.text.startswith("reproduced: ")
    assert answer.status == 1
