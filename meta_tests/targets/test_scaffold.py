"""What `init` writes: it resolves, runs and overwrites nothing; a wrong answer is told in one sentence."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapters.described import mcp_options
from isolation_tests.adapters.described.http_options import HttpOptions, mapped
from isolation_tests.adapters.described.mapping import checked
from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.scaffold import KINDS, next_question, next_steps, write_target
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, covering

SIGN_IN = {"auth": "sign-in", "base_url": "https://memory.example.com/v1", "path": "/notes", "items": "notes"}


def options(path: Path) -> dict[str, Any]:
    """The [options] that were written."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["options"]
    return table


@pytest.mark.process
def test_the_python_files_are_held_at_once(tmp_path: Path) -> None:
    written = write_target("python", "my-memory", tmp_path)

    assert [path.name for path in written] == ["my_memory_adapter.py", "my-memory.toml"]
    results = examine(Settings(target=str(written[-1]), profile="quick", seed="1"))
    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
    assert sum(result.verdict is Verdict.HELD for result in results) > 80


@pytest.mark.process
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_process_files_are_held_at_once(tmp_path: Path) -> None:
    written = write_target("process", "my-memory", tmp_path)

    assert [path.name for path in written] == [
        "bridge.mjs",
        "bridge.d.mts",
        "my-memory.mjs",
        "my-memory.toml",
    ]
    results = ask(Settings(target=str(written[-1]), profile="quick", seed="1"), covering("S1", "A1", "S3"))
    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
    assert sum(result.verdict is Verdict.HELD for result in results) > 20


def test_two_bridges_in_one_folder_share_the_helper(tmp_path: Path) -> None:
    write_target("process", "first", tmp_path)
    write_target("process", "second", tmp_path)
    (tmp_path / "bridge.mjs").write_text("mine", encoding="utf-8")

    with pytest.raises(UsageProblem, match=r"bridge\.mjs already exists"):
        write_target("process", "third", tmp_path)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"auth": "bearer", "secret": "MY_KEY"},
        {"auth": "header", "auth_name": "X-Key", "user_field": "user-id"},
        {"auth": "cookie", "auth_name": "sid", "path": "/users/{user}/notes"},
        {**SIGN_IN, "token": "data.jwt"},
        {"text": 'a."b c"', "path": '/a"b'},
    ],
    ids=["plain", "bearer", "header", "cookie", "sign-in", "quotes"],
)
def test_the_http_file_is_a_description_that_fits(
    answers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jmespath", reason="jmespath is not installed")
    for name in ("MY_KEY", "MY_MEMORY_KEY"):
        monkeypatch.setenv(name, "of-the-test")

    (path,) = write_target("http", "my-memory", tmp_path, answers)

    service = mapped(checked(HttpOptions, options(path)))
    assert set(service.calls) == {"add", "search", "get_all", "delete_all"}
    assert resolve(str(path)).config.adapter == "http"


def test_the_http_file_says_what_was_answered(tmp_path: Path) -> None:
    (path,) = write_target("http", "my-memory", tmp_path, {**SIGN_IN, "secret": "APP_KEY"})

    table = options(path)
    assert table["base_url"] == SIGN_IN["base_url"]
    assert table["auth"]["sign_in"]["json"] == {"user": "{user}", "key": "${APP_KEY}"}
    assert table["answer"] == {"items": "notes", "id": "id", "text": "text"}
    assert table["search"]["path"] == "/notes/search"
    assert "user" not in table["add"]["json"].keys() | table["get_all"].keys()


@pytest.mark.parametrize("server", ["https://mcp.example.com/mcp", "uvx my-server --local"])
def test_the_mcp_file_is_a_description_that_fits(server: str, tmp_path: Path) -> None:
    pytest.importorskip("jmespath", reason="jmespath is not installed")

    (path,) = write_target("mcp", "my-memory", tmp_path, {"server": server, "add_tool": "remember"})

    table = options(path)
    assert set(mcp_options.mapped(checked(mcp_options.McpOptions, table)).calls) >= {
        "add",
        "search",
        "get_all",
    }
    assert table["add"]["tool"] == "remember"
    assert (table.get("url") or " ".join([table["command"], *table["args"]])) == server


def test_what_comes_next_is_said(tmp_path: Path) -> None:
    run = f"isolation-tests run {tmp_path / 'my-memory.toml'} --profile quick"

    assert next_steps("python", "my-memory", tmp_path) == [run]
    assert next_steps("http", "my-memory", tmp_path, {"auth": "bearer"}) == ["export MY_MEMORY_KEY=...", run]


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_is_replaced_without_being_told(kind: str, tmp_path: Path) -> None:
    for path in write_target(kind, "notes", tmp_path):
        path.write_text("mine", encoding="utf-8")
    first = min(tmp_path.iterdir())

    with pytest.raises(UsageProblem) as caught:
        write_target(kind, "notes", tmp_path)
    assert str(caught.value).endswith("already exists; choose another name, or replace it with --force.")
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"mine"}

    write_target(kind, "notes", tmp_path, overwrite=True)
    assert first.read_text(encoding="utf-8") != "mine"


