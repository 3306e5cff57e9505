"""The targets that the suite ships, which a file that was read may name."""

from __future__ import annotations

from pathlib import Path

from isolation_tests.core import packaged
from isolation_tests.faults import FAULTS

FAULT = "fault:"
SCOPED = "scoped:"


def shipped() -> dict[str, Path]:
    """The target files that the suite ships, by short name."""
    return {path.stem: path for path in sorted(packaged.folder("targets").glob("*.toml"))}


def beneath(spec: str) -> str | None:
    """The target in front of which a seeded fault is planted; None for a name without one."""
    return (spec.partition("@")[2] or "reference") if spec.startswith(FAULT) else None


def is_shipped(spec: str) -> bool:
    """Whether a target's name leads to nothing but what the suite ships: no file and no module of a user.

    A seeded fault and ScopedMemory in front of such a target count too.
    """
    if spec.startswith(SCOPED):
        inner = spec.removeprefix(SCOPED)
        return not inner or is_shipped(inner)
    if spec.startswith(FAULT):
        name, _, inner = spec.removeprefix(FAULT).partition("@")
        return name in FAULTS and (not inner or is_shipped(inner))
    return spec in shipped()
