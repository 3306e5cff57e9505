"""The CI kit: valid files, commands that exist, inputs that are used, and a script that runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from isolation_tests.cli import main
from isolation_tests.reporting.evidence.evidence import TargetInfo
from meta_tests.builders import make_result, validate_junit, write

ROOT = Path(__file__).parent.parent / ".github"
ACTION = ROOT / "actions" / "certify" / "action.yml"
SCRIPT = ROOT / "examples" / "certify.sh"
WORKFLOWS = sorted(
    (*ROOT.glob("workflows/*.yml"), ROOT / "examples/staging.yml", ROOT / "examples/nightly.yml")
)
GITLAB = ROOT / "examples" / "gitlab-ci.yml"
KIT = (ACTION, SCRIPT, GITLAB, *WORKFLOWS)
SCHEMAS = {
    ACTION: "vendor.github-actions",
    GITLAB: "vendor.gitlab-ci",
    **dict.fromkeys(WORKFLOWS, "vendor.github-workflows"),
}
EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def steps(path: Path) -> list[dict[str, Any]]:
    """All steps of an action or of a workflow's jobs."""
    content = load(path)
    if path == ACTION:
        found: list[dict[str, Any]] = content["runs"]["steps"]
        return found
    return [step for job in content["jobs"].values() for step in job["steps"]]


def scripts(path: Path) -> list[str]:
    """Everything in a file that a shell runs."""
    if path == SCRIPT:
        return [path.read_text(encoding="utf-8")]
    if path == GITLAB:
        job = load(path)["isolation"]
        return [line for part in ("before_script", "script", "after_script") for line in job[part]]
    return [step["run"] for step in steps(path) if "run" in step]


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items(), ids=lambda value: str(value).rpartition("/")[2])
def test_each_file_fits_its_schema(path: Path, schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("path", KIT, ids=names)
def test_every_script_is_one_that_a_shell_can_read(path: Path) -> None:
    for script in scripts(path):
        ran = subprocess.run(
            ["bash", "-n"],  # noqa: S607 - the shell that is on the path
            input=script,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr


def commands(script: str) -> list[list[str]]:
    """The calls of isolation-tests in a script: their words, without what follows in the shell."""
    flat = re.sub(r"\\\n\s*", " ", script)
    code = [line for line in flat.splitlines() if not line.lstrip().startswith("#")]
    calls = re.findall(
        r"^\s*(?:if )?isolation-tests ([a-z].*?)(?:\s*(?:\|\||&&|>|;|\|)|$)", "\n".join(code), re.MULTILINE
    )
    return [shlex.split(call) for call in calls]


def options(words: list[str]) -> tuple[set[str], set[str]]:
    """The options that are used in a command, and those that it has."""
    command: click.Command = main
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    has = {option for parameter in command.params for option in parameter.opts}
    return {word.partition("=")[0] for word in words if word.startswith("-")}, has


def test_every_command_of_the_kit_exists_with_its_options() -> None:
    found = [words for path in KIT for script in scripts(path) for words in commands(script)]

    assert {" ".join(words[:2] if words[0] == "report" else words[:1]) for words in found} == {
        "run",
        "report diff",
        "report certify",
    }
    for words in found:
        used, has = options(list(words))
        assert used <= has, f"{words}: {used - has}"
    gathered = " ".join(re.findall(r"arguments\+?=\((.*?)\)", ACTION.read_text(encoding="utf-8")))
    used, has = options(["run", *shlex.split(gathered)])
    assert {"--profile", "--known", "--seed"} <= used <= has


def test_the_action_uses_all_its_inputs_and_no_others() -> None:
    content = load(ACTION)
    used = set(re.findall(r"inputs\.([a-z-]+)", ACTION.read_text(encoding="utf-8")))

    assert used == set(content["inputs"])
    for value in content["inputs"].values():
        assert value["description"]
        assert value.get("required") or isinstance(value["default"], str)
    ids = {step.get("id") for step in content["runs"]["steps"]}
    assert set(re.findall(r"steps\.([a-z]+)\.", ACTION.read_text(encoding="utf-8"))) <= ids
    assert all("shell" in step for step in content["runs"]["steps"] if "run" in step)


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if path.parent.name == "examples"], ids=names)
def test_the_examples_give_the_action_what_it_takes(path: Path) -> None:
    inputs = load(ACTION)["inputs"]
    [certify] = [step for step in steps(path) if step.get("uses") == "./.github/actions/certify"]

    assert set(certify["with"]) <= set(inputs)
    assert {name for name, value in inputs.items() if value.get("required")} <= set(certify["with"])
    assert load(path)["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in load(path)["jobs"].values())


def test_a_pull_request_from_a_fork_is_told_that_it_was_not_tested() -> None:
    jobs = load(ROOT / "examples/staging.yml")["jobs"]
    fork = "github.event.pull_request.head.repo.full_name"

    assert jobs["certify"]["if"] == f"github.event_name != 'pull_request' || {fork} == github.repository"
    assert jobs["fork"]["if"] == f"github.event_name == 'pull_request' && {fork} != github.repository"
    assert "::notice::" in jobs["fork"]["steps"][0]["run"]


def test_runs_of_other_pull_requests_are_not_cancelled() -> None:
    assert load(ROOT / "examples/staging.yml")["concurrency"]["group"] == "isolation-${{ github.ref }}"


def test_a_violated_default_branch_still_has_evidence_to_compare_with() -> None:
    [of_main] = [rule for rule in load(GITLAB)["isolation"]["rules"] if "CI_DEFAULT_BRANCH" in rule["if"]]

    assert of_main["variables"] == {"FAIL_ON": "regressions"}


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=names)
def test_nothing_that_others_chose_becomes_part_of_a_script(path: Path) -> None:
    for step in steps(path):
        assert not EXPRESSION.search(step.get("run", "")), step
        uses = step.get("uses", "./")
        assert uses.startswith("./") or re.fullmatch(r"[\w/-]+@v\d+", uses)
        assert "secrets." not in json.dumps(step.get("with", {}))