def test_one_file_that_is_there_keeps_all_from_being_written(tmp_path: Path) -> None:
    (tmp_path / "notes.toml").write_text("mine", encoding="utf-8")

    with pytest.raises(UsageProblem):
        write_target("python", "notes", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.toml"]


def asked(answers: dict[str, str]) -> list[str]:
    """The names of what is asked after these answers, when everything else is left at its default."""
    given, names = dict(answers), []
    while question := next_question("http", "notes", given):
        names.append(question.name)
        given[question.name] = question.default
    return names


def test_only_what_matters_and_is_not_known_is_asked() -> None:
    assert next_question("python", "notes", {}) is None
    secret = next_question("http", "my-memory", {"base_url": "http://x", "auth": "bearer"})
    assert secret is not None
    assert secret.default == "MY_MEMORY_KEY"
    assert asked({}) == ["base_url", "auth", "path", "user_field", "items", "id", "text"]
    assert asked({"auth": "bearer", "path": "/u/{user}"}) == ["base_url", "secret", "items", "id", "text"]
    assert asked({**SIGN_IN, "id": "id"}) == ["secret", "sign_in_path", "token", "text"]
    assert asked({"auth": "cookie"})[:3] == ["base_url", "auth_name", "secret"]


@pytest.mark.parametrize(
    ("kind", "name", "answers", "sentence"),
    [
        ("htpp", "notes", {}, "There is no kind of target called 'htpp'; did you mean 'http'?"),
        (
            "zebra",
            "notes",
            {},
            f"There is no kind of target called 'zebra'; choose {', '.join(KINDS)}.",
        ),
        (
            "python",
            "My Notes",
            {},
            "'My Notes' can't be a target's name; use lower-case letters, digits and dashes",
        ),
        ("python", "../notes", {}, "'../notes' can't be a target's name; use lower-case letters"),
        (
            "python",
            "notes",
            {"path": "/"},
            "There is no setting 'path' for this kind of target; it has none.",
        ),
        (
            "http",
            "notes",
            {"base-url": "http://x"},
            "There is no setting 'base-url' for this kind of target; did you mean",
        ),
        (
            "http",
            "notes",
            {"base_url": "x"},
            "base_url can't be 'x'; write an address such as http://127.0.0.1",
        ),
        ("http", "notes", {"auth": "baerer"}, "auth can't be 'baerer'; did you mean 'bearer'?"),
        (
            "http",
            "notes",
            {"auth": "??"},
            "auth can't be '??'; write one of none, bearer, header, cookie, sign-in.",
        ),
        (
            "http",
            "notes",
            {"path": "m"},
            "path can't be 'm'; write a path such as /memories or /users/{user}",
        ),
        ("mcp", "notes", {"server": "sh -c 'x'"}, "server can't be \"sh -c 'x'\"; write a command without"),
        ("http", "notes", {"text": " "}, "text can't be ' '; write a JMESPath such as text."),
        (
            "http",
            "notes",
            {"auth": "bearer", "secret": "s3-cret"},
            "secret can't be 's3-cret'; write the name of a variable",
        ),
    ],
)
def test_what_is_wrong_is_told(
    kind: str, name: str, answers: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem) as caught:
        write_target(kind, name, tmp_path, answers)

    assert str(caught.value).startswith(sentence)
    assert not list(tmp_path.iterdir())


def test_a_wrong_answer_is_told_before_the_next_question() -> None:
    with pytest.raises(UsageProblem, match="auth can't be"):
        next_question("http", "notes", {"base_url": "http://x", "auth": "??"})


def test_a_folder_that_is_not_there_or_takes_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="create it, or name another"):
        write_target("python", "notes", tmp_path / "nowhere")
    (tmp_path / "notes.toml").mkdir()
    with pytest.raises(UsageProblem, match="can't be written"):
        write_target("http", "notes", tmp_path, overwrite=True)
