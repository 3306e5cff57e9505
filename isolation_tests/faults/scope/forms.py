"""A3, A4, A6 and A7: two names become equal when they are folded, normalised, converted or cut."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import partial
from typing import Any

from isolation_tests.faults.support.base import Fault
from isolation_tests.faults.support.merged import folded, merged
from isolation_tests.faults.support.renamed import renamed

_CYRILLIC = "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0455\u0458\u0410\u0412\u0421\u0415\u041d"
_GREEK = "\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u03a5\u0396\u03bf\u03bd"
_LOOKS_LIKE = str.maketrans(_CYRILLIC + _GREEK, "aceopxyisj" + "ABCEH" + "ABEHIKMNOPTXYZ" + "ov")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"))


def _lower(name: str) -> str:
    """Lower case, if it can be undone; folds that change the letter itself are normal forms (A4)."""
    return "".join(c.lower() if c.lower().upper() == c else c for c in name)


def _without_accents(name: str) -> str:
    """Composed letters without their accents; separate accents stay, because folding them would be A4."""
    return "".join(_base_letter(c) for c in name)


def _base_letter(c: str) -> str:
    decomposed = unicodedata.normalize("NFD", c)
    is_accented = len(decomposed) > 1 and all(map(unicodedata.combining, decomposed[1:]))
    return decomposed[0] if is_accented else c


def _upper(name: str) -> str:
    """Capitals of letters that have a single one; both small sigmas share one, and so do i and dotless i."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in name)


def _as_text(user: Any) -> Any:
    return str(user) if isinstance(user, int | float) else user


def _as_integer(user: Any) -> Any:
    text = str(user) if isinstance(user, str | int | float) else ""
    is_number = re.fullmatch(r"\+?[0-9]{1,60}(\.0{1,30})?", text)
    return str(int(text.partition(".")[0])) if is_number else user


def _as_float(user: Any) -> Any:
    text = str(user) if isinstance(user, str | int | float) else ""
    is_number = re.fullmatch(r"[+-]?[0-9][0-9_]*(\.[0-9]+)?(e[+-]?[0-9]{1,2})?", text)
    return repr(float(text)) if is_number and "__" not in text and not text.endswith("_") else user


def _as_truth(user: Any) -> Any:
    texts = {"true": "true", "True": "true", "false": "false", "False": "false"}
    if isinstance(user, str):
        return texts.get(user, user)
    return texts[str(bool(user))] if isinstance(user, int | float) and user in (0, 1) else user


FAULTS = (
    Fault(
        "A3-casefold",
        "A3",
        "Names are compared without regard to case.",
        merged(folded(_lower)),
        like="camunda#63654",
    ),
    Fault(
        "A3-upper",
        "A3",
        "Names are compared in capitals, and some small letters share a capital.",
        merged(folded(_upper)),
    ),
    Fault(
        "A3-strip",
        "A3",
        "White space around names is trimmed.",
        merged(folded(str.strip)),
        like="actor-ts#707",
    ),
    Fault(
        "A3-inner-space",
        "A3",
        "Runs of white space in a name count as one space.",
        merged(folded(lambda name: re.sub(r"[ \t\r\n]+", " ", name))),
    ),
    Fault(
        "A3-accent",
        "A3",
        "Names are compared with a collation that ignores accents.",
        merged(folded(_without_accents)),
    ),
    Fault(
        "A4-nfc",
        "A4",
        "Names are composed (NFC) before they are compared.",
        merged(folded(partial(unicodedata.normalize, "NFC"))),
    ),
    Fault(
        "A4-nfkc",
        "A4",
        "Names are converted to compatibility form (NFKC), so full-width letters equal plain ones.",
        merged(folded(partial(unicodedata.normalize, "NFKC"))),
        like="Spotify 2013",
    ),
    Fault(
        "A4-homoglyph",
        "A4",
        "Cyrillic and Greek letters are replaced with the Latin letters that they look like.",
        merged(folded(lambda name: name.translate(_LOOKS_LIKE))),
    ),
    Fault(
        "A4-zero-width",
        "A4",
        "Invisible characters are removed from names.",
        merged(folded(lambda name: name.translate(_INVISIBLE))),
    ),
    Fault(
        "A4-sharp-s",
        "A4",
        "Names are compared with a collation in which ß equals ss.",
        merged(folded(lambda name: name.replace("ß", "ss"))),
    ),
    Fault(
        "A6-text",
        "A6",
        'Users of other types are converted to text, so 1 equals "1".',
        renamed(_as_text),
        like="CVE-2022-1176",
    ),
    Fault(
        "A6-integer",
        "A6",
        'Users that look like whole numbers are compared as numbers, so "01", "1" and 1.0 are equal.',
        renamed(_as_integer),
        like="CVE-2022-1176",
    ),
    Fault(
        "A6-float",
        "A6",
        "Users that look like numbers are stored as a float, which keeps 17 digits.",
        renamed(_as_float),
    ),
    Fault(
        "A6-truth",
        "A6",
        'Users are stored as booleans, so True, 1 and "true" are equal.',
        renamed(_as_truth),
        like="CVE-2022-1176",
    ),
    Fault(
        "A7-cut-at-255",
        "A7",
        "The column for names has 255 characters, and longer names are cut.",
        merged(folded(lambda name: name[:255])),
    ),
    Fault(
        "A7-cut-at-64",
        "A7",
        "The column for names has 64 characters, and longer names are cut.",
        merged(folded(lambda name: name[:64])),
    ),
    Fault(
        "A7-cut-at-255-bytes",
        "A7",
        "The column for names has 255 bytes, and longer names are cut.",
        merged(folded(lambda name: name.encode("utf-8", "replace")[:255].hex())),
    ),
    Fault(
        "A7-cut-at-nul",
        "A7",
        "A name ends at its first NUL character, like a string in C.",
        merged(folded(lambda name: name.partition("\0")[0])),
    ),
    Fault(
        "A7-short-hash",
        "A7",
        "The key is a hash of only the first 128 characters of a name.",
        merged(folded(lambda name: hashlib.sha256(name[:128].encode("utf-8", "surrogatepass")).hexdigest())),
    ),
)
