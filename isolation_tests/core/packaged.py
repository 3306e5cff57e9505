"""Where the suite's data files are: in the package of a wheel; in a clone, in fixtures/ or beside it."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_PACKAGED = _PACKAGE / "_data"
_CLONED = _PACKAGE.parent / "fixtures"


def folder(name: str) -> Path:
    """The path of a data folder such as "targets", "plans" or "bridges"."""
    places = (_PACKAGED / name, _CLONED / name)
    return next((place for place in places if place.is_dir()), _CLONED.parent / name)
