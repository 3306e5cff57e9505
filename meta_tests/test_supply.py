"""The lock files of CI: they hold all that it needs, each package with the digests of its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK, DOCS = (
    (ROOT / ".ci" / f"{name}.lock").read_text(encoding="utf-8") for name in ("requirements", "docs")
)
EXTRAS = {LOCK: ("dev", "release", "systems"), DOCS: ("docs",)}
BOTH = pytest.mark.parametrize("lock", [LOCK, DOCS], ids=["requirements", "docs"])
DIGESTS = r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
PIN = re.compile(rf"^([A-Za-z0-9._-]+)==(\S+?)(?: ; (.+?))? \\\n{DIGESTS}", re.MULTILINE)


def pins(lock: str) -> dict[str, list[tuple[Version, Marker | None]]]:
    """The locked versions of each package, with where each applies."""
    found: dict[str, list[tuple[Version, Marker | None]]] = {}
    for name, version, marker, _ in PIN.findall(lock):
        where = Marker(marker) if marker else None
        found.setdefault(canonicalize_name(name), []).append((Version(version), where))
    return found


def needed(extras: tuple[str, ...]) -> list[Requirement]:
    """What the project and these extras need, those that an extra names of its own included."""
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        for text in PROJECT["optional-dependencies"][extra]:
            inner = Requirement(text)
            if inner.name == PROJECT["name"]:
                texts += [str(each) for each in needed(tuple(inner.extras))]
            else:
                texts.append(text)
    return [Requirement(text) for text in dict.fromkeys(texts)]


@BOTH
def test_every_package_has_its_digests(lock: str) -> None:
    named = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(named) > (100 if lock is LOCK else 30)
    assert len(PIN.findall(lock)) == len(named)


@BOTH
def test_the_lock_names_no_index(lock: str) -> None:
    assert "://" not in lock
    assert not re.search(r"^--", lock, re.MULTILINE)


def test_the_documentation_is_built_beside_what_is_tested() -> None:
    """What both lock files name has one version, because .ci/run installs one on top of the other."""
    tested, added = pins(LOCK), pins(DOCS)

    for name in {*tested} & {*added}:
        assert {version for version, _ in added[name]} <= {version for version, _ in tested[name]}, name


@BOTH
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_lock_fits_the_project(version: str, lock: str) -> None:
    locked, system = pins(lock), {"python_version": version, "python_full_version": f"{version}.1"}
    for requirement in needed(EXTRAS[lock]):
        if requirement.marker is not None and not requirement.marker.evaluate(system):
            continue
        there = [
            pin
            for pin, where in locked.get(canonicalize_name(requirement.name), [])
            if where is None or where.evaluate(system)
        ]
        assert len(there) == 1, f"{requirement}: run .ci/lock"
        assert there[0] in requirement.specifier, f"{requirement}: run .ci/lock"
