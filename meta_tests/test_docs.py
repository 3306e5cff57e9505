"""What the documents say is what the code does: the README's example, and the files that pages show."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import PyZipFile

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS
from isolation_tests.adapters.described import bodies
from isolation_tests.adapters.described.http_tables import HttpOptions
from isolation_tests.adapters.described.mcp_options import McpOptions
from isolation_tests.adapters.process.link import MOST_LINE_BYTES
from isolation_tests.adapters.process.memory import BridgeOptions
from isolation_tests.cli import main
from isolation_tests.core.bounded import MOST_DEPTH
from isolation_tests.core.errors import ExitStatus
from isolation_tests.core.metering import MOST_PAUSE_SECONDS
from isolation_tests.engine.examiner import HANGS_BEFORE_GIVING_UP
from isolation_tests.execution.contract import KEYWORDS
from isolation_tests.execution.guard import LAST_TRIES
from isolation_tests.execution.meter import FAILURES_IN_A_ROW
from isolation_tests.execution.session import CLOSE_LIMIT_SECONDS, OPEN_LIMIT_SECONDS
from isolation_tests.model import CheckResult, Plan
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.known import Known, KnownFile
from meta_tests.calibration.relation import MEASURE
from meta_tests.docs.pages import DOCUMENTS, README, ROOT, SITE, blocks, read

PACKAGE = "isolation_tests"
CERTIFY_SECONDS = 300
SCREEN_LINES = 40
DESCRIBED: dict[str, type[BaseModel]] = {"http": HttpOptions, "mcp": McpOptions, "process": BridgeOptions}


@pytest.mark.parametrize("document", ["how-to/python-adapter.md", "reference/adapter.md"])
def test_every_capability_of_the_contract_is_named(document: str) -> None:
    text = read(SITE / document)
    keywords = {keyword for places in KEYWORDS.values() for _, keyword in places}

    for name in (*CORE_METHODS, *OPTIONAL_METHODS, *keywords):
        assert re.search(rf"`{name}[`(]", text), name


def test_the_files_that_documents_show_are_valid() -> None:
    examples = [tomllib.loads(block.text) for document in DOCUMENTS for block in blocks(document, "toml")]
    targets = [example for example in examples if "adapter" in example]
    known = [entry for example in examples for entry in example.get("known", ())]

    assert {target["adapter"] for target in targets} >= set(DESCRIBED)
    assert known
    for example in targets:
        TargetConfig.model_validate(example)
        if example["adapter"] in DESCRIBED:
            DESCRIBED[example["adapter"]].model_validate(example["options"])
    for entry in known:
        Known.model_validate(entry)


def test_the_python_that_documents_show_is_python() -> None:
    for document in DOCUMENTS:
        for block in blocks(document, "python"):
            ast.parse(block.text)


def test_the_tutorial_and_the_readme_show_the_same_adapter() -> None:
    [shown] = [block for block in blocks(README, "python") if block.file]

    assert shown.text in [block.text for block in blocks(SITE / "tutorial.md", "python")]


def undescribed(schema: object, place: str = "") -> Iterator[str]:
    """The keys of a JSON Schema that have no description, at any depth."""
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            if "description" not in value:
                yield f"{place}.{key}"
        for key, value in schema.items():
            yield from undescribed(value, f"{place}/{key}")
    elif isinstance(schema, list):
        for value in schema:
            yield from undescribed(value, place)


@pytest.mark.parametrize(
    "model", [Plan, CheckResult, TargetConfig, KnownFile, HttpOptions, McpOptions, BridgeOptions]
)
def test_every_key_of_a_file_has_a_description(model: type[BaseModel]) -> None:
    assert not list(undescribed(model.model_json_schema()))


def test_without_source_keys_have_no_description_and_nothing_fails(tmp_path: Path) -> None:
    with PyZipFile(str(tmp_path / "compiled.zip"), "w") as archive:
        archive.writepy(str(ROOT / PACKAGE))
    script = (
        "from isolation_tests.model import Plan\n"
        "from isolation_tests.targets.config import TargetConfig\n"
        "keys = Plan.model_json_schema()['properties'] | TargetConfig.model_json_schema()['properties']\n"
        "print(Plan.__module__, [key for key in keys.values() if 'description' in key])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "compiled.zip")},
        capture_output=True,
        encoding="utf-8",
        timeout=CERTIFY_SECONDS,
        check=False,
    )

    assert ran.stdout == "isolation_tests.model.plan []\n", ran.stderr


def test_the_limits_that_are_documented_are_those_of_the_code() -> None:
    text = read(SITE / "reference" / "reliability.md")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    limits = {row[0]: row[1] for row in rows if len(row) > 1}
    seconds = TargetConfig.model_fields["call_limit_seconds"].default
    megabytes, pages = bodies.MOST_BYTES // 1_000_000, bodies.MOST_PAGES
    hangs, mebibytes = HANGS_BEFORE_GIVING_UP + 1, MOST_LINE_BYTES // 2**20
    assert (
        limits.items()
        >= {
            "a call": f"{seconds:g} seconds, without pauses that the target asks for",
            "calls in a row that time out": f"{hangs}, then the other checks of this process are skipped",
            "calls in a row that fail": f"{FAILURES_IN_A_ROW}, then three more tries to read",
            "opening a target": f"{OPEN_LIMIT_SECONDS:g} seconds",
            "closing a target": f"{CLOSE_LIMIT_SECONDS:g} seconds",
            "one answer of `http` and `mcp`": f"{megabytes} MB, {MOST_DEPTH} levels, {pages} pages of a list",
            "one line of a bridge": f"{mebibytes} MiB, {MOST_DEPTH} levels",
        }.items()
    )
    assert LAST_TRIES == 3
    assert MOST_PAUSE_SECONDS == 60, "a pause of up to a minute"


def test_the_first_two_commands_stand_near_the_top_and_need_one_line_each() -> None:
    head = read(README).partition("\n## What a verdict looks like")[0]
    commands = [line for block in blocks(README, "sh") for line in block.lines() if line in head.splitlines()]

    assert len(head.splitlines()) < SCREEN_LINES
    assert [command for command in commands if "isolation-tests run mem0" in command]
    assert [command for command in commands if "pytest meta_tests" in command]
    assert all(command.startswith("python3 -m venv .venv && ") for command in commands)
    told = [line for block in blocks(README.with_name("CONTRIBUTING.md"), "sh") for line in block.lines()]
    assert commands[1] in told


def test_the_ways_to_run_the_tests_are_told() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

    assert f".venv/bin/{MEASURE} --fault" in told
    for mark in tools["pytest"]["ini_options"]["markers"]:
        assert f"`{mark.partition(':')[0]}`" in told


@pytest.mark.parametrize("flag", ["-h", "--version"])
def test_the_command_line_explains_itself(flag: str) -> None:
    assert CliRunner().invoke(main, [flag]).exit_code == 0


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    match = re.search(r"^## \[?([\d.]+)\]?", changelog, flags=re.MULTILINE)

    assert match is not None
    assert match[1] == version


def test_the_tutorial_is_credited() -> None:
    text = read(README)

    assert "Scope agent memory per user without leaking across sessions" in text
    assert "https://thebuilderweekly.com/tutorials" in text
    assert "CC BY 4.0" in text


def comparable(text: str) -> list[str]:
    """A finding's lines without what differs from run to run, or with Faker and Hypothesis."""
    text = re.sub(r"iso-[0-9a-f]{6}-[0-9a-f]{8}", "iso-run-number", text)
    text = re.sub(r"a has '.' where b has '.', after", "a has one where b has another, after", text)
    text = re.sub(r"'[^']*CANARY-(\d+)[^']*'", r"'CANARY-\1'", text)
    text = re.sub(r"(no level[^:]*|level \w+):", "level:", text)  # drawn sequences may show it too
    text = re.sub(r"\d+ violated", "n violated", text)
    return re.sub(r"\d+ of \d+ (tries|checks)", r"k of n \1", text).splitlines()


@pytest.mark.process
def test_the_verdict_of_the_readme_is_what_its_command_prints() -> None:
    lines = [line for block in blocks(README, "sh") for line in block.lines()]
    [command] = [line for line in lines if "run fault:" in line]
    [shown] = blocks(README, "text")

    ran = subprocess.run(
        [sys.executable, "-m", PACKAGE, *shlex.split(command)[1:]],
        capture_output=True,
        encoding="utf-8",
        timeout=CERTIFY_SECONDS,
        check=False,
    )

    assert ran.returncode == int(ExitStatus.VIOLATED), ran.stdout + ran.stderr
    assert "\n".join(comparable(shown.text)) in "\n".join(comparable(ran.stdout))
