"""A production system: no run, and a probe that only reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from isolation_tests.cli import main
from isolation_tests.core.errors import UsageProblem
from isolation_tests.execution.journal import records
from isolation_tests.targets.resolve import resolve

ADAPTER = '''
from isolation_tests.adapter import Memory, Refused

ROWS = [("one", "the heron of probe 1"), ("two", "the otter of probe 2"), ("admin", "a secret of admin")]


class Store:
    """Anything but a read as a probe user is written down."""

    def __init__(self, leaks="", raw=False, own=True):
        self.leaks, self.raw, self.own = leaks, raw, own

    def get_all(self, user):
        rows = [text for owner, text in ROWS if self.leaks == "get_all" or (owner == user and self.own)]
        if self.leaks == "raise":
            raise ConnectionError("the secret of admin")
        shown = [("-" if self.raw else text, {"x": [text]}) for text in rows]
        return [Memory(id=str(n), text=text, raw=raw) for n, (text, raw) in enumerate(shown)]

    def search(self, user, query, *, limit):
        rows = [text for owner, text in ROWS if owner == user or self.leaks == "search"]
        return [Memory(id=str(n), text=text) for n, text in enumerate(rows)][:limit]

    def close(self):
        if self.leaks == "close":
            raise ConnectionError("the secret of admin")

    def add(self, user, text):
        open("written", "w").close()

    delete_all = add


def opened(leaks="", raw="", own="yes"):
    return Store(leaks, bool(raw), own == "yes")
'''
FILE = 'name = "shop"\nadapter = "adapter.py:opened"\nenvironment = "production"\n'
PROBE = '[probe]\none = "heron of probe 1"\ntwo = "otter of probe 2"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(FILE + PROBE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path
    sys.modules.pop("isolation_target_adapter", None)


def call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.output


@pytest.mark.parametrize("around", ["{}", "scoped:{}", "fault:A1-prefix@{}"])
def test_no_other_command_opens_it(folder: Path, around: str) -> None:
    spec = around.format("shop.toml")
    with pytest.raises(UsageProblem, match="is a production system, so only `isolation-tests probe`"):
        resolve(spec).open()
    for command in (("run", spec, "-n", "0"), ("calibrate", spec), ("clean", spec, "--run", "ab12cd")):
        status, told = call(*command)
        assert (status, "is a production system" in told) == (3, True), told
    assert not (folder / "written").exists()
    assert records() == []


def test_a_clean_probe_writes_nothing_and_yields_no_level(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    expected = "shop: neither probe user got the other's text. No level: a probe only reads.\n"
    assert call("probe", "shop.toml") == (0, expected)
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == before


@pytest.mark.parametrize("options", [("leaks=get_all",), ("leaks=search",), ("leaks=get_all", "raw=yes")])
def test_a_crossing_is_told_without_any_text_of_others(options: tuple[str, ...]) -> None:
    flags = [word for option in options for word in ("-O", option)]
    status, told = call("probe", "shop.toml", *flags)
    assert status == 1
    assert "VIOLATED: 'one' got the text of 'two'." in told
    assert "secret" not in told
    assert "heron" not in told


def test_without_the_own_text_nothing_is_proved(folder: Path) -> None:
    (folder / "shop.toml").write_text(FILE + '[probe]\none = "heron"\nthree = "lynx"\n', encoding="utf-8")
    status, told = call("probe", "shop.toml")
    assert (status, "'three' did not see their own text" in told) == (2, True)
    status, told = call("probe", "shop.toml", "-O", "leaks=raise")
    assert (status, "reading as 'one' failed: ConnectionError" in told, "secret" in told) == (2, True, False)


def test_a_system_that_fails_to_close_is_told_without_its_words() -> None:
    status, told = call("probe", "shop.toml", "-O", "leaks=close", "-v")
    assert (status, "secret" in told) == (2, False), told
    assert "closing the target failed with ConnectionError [text withheld, 19 characters" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FILE, "its file has no [probe]"),
        (FILE + '[probe]\none = "x"\n', "it needs two users"),
        (FILE + '[probe]\none = "x"\ntwo = "xy"\n', "it needs two users, each with a text of its own"),
        (FILE + '[probe]\none = "x"\ntwo = " "\n', "it needs two users"),
        (FILE + "disposable = true\n" + PROBE, "a production system can't be disposable"),
        (FILE.replace("production", "staging") + PROBE, "probe: only a target with environment"),
        (FILE.replace("production", "prod") + PROBE, "environment: "),
        (FILE.replace("production", "staging"), "is not a production system"),
    ],
)
def test_a_wrong_file_is_one_clear_error(folder: Path, text: str, told: str) -> None:
    (folder / "shop.toml").write_text(text, encoding="utf-8")
    status, said = call("probe", "shop.toml")
    assert (status, told in said) == (3, True), said


def test_no_command_line_makes_it_disposable() -> None:
    status, told = call("run", "shop.toml", "--disposable", "-n", "0")
    assert (status, "production" in told) == (3, True), told
