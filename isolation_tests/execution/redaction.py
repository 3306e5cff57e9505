"""What a run keeps of texts that came from a target: its own words, and a note for everything else."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

from isolation_tests.core.errors import withheld_text

__all__ = ["foreign", "own_words", "place_of", "unsaid"]

_LIBRARIES = ("site-packages", "dist-packages", "/lib/python", "isolation_tests")


def foreign(text: str) -> str:
    """The note in place of a text that this run did not write: its length and its digest."""
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    return f"[{len(text)} characters that this run did not write, digest {digest}]"


def own_words(text: str, written: Iterable[str]) -> str:
    """The text with a note in place of each part that this run did not write.

    written: the texts and tokens that it wrote. Parts without letters and digits say nothing and stay.
    """
    words = sorted({each for each in written if each}, key=len, reverse=True)
    if not words:
        return foreign(text)
    if text in words:
        return text
    kept, end = [], 0
    for match in re.finditer("|".join(map(re.escape, words)), text, re.IGNORECASE):
        kept += [_noted(text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*kept, _noted(text[end:])])


def _noted(part: str) -> str:
    return foreign(part) if any(char.isalnum() for char in part) else part


def place_of(error: BaseException) -> str:
    """Where in the adapter an exception was raised, as `file.py:12`; empty if that is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in _LIBRARIES)]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def unsaid(error_text: str, place: str = "") -> str:
    """The note in place of an error's text, with where the error was raised."""
    note = withheld_text(error_text)
    return f"{note} at {place}" if place else note
