"""The JavaScript helper and its reference store: clean it is held, and every planted leak is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from isolation_tests.core import packaged
from isolation_tests.engine.examination import examine
from isolation_tests.engine.run import SMOKE
from isolation_tests.model import Verdict
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, named, only

NODE = shutil.which("node") or "node"
BRIDGES = packaged.folder("bridges") / "js"
MOST_LINES = 150
LEAKS = {
    "blank-user": "S3",
    "cache-by-query": "K1",
    "cache-stale": "K1",
    "case-fold": "A3",
    "count-all": "X1",
    "cursor-names-owner": "O7",
    "delete-prefix": "A1",
    "delete-unchecked": "O3",
    "error-tells": "X3",
    "export-all": "X5",
    "filter-overrides": "S5",
    "get-unchecked": "O1",
    "global": "S1",
    "history-kept": "D4",
    "history-unchecked": "O4",
    "key-shared": "O6",
    "loose-types": "A6",
    "metadata-moves-owner": "O5",
    "prefix": "A1",
    "shared-user": "C2",
    "starved-search": "S4",
    "trimmed": "A3",
    "update-unchecked": "O2",
}
"""Each leak of the reference store, with the anomaly that it is."""
OVERLAPS = {"C1", "C2"}
"""Which of two calls that overlap gives a shared user away is chance."""

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def settings(leak: str, profile: str) -> Settings:
    command = f"command=node {{bridges}}/js/reference.mjs {leak}".strip()
    return Settings(target="reference-js", profile=profile, options=(command,), seed="1")


def test_the_helper_is_small() -> None:
    assert len((BRIDGES / "bridge.mjs").read_text(encoding="utf-8").splitlines()) < MOST_LINES


def test_the_leaks_are_those_that_the_store_has() -> None:
    node = [NODE, str(BRIDGES / "reference.mjs"), "no such leak"]
    said = subprocess.run(node, capture_output=True, encoding="utf-8", timeout=60, check=False)

    assert said.returncode == 1
    assert said.stderr.strip().partition("the leaks are ")[2].split(", ") == list(LEAKS)


def test_the_versions_are_those_of_the_files() -> None:
    versions = resolve("reference-js").versions()

    assert set(versions) == {"reference-js.toml", "reference.mjs"}
    assert all(found.startswith("sha256 ") for found in versions.values())


def test_the_clean_store_is_held_where_a_global_one_is_not() -> None:
    [clean] = ask(settings("", "quick"), only(SMOKE.check))
    [leaking] = ask(settings("global", "quick"), only(SMOKE.check))

    assert clean.verdict is Verdict.HELD, clean.reason
    assert "S1" in named([leaking])


@pytest.mark.system
def test_the_helpers_own_tests_pass() -> None:
    ran = subprocess.run(
        [NODE, "--test", str(BRIDGES)], capture_output=True, encoding="utf-8", timeout=300, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.system
@pytest.mark.parametrize("leak", LEAKS)
def test_each_leak_is_found(leak: str) -> None:
    name = LEAKS[leak]
    names = OVERLAPS if name in OVERLAPS else {name}
    results = examine(settings(leak, "quick"), until=name, enough=lambda one: bool(names & named([one])))

    assert names & named(results)


@pytest.mark.system
def test_the_clean_store_is_held_at_the_level_of_overlapping_calls(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "isolation_tests",
        "run",
        "reference-js",
        "-n",
        "1",
        f"--report={tmp_path}",
    ]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "HELD, level concurrent" in ran.stdout
    header = read(tmp_path).header
    assert header.target.distributions.keys() == {"reference-js.toml", "reference.mjs"}
