"""The page templates: any text is cut, made inert and escaped; only our own markup passes unchanged."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isolation_tests.core.inert import MOST_CHARACTERS, inert

TEMPLATES = Path(__file__).parent / "templates"


def environment(most: int = MOST_CHARACTERS) -> Environment:
    """Templates that show at most the first `most` characters of a text."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=partial(_final, most),
    )


def _final(most: int, value: object) -> object:
    # Markup is a subclass of str.
    return inert(value, most) if type(value) is str else value
