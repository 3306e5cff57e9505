"""Packages of npm that a target needs: installed once into the user's cache folder, and found there again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from isolation_tests.core.distributions import NPM
from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets import kept

_LONGEST_SECONDS = 900
_PINNED = re.compile(r"((?:@[a-z0-9._~-]+/)?[a-z0-9._~-]+)@([0-9][^\s@/]*)")


def name_of(package: str) -> str:
    """The name in `name@1.2.3`; raises ValueError unless it is one package in one version."""
    found = _PINNED.fullmatch(package)
    if found is None:
        raise ValueError(
            f"{package!r} is not a package of npm in one version; write one such as 'mem0ai@3.3.1'"
        )
    return found[1]


def folder(packages: tuple[str, ...]) -> Path:
    """Where these packages are or would be installed; the same packages have the same folder."""
    return kept.folder_of(kept.PACKAGES, _record(packages))


def _record(packages: tuple[str, ...]) -> str:
    return json.dumps(sorted(packages))


def is_installed(packages: tuple[str, ...]) -> bool:
    """Whether `install` has installed these packages."""
    return not packages or kept.is_installed(folder(packages))


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The installed version of each package, marked as npm's."""
    found = {}
    for name in map(name_of, packages):
        described = folder(packages) / "node_modules" / name / "package.json"
        text = described.read_text(encoding="utf-8") if described.is_file() else "{}"
        found[name] = f"{NPM}{json.loads(text).get('version', 'not installed')}"
    return found


def install(packages: tuple[str, ...], target: str) -> None:
    """Install the packages, unless they are there; raises `UsageProblem` with npm's reason if that fails.

    No package's own install script runs: none needs it, and some compile for minutes or download programs.
    """
    if is_installed(packages):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise UsageProblem(f"{target} needs {', '.join(packages)}; install Node with npm, and run it again.")
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", *packages]

    def put(place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (place / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        _run(command, place, target)

    kept.installed(kept.PACKAGES, _record(packages), packages, put)


def _run(command: list[str], place: Path, target: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - npm, with packages that the target's file names
            command, cwd=place, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageProblem(
            f"{target}: npm did not end within {_LONGEST_SECONDS} seconds; run it again."
        ) from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("npm error", "npm ERR!"))]
        raise UsageProblem(
            f"{target}: npm could not install the packages and said: {said[0] if said else 'nothing'}"
        )
