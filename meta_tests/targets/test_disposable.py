"""Which targets are disposable: those of which somebody typed it, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings, gather

ADAPTER = "from isolation_tests.adapters.reference import open_shared_memory as opened\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def toml(folder: Path, more: str = "") -> str:
    path = folder / "t.toml"
    path.write_text(f'name = "t"\nadapter = "adapter.py:opened"\n{more}\n', encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("around", ["{}", "scoped:{}", "fault:A1-prefix@{}"])
def test_where_an_adapter_lies_makes_no_target_disposable(folder: Path, around: str) -> None:
    for spec in ("adapter.py:opened", "isolation_tests.adapters.reference:open_memory", toml(folder)):
        assert not resolve(around.format(spec)).disposable
        assert resolve(around.format(spec), disposable=True).disposable


def test_a_file_says_so_with_a_boolean(folder: Path) -> None:
    assert resolve(toml(folder, "disposable = true")).disposable
    for text in ('"true"', '"yes"', "1", "1.0", "[]"):
        with pytest.raises(UsageProblem, match="disposable: "):
            resolve(toml(folder, f"disposable = {text}"))


@pytest.mark.parametrize("around", ["{}", "scoped:{}", "fault:A1-prefix@{}"])
def test_a_file_that_says_no_wins_over_the_command_line(folder: Path, around: str) -> None:
    spec = around.format(toml(folder, "disposable = false"))
    with pytest.raises(UsageProblem, match="says `disposable = false`, so --disposable is refused"):
        resolve(spec, disposable=True)


def test_no_run_inherits_it(folder: Path) -> None:
    with pytest.raises(UsageProblem, match="type --disposable instead"):
        gather(Settings(), folder=folder, environment={"ISOLATION_DISPOSABLE": "true"})
    (folder / "pyproject.toml").write_text("[tool.isolation_tests]\ndisposable = true\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match="type --disposable instead"):
        gather(Settings(), folder=folder, environment={})


def test_it_is_recorded_as_given_beside_the_file(folder: Path) -> None:
    typed = gather(Settings(disposable=True), folder=folder, environment={})
    assert typed.disposable
    assert typed.given() == ("disposable",)
