"""Two names side by side: their differing characters, and characters that a reader can't see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

from isolation_tests.core.inert import character, spelled
from isolation_tests.testdata.display import show

__all__ = ["Character", "Piece", "Sides", "alone", "side_by_side"]

_A, _B = "user a", "user b"
_MOST_COMPARED = 600
_LONG_EQUAL = 48
_KEPT_EQUAL = 16
_MOST_DIFFERING = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a name as it is shown. differs: the other name has other characters there."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Character:
    """A differing or invisible character, by code and name. whose: the name that contains it."""

    name: str
    whose: str


@dataclass(frozen=True, slots=True)
class Sides:
    """Two names in pieces, and the characters worth a note."""

    a: tuple[Piece, ...]
    b: tuple[Piece, ...]
    characters: tuple[Character, ...]


def side_by_side(a: object, b: object) -> Sides:
    """How two names differ, character by character; a name that is not text is shown as a whole."""
    if not (isinstance(a, str) and isinstance(b, str)):
        return Sides((_typed(a),), (_typed(b),), (*_unseen(a, _A), *_unseen(b, _B)))
    mine: list[Piece] = []
    theirs: list[Piece] = []
    characters: dict[Character, None] = {}
    for equal, one, other in _runs(a, b):
        mine += _piece(one, differs=not equal)
        theirs += _piece(other, differs=not equal)
        for text, whose in ((one, _A), (other, _B)):
            characters |= dict.fromkeys(_unseen(text, whose, everything=not equal))
    return Sides(tuple(mine), tuple(theirs), tuple(characters))


def alone(name: object) -> Sides:
    """One name, with its invisible characters spelled out."""
    whole = _plain(name) if isinstance(name, str) else show(name)
    return Sides((Piece(whole),), (), tuple(_unseen(name, _A)))


def _typed(name: object) -> Piece:
    return Piece(f"{show(name)} ({type(name).__name__})", differs=True)


def _runs(a: str, b: str) -> Iterator[tuple[bool, str, str]]:
    """Equal and differing runs in order; the common start and end are split off first."""
    head = _shared(a, b)
    tail = _shared(a[head:][::-1], b[head:][::-1])
    one, other = a[head : len(a) - tail], b[head : len(b) - tail]
    yield True, a[:head], b[:head]
    if max(len(one), len(other)) > _MOST_COMPARED:
        yield False, one, other
    else:
        for tag, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
            yield tag == "equal", one[i:j], other[k:m]
    yield True, a[len(a) - tail :], b[len(b) - tail :]


def _shared(a: str, b: str) -> int:
    """The length of the common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _piece(text: str, *, differs: bool) -> list[Piece]:
    if not text:
        return []
    if differs:
        left_out = len(text) - _MOST_DIFFERING
        more = f"…({left_out:,} more)" if left_out > 0 else ""
        shown = "".join(_marked(char) for char in text[:_MOST_DIFFERING])
        return [Piece(shown + more, differs=True)]
    if len(text) > _LONG_EQUAL:
        left_out = len(text) - 2 * _KEPT_EQUAL
        head, tail = _plain(text[:_KEPT_EQUAL]), _plain(text[-_KEPT_EQUAL:])
        return [Piece(f"{head}…({left_out:,} equal characters)…{tail}")]
    return [Piece(_plain(text))]


def _plain(text: str) -> str:
    return "".join(f"[{character(char)}]" if spelled(char) else char for char in text[:_MOST_COMPARED])


def _marked(char: str) -> str:
    """A differing character, with its name if it could be mistaken for another."""
    if char == " " or spelled(char):
        return f"[{character(char)}]"
    return char if char.isascii() else f"{char}[{character(char)}]"


def _unseen(text: object, whose: str, *, everything: bool = False) -> Iterator[Character]:
    """The characters worth a note: invisible ones and, where names differ, all but plain letters."""
    if not isinstance(text, str):
        return
    for char in dict.fromkeys(text[:_MOST_COMPARED]):
        if spelled(char) or (everything and (char == " " or not char.isascii() or not char.isalnum())):
            yield Character(character(char), whose)
