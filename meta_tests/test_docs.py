"""What the documents say is what the code does: commands, options, tables, links and the README's adapter."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from zipfile import PyZipFile

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS
from isolation_tests.adapters.described import bodies
from isolation_tests.adapters.described.http_tables import HttpOptions
from isolation_tests.adapters.described.mcp_options import McpOptions
from isolation_tests.adapters.process.link import MOST_LINE_BYTES
from isolation_tests.adapters.process.memory import BridgeOptions
from isolation_tests.catalogue import CATALOGUE
from isolation_tests.cli import main
from isolation_tests.core.bounded import MOST_DEPTH
from isolation_tests.core.errors import ExitStatus
from isolation_tests.core.metering import MOST_PAUSE_SECONDS
from isolation_tests.engine.examiner import HANGS_BEFORE_GIVING_UP
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.execution.contract import KEYWORDS
from isolation_tests.execution.guard import LAST_TRIES
from isolation_tests.execution.meter import FAILURES_IN_A_ROW
from isolation_tests.execution.session import CLOSE_LIMIT_SECONDS, OPEN_LIMIT_SECONDS
from isolation_tests.model import CheckResult, Level, Plan, Verdict
from isolation_tests.plugin import OPTIONS
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.known import Known, KnownFile
from isolation_tests.targets.settings import PREFIX, TABLE, Settings
from isolation_tests.targets.shipped import shipped
from isolation_tests.testdata.relations import RELATIONS
from meta_tests.calibration.relation import MEASURE

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/bridges.md",
    "docs/openapi.md",
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGE = "isolation_tests"
CERTIFY_SECONDS = 300
SCREEN_LINES = 40


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the README, without its head."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[2:]]


def covered() -> set[str]:
    """The anomalies that some law asks for."""
    return {name for law in all_laws().values() for cell in law.cells for name in law.covers(cell)}


def asked(name: str) -> str:
    return "yes" if name in covered() else "not yet" if CATALOGUE[name].visible else "no"


def test_the_anomalies_are_those_of_the_catalogue() -> None:
    expected = [[entry.id, entry.name, entry.law, asked(entry.id)] for entry in CATALOGUE.values()]

    assert table("Anomalies") == expected


def test_the_relations_are_those_that_are_asked() -> None:
    first = {relation.anomaly: relation for relation in reversed(RELATIONS)}
    expected = [
        [f"{name} {CATALOGUE[name].name}", f"`{first[name].name}`: {first[name].description}"]
        for name in CATALOGUE
        if name in first
    ]

    assert table("Relations between names") == expected


def test_the_options_are_those_of_the_plugin_the_command_line_and_the_settings() -> None:
    names = [field.name for field in fields(Settings)]
    rows = {row[0]: row for row in table("Options")}
    parameters = {option for p in main.commands["run"].params for option in p.opts}

    assert list(rows) == names
    assert {name for name in names if name not in ("options", "budget", "disposable")} == set(OPTIONS)
    for name, (_, run, plugin, variable, key, _meaning) in rows.items():
        typed = name == "disposable"
        assert variable == ("none" if typed else f"`{PREFIX}{name.upper()}`")
        assert key == ("none" if typed else f"`{name}`")
        flag = "--isolation-option" if name == "options" else f"--isolation-{name.replace('_', '-')}"
        assert plugin.startswith(f"`{flag}`" if typed else f"`{flag} ")
        assert name == "target" or shlex.split(run.strip("`"))[0] in parameters
    assert f"[tool.{TABLE}]" in README


def test_the_profiles_are_those_that_exist() -> None:
    expected = [
        [
            f"`{name}`",
            "whole" if profile.whole else "part",
            str(profile.examples),
            str(profile.crowd),
            str(profile.replays),
        ]
        for name, profile in PROFILES.items()
    ]

    assert table("Profiles") == expected


def test_the_exit_statuses_are_those_of_the_code() -> None:
    assert [row[0] for row in table("Exit statuses")] == [str(int(status)) for status in ExitStatus]


def test_the_verdicts_stand_worst_first() -> None:
    rows = table("What the verdicts mean")

    assert [row[0].strip("`") for row in rows] == [verdict.value for verdict in Verdict]


def test_the_levels_are_those_that_the_checks_can_reach() -> None:
    reachable = {Level.SAFE, *(law.level for law in all_laws().values())}
    rows = {row[0].strip("`"): row[2] for row in table("Levels")}

    assert list(rows) == [level.value for level in Level]
    assert {name for name, state in rows.items() if state == "yes"} == {level.value for level in reachable}


def test_the_targets_are_those_that_are_shipped() -> None:
    rows = table("Targets")

    assert {row[0].strip("`") for row in rows} == set(shipped())
    for name, extra, _ in rows:
        wanted = tomllib.loads(shipped()[name.strip("`")].read_text(encoding="utf-8")).get("extra")
        assert extra == (f"`{wanted}`" if wanted else "none")


def test_every_capability_of_the_contract_is_named() -> None:
    section = README.split("\n## Certify your own adapter\n", 1)[1].split("\n## ", 1)[0]

    for name in (*CORE_METHODS, *OPTIONAL_METHODS, *{keyword for k in KEYWORDS.values() for _, keyword in k}):
        assert f"`{name}`" in section, name


def test_the_examples_of_a_target_and_of_known_findings_are_valid() -> None:
    examples = [tomllib.loads(block) for block in blocks(README, "toml")]
    targets = [example for example in examples if "adapter" in example]
    known = [entry for example in examples for entry in example.get("known", ())]

    assert targets
    assert known
    for example in targets:
        TargetConfig.model_validate(example)
    for entry in known:
        Known.model_validate(entry)


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
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
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


def test_the_files_that_documents_link_to_exist() -> None:
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!https?://|mailto:|#)([^)#]+)", text):
            assert (ROOT / document).parent.joinpath(link).exists(), f"{document} links to {link}"


def test_the_sections_that_the_readme_links_to_exist() -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_the_first_two_commands_stand_near_the_top_and_need_one_line_each() -> None:
    head = README[: README.index("\n## What a verdict looks like")]
    commands = "".join(blocks(head, "sh")).splitlines()

    assert len(head.splitlines()) < SCREEN_LINES
    assert [command for command in commands if "isolation-tests run mem0" in command]
    assert [command for command in commands if "pytest meta_tests" in command]
    assert all(command.startswith("python3 -m venv .venv && ") for command in commands)


def test_the_extras_that_documents_install_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for extras in re.findall(r"(?:'\.|isolation-tests)\[([\w,-]+)\]", text):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), f"{document}: {extras}"


def test_the_ways_to_run_the_tests_are_told() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

    assert f".venv/bin/{MEASURE} --fault" in told
    for mark in tools["pytest"]["ini_options"]["markers"]:
        assert f"`{mark.partition(':')[0]}`" in told


def test_every_command_of_the_documents_is_one_that_exists() -> None:
    group = main
    assert isinstance(group, click.Group)
    named: set[str] = set()
    for document in DOCUMENTS:
        shell = "\n".join(blocks((ROOT / document).read_text(encoding="utf-8"), "sh"))
        for line in re.findall(r"isolation-tests ([a-z].*?)(?: &&| \\?$|$)", shell, flags=re.MULTILINE):
            name, *arguments = shlex.split(line, comments=True)
            assert name in group.commands, line
            named.add(name)
            command = group.commands[name]
            if isinstance(command, click.Group):
                assert arguments[0] in command.commands, line
                command = command.commands[arguments[0]]
            known = {option for p in command.params for option in p.opts}
            flags = {word.split("=")[0] for word in arguments if re.match(r"--?[a-z]", word)}
            assert flags <= known, line

    assert named == set(group.commands)


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
    assert "Scope agent memory per user without leaking across sessions" in README
    assert "https://thebuilderweekly.com/tutorials" in README
    assert "CC BY 4.0" in README


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
    [command] = [line for line in "".join(blocks(README, "sh")).splitlines() if "run fault:" in line]
    [shown] = blocks(README, "text")

    ran = subprocess.run(
        [sys.executable, "-m", PACKAGE, *shlex.split(command)[1:]],
        capture_output=True,
        encoding="utf-8",
        timeout=CERTIFY_SECONDS,
        check=False,
    )

    assert ran.returncode == int(ExitStatus.VIOLATED), ran.stdout + ran.stderr
    assert "\n".join(comparable(shown)) in "\n".join(comparable(ran.stdout))


@pytest.mark.process
def test_the_adapter_of_the_readme_is_certified(tmp_path: Path) -> None:
    [adapter] = [block for block in blocks(README, "python") if "def open_memory" in block]
    (tmp_path / "my_adapter.py").write_text(adapter, encoding="utf-8")
    lines = "".join(blocks(README, "sh")).splitlines()
    [command] = [line for line in lines if line.startswith("pytest --pyargs")]
    arguments = shlex.split(command)[1:]

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "-n", "0", "--isolation-profile", "quick"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=CERTIFY_SECONDS,
        check=False,
    )

    assert ran.returncode == int(ExitStatus.HELD), ran.stdout + ran.stderr
    assert "HELD, no level" in ran.stdout
    assert (tmp_path / "reports" / "local" / "report.html").is_file()
