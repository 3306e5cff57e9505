"""Shows names in reports so that no reader can mistake one for another."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from itertools import groupby

from isolation_tests.testdata.classification import same_letters

_LONG_RUN = 16
_BASIC_PLANE = 0x10000


def show(name: object) -> str:
    r"""The name, quoted; invisible and non-ASCII characters are spelled out (\u200b).

    A run of 16 or more equal characters is written once, with its length in brackets.
    """
    if not isinstance(name, str):
        return ascii(name)
    return "'" + "".join(_run(char, len(list(run))) for char, run in groupby(name)) + "'"


def _run(char: str, count: int) -> str:
    return f"{_spell(char)}…(\u00d7{count})" if count >= _LONG_RUN else _spell(char) * count


def _spell(char: str) -> str:
    if char in "'\\":
        return "\\" + char
    if char.isascii() and char.isprintable():
        return char
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    code = ord(char)
    return short or (f"\\u{code:04x}" if code < _BASIC_PLANE else f"\\U{code:08x}")


_KINDS = (
    (bool, "a boolean"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a float"),
    (type(None), "None"),
    (Mapping, "an object"),
    (list, "a list"),
)


def _kind(name: object) -> str:
    return next((words for kind, words in _KINDS if isinstance(name, kind)), type(name).__name__)


def difference(a: object, b: object) -> str:
    """How b differs from a, as a short phrase."""
    if not (isinstance(a, str) and isinstance(b, str)):
        same = type(a) is type(b)
        return f"a is {show(a)}, b is {show(b)}" if same else f"a is {_kind(a)}, b is {_kind(b)}"
    if a == b:
        return "a and b are the same"
    return _extension(a, b) or _invisible(a, b) or _replaced(a, b)


def _extension(a: str, b: str) -> str:
    for short, long, names in ((a, b, "b = {}a{}"), (b, a, "a = {}b{}")):
        if short and short in long:
            head, _, tail = long.partition(short)
            return names.format(f"{show(head)} + " * bool(head), f" + {show(tail)}" * bool(tail))
    return ""


def _invisible(a: str, b: str) -> str:
    if same_letters(a, b):
        return "differs in case"
    if unicodedata.normalize("NFC", a) == unicodedata.normalize("NFC", b):
        return "differs in Unicode normal form only"
    return ""


def _replaced(a: str, b: str) -> str:
    head = _shared(a, b)
    tail = _shared(a[head:][::-1], b[head:][::-1])
    mine, other = a[head : len(a) - tail], b[head : len(b) - tail]
    place = f"after {head} equal characters" if head else "at the start"
    if mine and other:
        return f"a has {show(mine)} where b has {show(other)}, {place}"
    return f"b has {show(other)} more, {place}" if other else f"a has {show(mine)} more, {place}"


def _shared(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
