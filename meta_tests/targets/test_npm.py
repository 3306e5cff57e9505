"""Packages of npm: installed once into the cache, without their scripts; a failure is one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isolation_tests.core.distributions import not_a_release
from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets import npm
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.environments import run_there
from isolation_tests.targets.resolve import resolve

PACKAGES = ("@scope/store@1.0.5", "plain@2.0.0-beta.1")
# A stand-in for npm itself: it writes what npm leaves behind, and notes how it was called.
NPM = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
case "$*" in *missing*) echo "npm warn old"; echo "npm error code E404" >&2; exit 1 ;; esac
mkdir -p node_modules/@scope/store node_modules/plain
echo '{"version": "1.0.5"}' > node_modules/@scope/store/package.json
echo '{"version": "2.0.0-beta.1"}' > node_modules/plain/package.json
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the stand-in notes its calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "npm").write_text(NPM, encoding="utf-8")
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs / "calls"


def target(tmp_path: Path, *packages: str) -> Path:
    path = tmp_path / "store.toml"
    path.write_text(
        f'name = "store"\nadapter = "process"\nnpm = {list(packages)!r}\n'
        "[options]\ncommand = ['node', '{npm}/x.mjs']\n",
        encoding="utf-8",
    )
    return path


def test_they_are_installed_once_and_without_their_scripts(calls: Path) -> None:
    assert not npm.is_installed(PACKAGES)
    for _ in range(2):
        npm.install(PACKAGES, "store")

    [call] = calls.read_text(encoding="utf-8").splitlines()
    assert call.split()[0] == "install"
    assert "--ignore-scripts" in call
    assert npm.is_installed(PACKAGES)
    assert npm.is_installed(tuple(reversed(PACKAGES)))
    assert not npm.is_installed(PACKAGES[:1])
    assert npm.is_installed(())


def test_their_versions_are_those_that_npm_has_installed(calls: Path, tmp_path: Path) -> None:
    npm.install(PACKAGES, "store")
    versions = resolve(str(target(tmp_path, *PACKAGES))).versions()

    assert versions == {"@scope/store": "npm 1.0.5", "plain": "npm 2.0.0-beta.1"}
    assert [not_a_release(found) for found in versions.values()] == [None, None]


def test_a_failure_is_told_and_leaves_nothing(calls: Path) -> None:
    with pytest.raises(
        UsageProblem, match="store: npm could not install the packages and said: npm error code E404"
    ):
        npm.install(("missing@1.0.0",), "store")
    assert not npm.is_installed(("missing@1.0.0",))


def test_without_npm_it_is_told(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageProblem, match="install Node with npm"):
        npm.install(PACKAGES, "store")


def test_a_target_whose_packages_are_missing_says_how_to_install_them(calls: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageProblem, match="from npm; install them with `isolation-tests run store --own-env"
    ):
        resolve(str(target(tmp_path, *PACKAGES))).open()


def test_a_target_that_needs_only_packages_of_npm_runs_here(calls: Path, tmp_path: Path) -> None:
    config = TargetConfig(name="store", adapter="process", npm=PACKAGES)

    assert run_there(config, ["--version"]) == 0
    assert npm.is_installed(PACKAGES)


@pytest.mark.parametrize("package", ["mem0ai", "mem0ai@latest", "mem0ai@^3.1", "../x@1.0.0", "a b@1.0.0"])
def test_a_package_has_one_version(package: str) -> None:
    with pytest.raises(ValueError, match=r"write one such as 'mem0ai@3\.3\.1'"):
        npm.name_of(package)
