"""Writes a replay file as a test: `isolation-tests replay FILE --as-test TEST`."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.core.errors import UsageProblem
from isolation_tests.core.masking import MASK, masked_options
from isolation_tests.engine.replay import enough
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.replay_file import Replay, read_replay
from isolation_tests.reporting.narrative.as_test import Asked, quoted, written_test
from isolation_tests.targets.places import parted
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from isolation_tests.targets.shipped import is_shipped
from isolation_tests.testdata.display import show

__all__ = ["Wanted", "write_test"]

_OWN = "isolation_memory"
_COLLECTED = re.compile(r"test_.+\.py|.+_test\.py")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said about the test. fixture: the name of a fixture that gives the memory."""

    path: Path
    target: str | None
    fixture: str | None
    options: tuple[str, ...]
    times: int | None
    force: bool


def write_test(file: Path, wanted: Wanted) -> str:
    """Write the test; return what it will test, in one sentence.

    Raises a `Problem` for a file that is no replay file, for a target that does not exist, for a secret that
    would be written, and for a test that exists.
    """
    record = read_replay(file)
    path = wanted.path
    if not _COLLECTED.fullmatch(path.name):
        raise UsageProblem(f"{path} would not be collected by pytest; name it test_*.py.")
    fixture = _fixture(wanted)
    shipped = record.target if is_shipped(record.target) and not fixture else ""
    if spec := wanted.target or shipped:
        resolve(spec)
    asked = Asked(
        tries=wanted.times or enough(record),
        target=_expression(spec, path),
        fixture=fixture,
        options=_options(record, spec, Settings(options=wanted.options).option_map()),
    )
    if path.exists() and not wanted.force:
        raise UsageProblem(f"{path} already exists; choose another name, or replace it with --force.")
    write_whole(path, written_test(record, asked).encode("ascii"))
    return f"wrote {path}; it tests {spec or f'what your fixture {fixture or _OWN} gives'}: pytest {path}"


def _fixture(wanted: Wanted) -> str:
    name = wanted.fixture or ""
    if name and wanted.target:
        raise UsageProblem("--fixture and --target both say what is tested; give one of them.")
    if name and (not name.isidentifier() or not name.isascii() or keyword.iskeyword(name)):
        raise UsageProblem(f"{show(name)} can't be the name of a fixture; give the name of a function.")
    return name


def _expression(spec: str, test: Path) -> str:
    """A Python expression for a target's name; a file is named as it lies from the test."""
    if not spec:
        return ""
    head, place, tail = parted(spec)
    if not place:
        return quoted(spec)
    lies = Path(os.path.relpath(place, test.parent)).as_posix()
    parts = [quoted(head) if head else "", f"str(HERE / {quoted(lies)})", quoted(tail) if tail else ""]
    return " + ".join(part for part in parts if part)


def _options(record: Replay, spec: str, given: Mapping[str, str]) -> dict[str, str | None]:
    """The options that the test passes; a secret of the recorded run has its name only.

    As for a replay, the values in the file are not used, and none of its options may be missing.
    """
    if not spec and given:
        raise UsageProblem("-O gives an option to a target; name it with --target.")
    for name, masked in masked_options(given).items():
        if MASK in masked:
            raise UsageProblem(
                f"The option {show(name)} looks like a secret, so it is not written into a test; leave it "
                "out, and give it to pytest with --isolation-option."
            )
    options: dict[str, str | None] = dict(given)
    for name, value in (record.options if spec and spec == record.target else {}).items():
        if MASK in value:
            options.setdefault(name, None)
        elif name not in options:
            raise UsageProblem(
                f"The replay file is not trusted with the option {show(name)} of the run; pass it again "
                "with -O."
            )
    return options
