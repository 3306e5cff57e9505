"""The templates of the pages: any text is cut, made inert and escaped; markup made here passes untouched."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isolation_tests.core.inert import MOST_CHARACTERS, inert

TEMPLATES = Path(__file__).parent / "templates"


def environment(most: int = MOST_CHARACTERS) -> Environment:
    """Templates in which a text shows its first `most` characters."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=partial(_final, most),
    )


def _final(most: int, value: object) -> object:
    # Markup is a text too, of a type of its own.
    return inert(value, most) if type(value) is str else value
