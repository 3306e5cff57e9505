"""What was installed for targets and is kept in the user's cache folder: environments and packages of npm."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from isolation_tests.core.errors import UsageProblem

_KINDS = ("environments", "npm")
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


def kept() -> list[Kept]:
    """All that is kept, the newest first."""
    return sorted(_found(), key=lambda one: one.made, reverse=True)


def _found() -> Iterator[Kept]:
    for kind in _KINDS:
        place = user_cache_path("isolation-tests") / kind
        for folder in place.iterdir() if place.is_dir() else ():
            if folder.is_dir():
                files = [path.lstat() for path in folder.rglob("*") if not path.is_dir()]
                made = dt.datetime.fromtimestamp(folder.lstat().st_mtime, dt.UTC)
                yield Kept(folder.name, _holds(folder), made, sum(file.st_size for file in files), folder)


def _holds(folder: Path) -> tuple[str, ...]:
    """What an environment's record, or the packages that npm was asked for, says was installed."""
    record = folder / _DONE
    if not record.is_file():
        return ()
    said = json.loads(record.read_text(encoding="utf-8"))
    # An environment's record is the Python version, pip's arguments and the suite's own files.
    packages = said[1] if folder.parent.name == _KINDS[0] else said
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
