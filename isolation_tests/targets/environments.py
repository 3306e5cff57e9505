"""Separate environments, for targets that need other releases than the installed ones."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets import kept, npm
from isolation_tests.targets.config import TargetConfig


def requirements(config: TargetConfig) -> tuple[str, ...]:
    """The arguments for pip: this suite with the target's extra, and the releases that it requires."""
    extra = f"[{config.extra}]" if config.extra else ""
    return (*_suite(extra), *config.requires)


def environment(config: TargetConfig) -> Path:
    """The Python interpreter of the target's own environment, created by the first call and kept.

    It is in the user's cache folder. A change to the suite that pip would notice gets a new environment.
    Raises `UsageProblem` with pip's last error line if a requirement can't be installed.
    """
    wanted = requirements(config)

    def install(folder: Path) -> None:
        venv.create(folder, clear=True, with_pip=True)
        _install(_python(folder), wanted, config.name)

    record = json.dumps([sys.version_info[:3], wanted, _contents()])
    return _python(kept.installed(kept.ENVIRONMENTS, record, wanted, install))


def _python(folder: Path) -> Path:
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def run_there(config: TargetConfig, arguments: Sequence[str]) -> int:
    """Run `isolation-tests` with these arguments in the target's own environment; return its exit status.

    A target that needs only packages of npm besides what is installed here runs here.
    """
    npm.install(config.npm, config.name)
    here = bool(config.npm) and not config.lacking()
    python = Path(sys.executable) if here else environment(config)
    return subprocess.run([python, "-m", "isolation_tests", *arguments], check=False).returncode  # noqa: S603


def _install(python: Path, wanted: Sequence[str], name: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["nothing"]
        raise UsageProblem(
            f"{name}: creating an environment with {', '.join(wanted)} failed; pip said: {said[-1]}"
        )


def _suite(extra: str) -> tuple[str, ...]:
    """This suite as an argument for pip: the folder that it was installed from, or its release."""
    distribution = metadata.distribution("isolation-tests")
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    place = urlparse(origin.get("url", ""))
    if place.scheme != "file":
        return (f"isolation-tests{extra}=={distribution.version}",)
    folder = f"{unquote(place.path)}{extra}"
    return ("--editable", folder) if origin.get("dir_info", {}).get("editable") else (folder,)


def _contents() -> list[str]:
    """The suite's requirements and file hashes, because a suite in a folder can change under one version."""
    distribution = metadata.distribution("isolation-tests")
    hashes = [path.hash.value for path in distribution.files or () if path.suffix == ".py" and path.hash]
    return [*(distribution.requires or ()), *sorted(hashes)]
