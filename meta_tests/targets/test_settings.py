"""Settings: where they come from, which one wins, and what is said of wrong ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.settings import Settings, gather, set_variables


def project(folder: Path, table: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    return folder


def test_the_command_line_wins_over_the_environment_and_that_over_pyproject(tmp_path: Path) -> None:
    project(tmp_path, '[tool.isolation_tests]\ntarget = "one"\nprofile = "hunt"\nseed = 3\n')
    environment = {"ISOLATION_TARGET": "two", "ISOLATION_PROFILE": "ci", "OTHER": "x"}
    merged = gather(Settings(target="three"), folder=tmp_path, environment=environment)
    assert (merged.target, merged.profile, merged.seed_number()) == ("three", "ci", 3)


def test_without_anything_nothing_is_set(tmp_path: Path) -> None:
    assert gather(Settings(), folder=tmp_path, environment={}) == Settings()


def test_options_of_all_places_are_joined_and_later_ones_win(tmp_path: Path) -> None:
    project(tmp_path, '[tool.isolation_tests.options]\nurl = "a"\nport = 1\n')
    given = Settings(options=("url=c",))
    merged = gather(given, folder=tmp_path, environment={"ISOLATION_OPTIONS": "url=b mode=x=y"})
    assert merged.option_map() == {"url": "c", "port": "1", "mode": "x=y"}


def test_files_that_pyproject_names_are_looked_up_from_where_it_lies(tmp_path: Path) -> None:
    project(
        tmp_path, '[tool.isolation_tests]\ntarget = "my/adapter.py:opened"\nknown = "none"\nreport = "out"\n'
    )
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    merged = gather(Settings(), folder=below, environment={})
    assert merged.target is not None
    assert Path(merged.target).as_posix() == "../../my/adapter.py:opened"
    assert Path(merged.report or "").as_posix() == "../../out"
    assert merged.known == "none"


def test_a_short_name_in_pyproject_stays_a_short_name(tmp_path: Path) -> None:
    project(tmp_path, '[tool.isolation_tests]\ntarget = "reference"\n')
    (tmp_path / "reference").mkdir()
    assert gather(Settings(), folder=tmp_path / "reference", environment={}).target == "reference"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('[tool.isolation_tests]\ntargte = "x"\n', "did you mean 'target'?"),
        ('[tool.isolation_tests]\nbanana = "x"\n', "the settings are target, profile"),
        ("[tool.isolation_tests]\ntarget = 3\n", "target must be text, not 3"),
        ('[tool.isolation_tests]\nseed = "three"\n', "seed must be a whole number"),
        ('[tool.isolation_tests]\noptions = "a=b"\n', "options must be a table"),
        ("[tool]\nisolation_tests = 1\n", "must be a table"),
        ("[tool.isolation_tests\n", "is not valid TOML"),
    ],
)
def test_a_wrong_pyproject_is_told_in_one_sentence(tmp_path: Path, table: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(told)) as caught:
        gather(Settings(), folder=project(tmp_path, table), environment={})
    assert "\n" not in str(caught.value)


def test_a_misspelled_variable_is_refused_and_a_strangers_is_not(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="did you mean ISOLATION_PROFILE"):
        gather(Settings(), folder=tmp_path, environment={"ISOLATION_PROFIL": "ci"})
    stranger = {"ISOLATION_LEVEL": "serializable"}
    assert gather(Settings(), folder=tmp_path, environment=stranger) == Settings()


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5000])
def test_a_seed_is_a_whole_number(seed: str) -> None:
    with pytest.raises(UsageProblem, match="whole number"):
        Settings(seed=seed).seed_number()


@pytest.mark.parametrize("option", ["novalue", "=value", ""])
def test_an_option_has_a_name_and_a_value(option: str) -> None:
    with pytest.raises(UsageProblem, match="KEY=VALUE"):
        Settings(options=(option,)).option_map()


def test_variables_are_shown_without_their_secrets() -> None:
    shown = set_variables(
        {
            "ISOLATION_TARGET": "mem0",
            "ISOLATION_OPTIONS": "dsn=postgres://u:hunter2@h/db mode=fast",
            "HOME": "/x",
        }
    )
    assert shown == {"ISOLATION_OPTIONS": "dsn=*** mode=fast", "ISOLATION_TARGET": "mem0"}
