"""Classifies how two names are related, so that a finding gets the anomaly of that relation."""

from __future__ import annotations

import fnmatch
import math
import posixpath
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from urllib.parse import unquote_plus

from isolation_tests.testdata.relations import HOSTILE_VALUES

_RESERVED = frozenset(str(value.value) for value in HOSTILE_VALUES if value.anomaly == "A9")


_DEFAULTS = frozenset(
    value.value for value in HOSTILE_VALUES if value.anomaly == "S3" and isinstance(value.value, str)
)


def classify(a: object, b: object) -> str | None:
    """The anomaly that would explain why two different names are taken for one; None: no anomaly would."""
    if isinstance(a, str) and isinstance(b, str):
        return None if a == b else _first(a, b)
    if type(a) is type(b) and a == b:
        return None
    if any(isinstance(name, Mapping | list | tuple) and name for name in (a, b)):
        return "S6"
    if _number(a) is not None and _number(a) == _number(b):
        return "A6"
    if any(name is None or not name or name in _DEFAULTS for name in (a, b)):
        return "S3"
    return "A6" if str(a) == str(b) else _first(str(a), str(b))


def _first(a: str, b: str) -> str | None:
    return next((anomaly for anomaly, explains in _EXPLANATIONS if explains(a, b)), None)


def _number(name: object) -> float | None:
    if not isinstance(name, str | int | float):
        return None
    try:
        number = float(name)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _same_number(a: str, b: str) -> bool:
    # Names that differ only in outer blanks are padded, whatever stands between the blanks.
    if a.strip() == b.strip():
        return False
    return _number(a) is not None and _number(a) == _number(b)


def same_letters(a: str, b: str) -> bool:
    """Whether the names differ only in case, letter by letter; a change of length is a normal form."""
    return len(a) == len(b) and (a.casefold() == b.casefold() or a.upper() == b.upper())


def _same_padding(a: str, b: str) -> bool:
    return re.sub(r"[ \t\r\n]+", " ", a).strip() == re.sub(r"[ \t\r\n]+", " ", b).strip()


def _same_without_marks(a: str, b: str) -> bool:
    return _unmarked(a) == _unmarked(b)


def _unmarked(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if unicodedata.category(c) != "Mn")


# Cyrillic and Greek letters that look like Latin ones in most fonts, by their Unicode names.
_DRAWN_ALIKE = {
    "CYRILLIC SMALL LETTER": "A:a IE:e O:o ER:p ES:c U:y HA:x DZE:s JE:j QA:q WE:w",
    "CYRILLIC CAPITAL LETTER": "A:A VE:B IE:E KA:K EM:M EN:H O:O ER:P ES:C TE:T U:Y HA:X DZE:S JE:J",
    "GREEK SMALL LETTER": "OMICRON:o NU:v",
    "GREEK CAPITAL LETTER": "ALPHA:A BETA:B EPSILON:E ZETA:Z ETA:H IOTA:I KAPPA:K OMICRON:O RHO:P TAU:T",
}
_LOOKALIKES = {
    ord(unicodedata.lookup(f"{script} {letter}")): latin
    for script, letters in _DRAWN_ALIKE.items()
    for letter, latin in (each.split(":") for each in letters.split())
}


def same_form(a: str, b: str) -> bool:
    """Whether the names are drawn alike: by compatibility form, lookalikes and invisible characters."""
    return _form(a) == _form(b)


def _form(name: str) -> str:
    visible = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return visible.translate(_LOOKALIKES).replace("\u00df", "ss").replace("\u1e9e", "SS")


def _same_path(a: str, b: str) -> bool:
    return _path(a) == _path(b)


def _path(name: str) -> str:
    for _ in range(3):
        name = unquote_plus(name)
    return posixpath.normpath(re.split(r"[;?#]", name.replace("\\", "/"), maxsplit=1)[0])


def _same_segments(a: str, b: str) -> bool:
    return _segments(a) == _segments(b)


def _segments(name: str) -> str:
    return re.sub(r"[-&=_:/.|,; ]", ":", name)


_SHORT = 63


def _same_beginning(a: str, b: str) -> bool:
    """Whether the names are equal up to a NUL, or in their first 63 bytes (the lowest database limit)."""
    if "\0" in a + b and a.split("\0", 1)[0] == b.split("\0", 1)[0]:
        return True
    return a.encode(errors="replace")[:_SHORT] == b.encode(errors="replace")[:_SHORT]


def _contained(a: str, b: str) -> bool:
    return (a in b or b in a) and bool(a and b)


_MAX_SYMBOLS, _MAX_PATTERN = 12, 500


def _pattern(a: str, b: str) -> bool:
    return matches(a, b) or matches(b, a)


def matches(pattern: str, name: str) -> bool:
    """Whether `pattern` matches `name` as an SQL LIKE, a glob or a regular expression."""
    symbols = re.findall(r"[_%*?\[.+(|]", pattern)
    # Nested repeats and many wildcards can take forever to fail, and short patterns show the fault too.
    if not 0 < len(symbols) <= _MAX_SYMBOLS or len(pattern) > _MAX_PATTERN or re.search(r"\)[*+?{]", pattern):
        return False
    like = re.escape(pattern).replace("%", ".*").replace("_", ".")
    return any(_full_match(each, name) for each in (like, fnmatch.translate(pattern), pattern))


def _full_match(pattern: str, name: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.fullmatch(pattern, name, re.DOTALL) is not None
    except (re.error, OverflowError):
        return False


def _either(test: Callable[[str], bool]) -> Callable[[str, str], bool]:
    return lambda a, b: test(a) or test(b)


def _operator(name: str) -> bool:
    return re.search(r"""['"`]|\$\{|\{\{|\}\||\bOR\b|\*:\*""", name) is not None


def _repeats_a_key(name: str) -> bool:
    return re.search(r'",\s*"', name) is not None


# Narrow explanations come first: a trailing space counts as padding rather than a prefix, an NFD accent as a
# normal form rather than an accent, and a swapped separator as a separator rather than a match of '_'.
_EXPLANATIONS: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
    ("S3", _either(lambda name: name in _DEFAULTS)),
    ("A9", _either(lambda name: name.casefold() in _RESERVED)),
    ("A6", _same_number),
    ("A3", same_letters),
    ("A3", _same_padding),
    ("A4", same_form),
    ("A3", _same_without_marks),
    ("A5", _same_segments),
    ("A8", _same_path),
    ("S6", _either(_repeats_a_key)),
    ("A1", _contained),
    ("A7", _same_beginning),
    ("A9", _either(lambda name: name[:1] in ("!", "-", ">", "<", "~", "^"))),
    ("A2", _pattern),
    ("S6", _either(_operator)),
)
