"""What was installed for targets and is kept in the user's cache folder: environments and packages of npm."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from isolation_tests.core.errors import UsageProblem

ENVIRONMENTS, PACKAGES = "environments", "npm"
_DONE = "installed.json"
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """One folder. id: the name of the folder. holds: what was installed. made: when. bytes: its size on disk.

    holds is empty where the installation did not end.
    """

    id: str
    holds: tuple[str, ...]
    made: dt.datetime
    bytes: int
    folder: Path


def folder_of(kind: str, record: str) -> Path:
    """Where what this record describes is or would be installed. kind: `ENVIRONMENTS` or `PACKAGES`."""
    digest = hashlib.sha256(record.encode()).hexdigest()[:16]
    return user_cache_path("isolation-tests") / kind / digest


def is_installed(folder: Path) -> bool:
    """Whether the installation into this folder came to its end."""
    return (folder / _DONE).is_file()


def installed(kind: str, record: str, wanted: Sequence[str], install: Callable[[Path], None]) -> Path:
    """The folder with what this record describes, for which `install` is called once, by one process."""
    folder = folder_of(kind, record)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not is_installed(folder):
            print(f"installing {', '.join(wanted)} into {folder}, which is kept", file=sys.stderr)  # noqa: T201
            install(folder)
            (folder / _DONE).write_text(record, encoding="utf-8")
    return folder


def kept() -> list[Kept]:
    """All that is kept, the newest first."""
    return sorted(_found(), key=lambda one: one.made, reverse=True)


def _found() -> Iterator[Kept]:
    for kind in (ENVIRONMENTS, PACKAGES):
        place = user_cache_path("isolation-tests") / kind
        for folder in place.iterdir() if place.is_dir() else ():
            if folder.is_dir():
                files = [path.lstat() for path in folder.rglob("*") if not path.is_dir()]
                made = dt.datetime.fromtimestamp(folder.lstat().st_mtime, dt.UTC)
                yield Kept(folder.name, _holds(folder), made, sum(file.st_size for file in files), folder)


def _holds(folder: Path) -> tuple[str, ...]:
    """What an environment's record, or the packages that npm was asked for, says was installed."""
    if not is_installed(folder):
        return ()
    said = json.loads((folder / _DONE).read_text(encoding="utf-8"))
    # An environment's record is the Python version, pip's arguments and the suite's own files.
    packages = said[1] if folder.parent.name == ENVIRONMENTS else said
    return tuple(str(package) for package in packages if package != "--editable")


def remove(id: str) -> Kept:
    """Remove the one folder whose name begins with `id`; a run that needs it installs it again.

    Raises `UsageProblem` if there is no such folder, or if several begin so.
    """
    found = [one for one in kept() if len(id) >= _FEWEST_LETTERS and one.id.startswith(id)]
    if len(found) != 1:
        many = "several environments begin with" if found else "there is no environment"
        raise UsageProblem(f"{many} {id!r}; `isolation-tests environments` lists them with their ids.")
    lock = found[0].folder.with_name(f"{found[0].id}.lock")
    with FileLock(lock):
        shutil.rmtree(found[0].folder)
    lock.unlink(missing_ok=True)
    return found[0]
