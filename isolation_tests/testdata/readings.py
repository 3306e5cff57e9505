"""Readings: the ways in which a faulty system may read one user's name as another's, each told in one phrase.

What violated checks have in common is learned by elimination: a reading stays if it takes every two names for
one that were one, and no two that were kept apart.
"""

from __future__ import annotations

import fnmatch
import math
import posixpath
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from isolation_tests.testdata.classification import classify, matches, same_form

__all__ = ["READINGS", "Reading"]

Takes = Callable[[object, object], bool]
"""Whether a call under the first name reaches what the second name has."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read names. anomaly: what it is called. phrase: which users are one, or who reaches whom."""

    anomaly: str
    phrase: str
    takes: Takes


def _texts(test: Callable[[str, str], bool]) -> Takes:
    return lambda a, b: isinstance(a, str) and isinstance(b, str) and a != b and test(a, b)


def _equal(anomaly: str, what: str, fold: Callable[[str], object]) -> Reading:
    return Reading(anomaly, f"names that {what} are one user", _texts(lambda a, b: fold(a) == fold(b)))


def _reaches(anomaly: str, which: str, test: Callable[[str, str], bool]) -> Reading:
    return Reading(anomaly, f"a user reaches every user whose name {which}", _texts(test))


def _without(pattern: str) -> Callable[[str], str]:
    return lambda name: re.sub(pattern, "", name)


def _number(a: object, b: object) -> bool:
    return a != b and classify(a, b) == "A6" and _value(a) == _value(b)


def _value(name: object) -> float:
    try:
        return float(name) if isinstance(name, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _unaccented(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if unicodedata.category(c) != "Mn")


def _visible(name: str) -> str:
    return "".join(c for c in name if unicodedata.category(c) != "Cf")


def _with_hyphens(name: str) -> str:
    return re.sub(r"[-&=_:/.|,; ]", "-", name)


def _path(name: str) -> str:
    return posixpath.normpath(f"/{name}").strip("/")


def _cut(length: int) -> Reading:
    return _equal("A7", f"differ only after {length} characters", lambda name: name[:length])


def _cut_bytes(length: int) -> Reading:
    return _equal(
        "A7", f"differ only after {length} bytes", lambda name: name.encode(errors="replace")[:length]
    )


def _spelled(a: object, b: object) -> bool:
    return type(a) is not type(b) and str(a) == str(b)


def _like(pattern: str, name: str, wild: str) -> bool:
    parts = {"_": ".", "%": ".*"}
    spelled = "".join(parts[char] if char in wild else re.escape(char) for char in pattern)
    return re.fullmatch(spelled, name, re.DOTALL) is not None


_LENGTHS = (32, 63, 64, 100, 128, 200, 255, 256, 300, 512, 1000, 1024, 2048, 4096)

# The narrow ones first: of two that fit equally well, the first is told.
READINGS: tuple[Reading, ...] = (
    _equal("A3", "differ only in spaces around them", str.strip),
    _equal("A3", "differ only in white space", lambda name: " ".join(name.split())),
    _equal("A3", "differ only in case", str.casefold),
    _equal("A3", "differ only in case (as capitals)", str.upper),
    _equal("A3", "differ only in case or in spaces around them", lambda name: name.strip().casefold()),
    _equal("A4", "are the same in Unicode form NFC", lambda name: unicodedata.normalize("NFC", name)),
    _equal("A3", "differ only in accents", _unaccented),
    _equal("A4", "differ only in invisible characters", _visible),
    _equal("A4", "differ only in a sharp s", lambda name: name.replace("\u00df", "ss")),
    _equal("A4", "are the same in Unicode form NFKC", lambda name: unicodedata.normalize("NFKC", name)),
    Reading("A4", "names that look alike are one user", _texts(same_form)),
    _equal("A6", "differ only in leading zeros", lambda name: name.lstrip("0")),
    Reading("A6", "a number and the text that spells it are one user", _spelled),
    Reading("A6", "names that are the same number are one user", _number),
    _equal("A3", "differ only in digits at their end", lambda name: name.rstrip("0123456789")),
    _equal("A5", "differ only after their last hyphen", lambda name: name.rpartition("-")[0] or name),
    _equal("A5", "differ only after a colon", lambda name: name.partition(":")[0]),
    _equal("A5", "differ only in which separators they have", _with_hyphens),
    _equal("A5", "differ only in separators", _without(r"[-&=_:/.|,; ]")),
    _equal("A5", "differ only in characters other than letters and digits", _without(r"[\W_]")),
    _equal("A7", "differ only after a NUL character", lambda name: name.partition("\0")[0]),
    *(_cut(length) for length in reversed(_LENGTHS)),
    *(_cut_bytes(length) for length in reversed(_LENGTHS)),
    _equal("A8", "are the same path", _path),
    _equal("A8", "are the same once URL-decoded", unquote),
    _equal("A8", "are the same once decoded as a form", unquote_plus),
    _equal("A8", "are the same path once URL-decoded", lambda name: _path(unquote(name))),
    _equal("A8", "differ only in slash and backslash", lambda name: name.replace("\\", "/")),
    _equal("A8", "differ only after ';', '?' or '#'", lambda name: re.split("[;?#]", name, maxsplit=1)[0]),
    _reaches(
        "A1",
        "begins with theirs and a separator",
        lambda a, b: re.match(r"[\W_]", b[len(a) :] or "a") is not None and b.startswith(a),
    ),
    _reaches("A1", "begins with theirs", lambda a, b: b.startswith(a)),
    _reaches("A1", "ends in theirs", lambda a, b: b.endswith(a)),
    _reaches("A1", "contains theirs", lambda a, b: a in b),
    _reaches("A1", "theirs begins with", lambda a, b: a.startswith(b)),
    Reading(
        "A1", "names of which one contains the other are one user", _texts(lambda a, b: a in b or b in a)
    ),
    _reaches("A2", "fits theirs with '_' for any character", lambda a, b: _like(a, b, "_")),
    _reaches("A2", "fits theirs read as an SQL LIKE pattern", lambda a, b: _like(a, b, "_%")),
    _reaches("A2", "fits theirs read as a glob", lambda a, b: fnmatch.fnmatchcase(b, a)),
    _reaches("A2", "fits theirs read as a pattern", matches),
)
