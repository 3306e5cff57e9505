"""Every command that a document tells to type exists with its options, and runs where it can."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from meta_tests.docs.commands import PROGRAM, every_command, plugin_options
from meta_tests.docs.pages import DOCUMENTS, PAGES, README, ROOT, Block, blocks, named, read

COMMANDS = dict(every_command())
PROJECT = tomllib.loads(read(ROOT / "pyproject.toml"))
SECONDS = 300
ENDS = re.compile(r"#.*\bends with (\d)\s*$")
SEPARATORS = ("&&", "||", ";", "|")
INLINE = re.compile(rf"`({PROGRAM} [a-z][^`]*)`")
SCRIPT = re.compile(r"`(python [-b][^`]*)`")
TOOLS = {
    "ruff": ("check", "format"),
    "mypy": (),
    "mkdocs": ("build", "serve"),
    "pre-commit": ("install",),
    "source": (".venv/bin/activate",),
    "npm": ("install",),
}
"""What else a document tells to type, and the words that may follow it."""


def shell(document: Path) -> list[Block]:
    return blocks(document, "sh")


def simple_commands(line: str) -> Iterator[list[str]]:
    """The words of each command in a line, without variables in front and without comments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    command: list[str] = []
    for word in [*lexer, "&&"]:
        if word not in SEPARATORS:
            command.append(word)
            continue
        while command and re.match(r"[A-Z_]+=", command[0]):
            command.pop(0)
        if command:
            yield [command[0].removeprefix(".venv/bin/"), *command[1:]]
        command = []


def check_suite(words: list[str]) -> str:
    """The suite's own command exists, and takes these options and arguments; what it is called."""
    typed = " ".join(words[:3]) if " ".join(words[:3]) in COMMANDS else " ".join(words[:2])
    assert typed in COMMANDS, f"there is no command {' '.join(words[:3])!r}"
    command, arguments = COMMANDS[typed], words[len(typed.split()) :]
    context = click.Context(command, info_name=typed)
    given, beyond, _ = command.make_parser(context).parse_args(list(arguments))
    assert not beyond, f"{typed} does not take {beyond}"
    for parameter in command.params:
        value = given.get(parameter.name or "")
        assert not parameter.required or (value and isinstance(value, str | tuple)), parameter.name
    return typed


def check_pytest(words: list[str]) -> None:
    """The plugin has the options, pyproject.toml the marks, and what is tested exists."""
    marks = [mark.partition(":")[0] for mark in PROJECT["tool"]["pytest"]["ini_options"]["markers"]]
    takes_value = {"-k": True, "-m": True, "-n": True, "--pyargs": False, "--whole": False}
    takes_value |= {flag: bool(value) for flag, value in plugin_options().items()}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            assert (ROOT / word).exists(), f"{word} does not exist"
        elif takes_value[word]:
            value = next(rest)
            assert word != "-m" or value in marks, f"there is no mark {value}"


def check_python(words: list[str]) -> None:
    """The module or script exists, and its source has the options."""
    if words[:2] == ["-m", "venv"]:
        return
    module = words[1].replace(".", "/") if words[0] == "-m" else ""
    places = [f"{module}.py", f"{module}/__main__.py"] if module else [words[0]]
    [script] = [place for place in places if (ROOT / place).is_file()]
    source = read(ROOT / script)
    for word in words:
        assert not word.startswith("--") or f'"{word}"' in source, f"{script} has no {word}"


def check_pip(words: list[str]) -> None:
    """What is installed exists in the clone: the extras."""
    assert words[0] == "install", words
    for word in words[1:]:
        extras = re.fullmatch(r"(?:\.|isolation-tests)\[([\w,-]+)\]", word)
        if extras:
            assert set(extras[1].split(",")) <= set(PROJECT["project"]["optional-dependencies"]), word
        else:
            assert word in ("-q", "-e", "."), word


