"""What a replay file may choose: a target that comes with the suite, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.replay import replayed
from isolation_tests.reporting.evidence.replay_file import write_replay
from isolation_tests.targets.settings import Settings
from isolation_tests.targets.shipped import is_shipped
from meta_tests.builders import make_case

BOMB = """
from pathlib import Path
Path("it-ran").touch()
def open_memory(**options): Path("it-ran").touch()
"""
FOREIGN = (
    "bomb.py:open_memory",
    "bomb:open_memory",
    "os:system",
    "bomb.toml",
    "fault:A1-prefix@bomb.py:open_memory",
    "scoped:bomb.py:open_memory",
    "scoped:fault:A1-prefix@os:system",
    "shop",
    "",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with code that leaves a trace when it is loaded."""
    (tmp_path / "bomb.py").write_text(BOMB, encoding="utf-8")
    (tmp_path / "bomb.toml").write_text('name = "x"\nadapter = "bomb.py:open_memory"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replay_file(folder: Path, target: str, **options: str) -> Path:
    return write_replay(folder, make_case(), target=target, suite_version="1", versions={}, options=options)


@pytest.mark.parametrize("target", FOREIGN)
def test_a_file_starts_no_code_of_its_own_choice(folder: Path, target: str) -> None:
    path = replay_file(folder, target)

    with pytest.raises(UsageProblem, match="name it yourself with --target"):
        replayed(path, Settings())

    assert not (folder / "it-ran").exists()


@pytest.mark.parametrize("value", ["echo", "x", "***"])
def test_a_file_sets_no_option(folder: Path, value: str) -> None:
    path = replay_file(folder, "chroma-server", command=value)

    with pytest.raises(UsageProblem, match=r"option 'command' of the run; pass it again with -O"):
        replayed(path, Settings())


def test_what_the_user_names_is_used_with_the_options_of_the_user(folder: Path) -> None:
    path = replay_file(folder, "bomb.py:open_memory", leak="from the file")
    named = Settings(target="bomb.py:open_memory")
    with pytest.raises(UsageProblem, match="is not trusted with the option 'leak'"):
        replayed(path, named)
    with pytest.raises(UsageProblem, match="has no option 'lead'"):
        replayed(path, Settings(target="reference", options=("lead=x",)))


def test_the_users_own_settings_count_for_an_option_of_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = replay_file(folder, "reference", leak="from the file")
    monkeypatch.setenv("ISOLATION_OPTIONS", "leak=mine other=mine")
    with pytest.raises(UsageProblem, match="the factory has no option 'leak'"):
        replayed(path, Settings())


@pytest.mark.parametrize(
    "field", [{"code": "x"}, {"disposable": True}, {"environment": "staging"}, {"known": "bomb.toml"}]
)
def test_a_file_has_no_other_settings(folder: Path, field: dict[str, Any]) -> None:
    path = replay_file(folder, "reference")
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, **field}), encoding="utf-8")
    with pytest.raises(Exception, match="can't be replayed"):
        replayed(path, Settings())


@pytest.mark.parametrize(
    "target",
    [
        "reference",
        "fault:A1-prefix",
        "fault:A1-prefix@reference",
        "scoped:reference",
        "scoped:fault:A1-prefix",
    ],
)
def test_a_target_that_comes_with_the_suite_may_be_named_by_a_file(target: str) -> None:
    assert is_shipped(target)
