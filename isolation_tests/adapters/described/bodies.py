"""Answers within bounds: how much of one is read, unpacked and parsed.

A service under test is not trusted: an answer of 100 MB, a gzip bomb or a thousand nested lists must cost the
suite neither its memory nor its life.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from isolation_tests.adapters.described.mapping import OutOfBounds
from isolation_tests.core import bounded
from isolation_tests.core.bounded import MOST_DEPTH

__all__ = [
    "ENCODINGS",
    "MOST_BYTES",
    "MOST_DEPTH",
    "MOST_PAGES",
    "Late",
    "gathered",
    "parsed",
    "shallow",
    "told",
]

MOST_BYTES = 16_000_000
"""The most bytes of one answer, as they are sent and after they are unpacked."""
MOST_PAGES = 500
"""The most pages of one list. No user of a run has so many memories."""
ENCODINGS = {"": 0, "identity": 0, "gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16}
"""The content encodings that are unpacked here, with zlib's number for each; 0 for none."""
_CHARSET = re.compile(
    r"utf[-_]?(8|16|32)|(us[-_]?)?ascii|iso[-_]?8859|latin|windows[-_]?125|cp125|shift[-_]?jis|euc|gb|big5|koi8",
    re.IGNORECASE,
)
_MEGABYTE = 1_000_000


class Late(Exception):  # noqa: N818 - what the answer is
    """An answer did not end in time."""


def told(content: bytes, charset: str | None) -> str:
    """The text of an answer in the charset that it names, if that is one for texts; otherwise as UTF-8.

    Python has codecs that unpack, and some that take long, and the service chooses the charset.
    """
    named = charset if charset and _CHARSET.match(charset) else "utf-8"
    try:
        return content.decode(named, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def gathered(chunks: Iterable[bytes], encoding: str, deadline: float) -> bytes:
    """The unpacked bytes of an answer; raises `OutOfBounds` before more than the limit is in memory.

    deadline: in monotonic seconds; raises `Late` when an answer goes on beyond it.
    """
    encoding = encoding.strip().lower()
    if encoding not in ENCODINGS:
        raise OutOfBounds(
            f"the answer is packed as {encoding[:20]!r}, which was not asked for; send plain text or gzip"
        )
    unpacked = chunks if not ENCODINGS[encoding] else _unpacked(chunks, ENCODINGS[encoding])
    whole = bytearray()
    for chunk in unpacked:
        whole += chunk
        if len(whole) > MOST_BYTES:
            _too_large()
        if time.monotonic() > deadline:
            raise Late
    return bytes(whole)


def _unpacked(chunks: Iterable[bytes], bits: int) -> Iterator[bytes]:
    unpacking, packed = zlib.decompressobj(bits), 0
    for chunk in chunks:
        packed += len(chunk)
        if packed > MOST_BYTES:
            _too_large()
        left = chunk
        while left:
            try:
                yield unpacking.decompress(left, _MEGABYTE)
            except zlib.error as error:
                raise OutOfBounds(f"the answer can't be unpacked ({error}); correct the service") from None
            left = unpacking.unconsumed_tail


def _too_large() -> NoReturn:
    raise OutOfBounds(
        f"the answer is larger than {MOST_BYTES // _MEGABYTE} MB, so the rest was not read; let the service "
        "return its lists in pages"
    )


def parsed(text: str | bytes) -> Any:
    """The JSON value of a text; raises `OutOfBounds` if it is too deep, and ValueError if it is no JSON."""
    try:
        return bounded.parsed(text)
    except bounded.TooDeep:
        return _too_deep()


def shallow(value: Any) -> Any:
    """The value; raises `OutOfBounds` if it is nested too deeply or its texts are too long."""
    size, level = 0, [value]
    for _ in range(MOST_DEPTH + 1):
        size += sum(len(each) for each in level if isinstance(each, str))
        inner = [list(each.values()) if isinstance(each, dict) else each for each in level]
        level = [part for each in inner if isinstance(each, list) for part in each]
        if size > MOST_BYTES:
            _too_large()
        if not level:
            return value
    return _too_deep()


def _too_deep() -> NoReturn:
    raise OutOfBounds(
        f"the answer has more than {MOST_DEPTH} lists and objects within each other, so it was not read; "
        "correct the service"
    )
