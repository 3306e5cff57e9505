"""A target's text made safe to show: characters that could steer a page or a terminal are spelled out."""

from __future__ import annotations

import unicodedata

__all__ = ["MOST_CHARACTERS", "character", "inert", "plain", "spelled"]

MOST_CHARACTERS = 2000
_MOST_MARKS = 3
_LAID_OUT = frozenset("\n\t")
_SEPARATORS = frozenset(("Zl", "Zp"))
# Unicode gives control characters no name of their own, only aliases.
_CONTROLS = {
    "\x00": "NULL",
    "\x07": "BELL",
    "\x08": "BACKSPACE",
    "\t": "CHARACTER TABULATION",
    "\n": "LINE FEED",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
}
_NAMELESS = {
    "Cc": "CONTROL CHARACTER",
    "Cn": "UNASSIGNED CHARACTER",
    "Co": "PRIVATE USE CHARACTER",
    "Cs": "LONE SURROGATE",
}


def inert(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""The beginning of a text with unsafe characters spelled out (\u202e), and how much was cut.

    Unsafe are control and direction characters, characters without width, lone surrogates, line separators,
    and marks that pile up on one letter.
    """
    head = text[:most]
    if not (head.isascii() and head.isprintable()):
        head = "".join(_harmless(head))
    left_out = len(text) - most
    return head if left_out <= 0 else f"{head} … ({left_out:,} more characters are left out)"


def plain(text: str) -> str:
    r"""The text with control and direction characters spelled out (\x1b): it can't steer the terminal."""
    return "".join(
        char if char in _LAID_OUT or not unicodedata.category(char).startswith("C") else ascii(char)[1:-1]
        for char in text
    )


def _harmless(text: str) -> list[str]:
    kept, marks = [], 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category.startswith("M") else 0
        steers = category.startswith("C") or category in _SEPARATORS or marks > _MOST_MARKS
        kept.append(ascii(char)[1:-1] if steers and char not in _LAID_OUT else char)
    return kept


def character(char: str) -> str:
    """A character as its code and Unicode name: `U+200B ZERO WIDTH SPACE`."""
    nameless = _NAMELESS.get(unicodedata.category(char), "CHARACTER WITHOUT A NAME")
    return f"U+{ord(char):04X} {unicodedata.name(char, _CONTROLS.get(char, nameless))}"


def spelled(char: str) -> bool:
    """Whether a reader could overlook the character, so that it has to be shown by its code and name."""
    category = unicodedata.category(char)
    return category[0] in "CM" or (category[0] == "Z" and char != " ")
