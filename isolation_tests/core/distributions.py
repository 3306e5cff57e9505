"""Which distributions are installed, and whether their versions meet a requirement."""

from __future__ import annotations

import json
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

DIGEST = "sha256 "
"""Version prefix for file-based adapters, which have a digest in place of a version."""

NPM = "npm "
"""Version prefix for packages of npm, which pip knows nothing of."""


def version(distribution: str) -> str | None:
    """The installed version of a distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def unreleased(distribution: str) -> str | None:
    """Why the installed distribution is not a published release; None if it is one.

    A branch, folder or file that was installed directly keeps the version number of its sources. Installers
    record the origin: https://packaging.python.org/en/latest/specifications/direct-url/.
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
        return "installed from an unknown place"
    control = origin.get("vcs_info", {}).get("vcs")
    return f"installed from {'a ' + control + ' checkout' if control else 'a folder or file'}"


def not_a_release(version: str) -> str | None:
    """Why a version is not a release (a development build, a local build, a branch); None if it is one.

    version: of a Python distribution, or of a package of npm with the prefix `NPM`.
    """
    try:
        read = Version(version.removeprefix(NPM))
    except InvalidVersion:
        return "no version"
    if read.is_devrelease:
        return "a development build"
    return "a local build" if read.local else None


def requirement(text: str) -> str:
    """A version requirement in normal form; raises ValueError if the text is not a requirement."""
    try:
        return str(Requirement(text))
    except InvalidRequirement as error:
        raise ValueError(
            f"{text!r} is not a version requirement; write one such as 'mem0ai>=1,<3'"
        ) from error


def is_met(text: str) -> bool:
    """Whether the installed version of a distribution meets a requirement."""
    wanted = Requirement(text)
    installed = version(wanted.name)
    return installed is not None and wanted.specifier.contains(installed, prereleases=True)
