"""Environments of their own: made once, anew when the suite changed, and a failure told in pip's words."""

from __future__ import annotations

import json
import sys
import venv
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from isolation_tests.cli import main
from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets import environments, kept
from isolation_tests.targets.config import TargetConfig

CONFIG = TargetConfig(name="old", adapter="module:factory", extra="mem0", requires=("mem0ai<2",))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """The folders that were made, by stand-ins for venv and pip."""
    folders: list[Path] = []

    def create(folder: Path, **_: Any) -> None:
        folder.mkdir()
        folders.append(folder)

    monkeypatch.setattr(kept, "user_cache_path", lambda _: tmp_path)
    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(environments, "_install", lambda *_: None)
    return folders


CODE = SimpleNamespace(suffix=".py", hash=SimpleNamespace(value="another"))


@pytest.mark.parametrize(("more_requires", "more_files"), [(["scipy"], []), ([], [CODE])])
def test_it_is_made_once_and_anew_when_the_suite_has_changed(
    made: list[Path], monkeypatch: pytest.MonkeyPatch, more_requires: list[str], more_files: list[Any]
) -> None:
    assert environments.environment(CONFIG) == environments.environment(CONFIG)
    assert len(made) == 1

    here = metadata.distribution("isolation-tests")
    changed = SimpleNamespace(
        requires=[*(here.requires or ()), *more_requires],
        files=[*(here.files or ()), *more_files],
        version=here.version,
        read_text=here.read_text,
    )
    monkeypatch.setattr(metadata, "distribution", lambda _: changed)
    environments.environment(CONFIG)
    assert len(set(made)) == 2


def test_an_environment_that_was_not_finished_is_made_again(
    made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UsageProblem("no network")

    with monkeypatch.context() as broken:
        broken.setattr(environments, "_install", fail)
        with pytest.raises(UsageProblem):
            environments.environment(CONFIG)
    made.pop().rmdir()
    environments.environment(CONFIG)
    assert len(made) == 1


def test_it_gets_this_very_suite_with_the_extra_and_the_releases() -> None:
    *suite, release = environments.requirements(CONFIG)
    assert suite[-1].split("==")[0].endswith("[mem0]")
    assert release == "mem0ai<2"


def test_what_pip_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.whl")
    with pytest.raises(UsageProblem, match=r"old: .*missing\.whl failed; pip said: ERROR: .*missing"):
        environments._install(Path(sys.executable), [missing], "old")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache folder with an environment, packages of npm, and an environment that was not finished."""
    monkeypatch.setattr(kept, "user_cache_path", lambda _: tmp_path)
    held = {
        "environments/aaaa1111": [
            [3, 12, 1],
            ["--editable", "isolation-tests[mem0]", "mem0ai<2"],
            ["digest"],
        ],
        "npm/aaaa2222": ["mem0ai@3.3.1"],
    }
    for place, record in held.items():
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / "installed.json").write_text(json.dumps(record), encoding="utf-8")
        (folder / "module.py").write_bytes(b"x" * 2_000_000)
    (tmp_path / "environments" / "bbbb3333").mkdir()
    return tmp_path


def test_what_was_installed_is_listed(cache: Path) -> None:
    held = {one.id: one.holds for one in kept.kept()}

    assert held == {
        "aaaa1111": ("isolation-tests[mem0]", "mem0ai<2"),
        "aaaa2222": ("mem0ai@3.3.1",),
        "bbbb3333": (),
    }
    said = CliRunner().invoke(main, ["environments"]).output
    assert "2.0 MB" in said
    assert "not finished" in said
    assert str(cache) in said.replace("\n", "")


def test_one_is_removed_by_the_beginning_of_its_id(cache: Path) -> None:
    said = CliRunner().invoke(main, ["environments", "--remove", "aaaa1"]).output

    assert said == "removed aaaa1111 (2.0 MB)\n"
    assert [one.id for one in kept.kept() if one.id == "aaaa1111"] == []
    assert not (cache / "environments" / "aaaa1111").exists()


@pytest.mark.parametrize("id", ["", "a", "aaaa", "cccc", "../npm/aaaa2222"])
def test_nothing_vague_removes_anything(cache: Path, id: str) -> None:
    with pytest.raises(UsageProblem, match=r"`isolation-tests environments` lists them"):
        kept.remove(id)
    assert len(kept.kept()) == 3
    assert cache.exists()


def test_all_of_them_can_be_removed(cache: Path) -> None:
    said = CliRunner().invoke(main, ["environments", "--remove-all"]).output

    assert said.count("removed ") == 3
    assert said.endswith("Nothing is installed for targets.\n")
    assert kept.kept() == []
    assert list((cache / "npm").iterdir()) == []