def check(words: list[str]) -> str:
    """What is typed exists; its name."""
    program, rest = words[0], words[1:]
    if program == PROGRAM:
        return check_suite(words)
    if program == "pytest":
        check_pytest(rest)
    elif program in ("python", "python3"):
        check_python(rest)
    elif program == "pip":
        check_pip(rest)
    else:
        assert program in TOOLS, f"nobody knows {program!r}"
        assert set(TOOLS[program]) >= {word for word in rest[:1] if not word.startswith("-")} - {"."}, words
    return program


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_shell_block_is_one_that_a_shell_can_read(document: Path) -> None:
    for block in shell(document):
        ran = subprocess.run(
            ["bash", "-n"],  # noqa: S607 - the shell that is on the path
            input=block.text,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_command_exists_with_its_options(document: Path) -> None:
    for block in shell(document):
        for line in block.lines():
            for words in simple_commands(line):
                check(words)


@pytest.mark.parametrize(
    "line",
    [
        "isolation-tests rum mem0",
        "isolation-tests run mem0 --profil quick",
        "isolation-tests report dif a b",
        "isolation-tests report diff a",
        "isolation-tests explain",
        "pytest --pyargs isolation_tests --isolation-targt x",
        "pytest meta_test",
        "pip install -e '.[mem1]'",
        "python benchmarks/detection.py --see 1",
        "python -m meta_tests.docs.table",
        "rm -rf .",
    ],
)
def test_a_command_that_does_not_exist_is_told(line: str) -> None:
    [words] = simple_commands(line)

    with pytest.raises((AssertionError, click.UsageError, LookupError, ValueError)):
        check(words)


def test_each_command_of_the_suite_stands_in_a_shell_block() -> None:
    told = {
        check(words)
        for document in DOCUMENTS
        for block in shell(document)
        for line in block.lines()
        for words in simple_commands(line)
        if words[0] == PROGRAM
    }

    assert told == set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_command_in_a_sentence_exists_with_its_options(document: Path) -> None:
    for line in SCRIPT.findall(read(document)):
        check(shlex.split(line))
    for line in INLINE.findall(read(document)):
        words = shlex.split(line)
        typed = " ".join(words[:3]) if " ".join(words[:3]) in COMMANDS else " ".join(words[:2])
        group = [name for name in COMMANDS if name.startswith(f"{line} ")]
        assert typed in COMMANDS or group, line
        if typed in COMMANDS and "[" not in line:
            known = {option for parameter in COMMANDS[typed].params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, line


def environment(folder: Path) -> dict[str, str]:
    """Where the commands of a page run: with this Python, and with nothing that the caller set."""
    bin_ = Path(sys.executable).parent
    kept = {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX", "TMPDIR") if name in os.environ}
    return {
        "PATH": f"{bin_}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "PYTEST_XDIST_AUTO_NUM_WORKERS": "1",
        **kept,
    }


def perform(line: str, folder: Path, **variables: str) -> str:
    """Run one line as a reader would, who accepts what is proposed; return what it printed."""
    expected = ENDS.search(line)
    ran = subprocess.run(
        ["bash", "-c", line],  # noqa: S607 - the shell that is on the path
        cwd=folder,
        env={**environment(folder), **variables},
        input="\n" * 30,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == (int(expected[1]) if expected else 0), f"{line}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def prepare(document: Path, folder: Path) -> None:
    """Write the files that a document shows with their names."""
    for block in blocks(document):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")


RUN = [page for page in PAGES if any(not block.not_run for block in shell(page))]


@pytest.mark.process
@pytest.mark.parametrize("page", RUN, ids=named)
def test_what_a_page_tells_to_type_runs(page: Path, tmp_path: Path) -> None:
    prepare(page, tmp_path)
    for block in shell(page):
        for line in () if block.not_run else block.lines():
            perform(line, tmp_path)


@pytest.mark.process
def test_the_adapter_of_the_readme_holds_and_init_writes_what_it_says(tmp_path: Path) -> None:
    prepare(README, tmp_path)
    lines = [line for block in shell(README) for line in block.lines()]
    own = [line for line in lines if line.startswith("pytest --pyargs") or f"{PROGRAM} init" in line]
    printed = [perform(line, tmp_path, ISOLATION_PROFILE="quick") for line in own]

    assert ["HELD, no level" in text for text in printed] == [True, False, False, False]
    assert (tmp_path / "reports" / "local" / "report.html").is_file()
    assert {"my_memory_adapter.py", "my-memory.toml", "my-store.mjs", "staging.toml"} <= {
        path.name for path in tmp_path.iterdir()
    }
