"""Where the suite's data files are: inside the package in a wheel, under fixtures/ in a clone."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_PACKAGED = _PACKAGE / "_data"
_CLONED = _PACKAGE.parent / "fixtures"


def folder(name: str) -> Path:
    """The path of a data folder such as "targets", "plans" or "staging"."""
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else _CLONED / name
