"""The file within a target's name: where it lies does not depend on the folder in which a process works."""

from __future__ import annotations

from pathlib import Path

from isolation_tests.targets.factories import is_file
from isolation_tests.targets.shipped import FAULT, SCOPED

__all__ = ["parted", "placed"]


def parted(spec: str) -> tuple[str, str, str]:
    """What stands before the file in a target's name, the file, and what stands after it.

    A name without a file is all "before": `fault:X@my.py:open` is ("fault:X@", "my.py", ":open"), and
    `mem0` is ("mem0", "", "").
    """
    head = ""
    while True:
        if spec.startswith(SCOPED):
            head, spec = f"{head}{SCOPED}", spec.removeprefix(SCOPED)
        elif spec.startswith(FAULT) and "@" in spec:
            fault, _, spec = spec.partition("@")
            head = f"{head}{fault}@"
        else:
            break
    if spec.endswith(".toml"):
        return head, spec, ""
    if is_file(spec):
        place, _, attribute = spec.rpartition(":")
        return head, place, f":{attribute}"
    return f"{head}{spec}", "", ""


def placed(spec: str, folder: Path) -> str:
    """The same target, with the whole path of its file; folder: what the path in the name is relative to."""
    head, place, tail = parted(spec)
    return f"{head}{folder / place}{tail}" if place else spec
