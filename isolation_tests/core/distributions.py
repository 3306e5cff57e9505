"""Which distributions are installed here, and whether their versions are those that are asked for."""

from __future__ import annotations

import json
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

DIGEST = "sha256 "
"""How the version of what is a file and no distribution begins."""


def version(distribution: str) -> str | None:
    """The installed version of a distribution; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def unreleased(distribution: str) -> str | None:
    """Why what is installed is no release that others can install by its version; None where it is one.

    A branch, a folder or a file that was installed directly keeps the version of its sources; installers
    record it as https://packaging.python.org/en/latest/specifications/direct-url/ says.
    """
    found = version(distribution)
    if found is None:
        return "not installed"
    said = metadata.distribution(distribution).read_text("direct_url.json")
    if said is None:
        return not_a_release(found)
    try:
        origin = json.loads(said)
    except ValueError:
        return "installed from a place that is not on record"
    control = origin.get("vcs_info", {}).get("vcs")
    return f"installed from {'a ' + control + ' checkout' if control else 'a folder or file'}"


def not_a_release(version: str) -> str | None:
    """Why a version names no release: a development or local build, or a branch; None where it does."""
    try:
        read = Version(version)
    except InvalidVersion:
        return "no version"
    if read.is_devrelease:
        return "a development build"
    return "a local build" if read.local else None


def requirement(text: str) -> str:
    """A version requirement in its usual spelling; raises ValueError for a text that is none."""
    try:
        return str(Requirement(text))
    except InvalidRequirement as error:
        raise ValueError(f"{text!r} is no version requirement such as 'mem0ai>=1,<3'") from error


def is_met(text: str) -> bool:
    """Whether the installed version of a distribution is one of those that a requirement admits."""
    wanted = Requirement(text)
    installed = version(wanted.name)
    return installed is not None and wanted.specifier.contains(installed, prereleases=True)