def certify(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    bin_ = Path(sys.executable).parent
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments],  # noqa: S607 - the shell that is on the path
        cwd=folder,
        env={
            "PATH": f"{bin_}:/usr/bin:/bin",
            "HOME": str(folder),
            "ISOLATION_PROFILE": "quick",
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        timeout=500,
        check=False,
    )


@pytest.mark.process
def test_the_script_certifies_exports_and_compares(tmp_path: Path) -> None:
    held = make_result("ids-need-their-owner[O1-get]", anomalies=("O1",))
    target = TargetInfo(
        name="reference", title="", adapter="isolation_tests.adapters.reference:open_shared_memory"
    )
    write(tmp_path / "earlier", held, whole=False, profile="quick", target=target)
    ran = certify(tmp_path, "reference", "earlier", ISOLATION_SEED="1")
    report = tmp_path / "reports" / "local"

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {"evidence.jsonl", "report.html", "summary.md", "isolation.sarif", "isolation.ctrf.json"} <= {
        path.name for path in report.iterdir()
    }
    assert json.loads((report / "isolation.badge.json").read_text(encoding="utf-8"))["color"] == "blue"
    assert (report / "diff.md").read_text(encoding="utf-8") in ran.stdout
    validate_junit(ET.parse(report / "junit.xml").getroot())  # noqa: S314 - written by the run above


@pytest.mark.parametrize(
    ("fail_on", "run", "worse", "status"),
    [
        ("any", 0, 0, 0),
        ("any", 1, 0, 1),
        ("any", 0, 1, 1),
        ("any", 2, 0, 2),
        ("regressions", 1, 0, 0),
        ("regressions", 0, 1, 1),
        ("regressions", 2, 0, 2),
        ("regressions", 0, 3, 3),
        ("never", 1, 1, 0),
        ("never", 2, 0, 2),
        ("never", 3, 0, 3),
        ("typo", 0, 0, 3),
    ],
)
def test_the_script_and_the_action_end_as_they_were_asked_to(
    tmp_path: Path, fail_on: str, run: int, worse: int, status: int
) -> None:
    stand_in = tmp_path / "bin" / "isolation-tests"
    stand_in.parent.mkdir()
    stand_in.write_text(
        f'#!/bin/sh\nmkdir -p reports/local\ncase "$1" in run) exit {run};; *) exit {worse};; esac\n'
    )
    stand_in.chmod(0o755)
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "evidence.jsonl").touch()
    path = f"{stand_in.parent}:/usr/bin:/bin"

    alone = certify(tmp_path, "target", "nowhere", FAIL_ON="any", PATH=path)
    assert alone.returncode == run
    assert run >= 2 or "There is no earlier evidence in nowhere" in alone.stderr

    ended = certify(tmp_path, "target", "earlier", FAIL_ON=fail_on, PATH=path)
    assert ended.returncode == status, ended.stderr

    [last] = [step["run"] for step in steps(ACTION) if step.get("name") == "Pass or fail"]
    environment = {
        "PATH": path,
        "STATUS": str(run),
        "WORSE": str(worse),
        "COMPARED": "true",
        "FAIL_ON": fail_on,
    }
    decided = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", last],  # noqa: S607 - as GitHub runs it
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert decided.returncode == status
