"""Where the suite's own data lies: in the wheel beside the package, in a clone under fixtures/."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_PACKAGED = _PACKAGE / "_data"
_CLONED = _PACKAGE.parent / "fixtures"


def folder(name: str) -> Path:
    """The folder of that name: "targets", "plans" or "staging"."""
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else _CLONED / name
