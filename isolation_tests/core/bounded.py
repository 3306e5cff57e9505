"""Files and JSON within bounds: a size limit before reading, and a limit of nesting before parsing.

What the suite reads may come from anybody. A pipe that never ends, a file of many gigabytes or ten thousand
nested lists must end in one sentence, not in a hang, a full memory or a crash.
"""

from __future__ import annotations

import json
import os
import stat
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["MOST_DEPTH", "TooDeep", "TooLong", "is_deeper", "no_json", "parsed", "read_file"]

MOST_DEPTH = 100
"""The most lists and objects within each other."""
_TEXT = bytes(set(range(256)) - set(b'"[]{}'))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class TooDeep(ValueError):  # noqa: N818 - what the text is
    """JSON has more lists and objects within each other than are read."""


class TwiceNamed(ValueError):  # noqa: N818 - what the text is
    """An object in JSON has a name twice."""


class TooLong(OSError):  # noqa: N818 - what the file is
    """A file is larger than what is read of it, or is no file."""

    def __init__(self, why: str) -> None:
        super().__init__(None, why)


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file; raises `OSError` if it can't be read, `TooLong` beyond `most` bytes."""
    try:
        # A pipe would block until somebody writes to it.
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise TooLong("it is not a regular file")
            content = file.read(most + 1)
    except ValueError as error:
        raise OSError(None, f"its name is not a file's: {error}") from error
    if len(content) > most:
        raise TooLong(f"it is larger than {most:,} bytes")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def parsed(text: str | bytes, *, once: bool = False) -> Any:
    """The JSON value of a text; raises `TooDeep` if it is too deep, and ValueError if it is no JSON.

    NaN and Infinity are not JSON, although Python reads and writes them; neither is a number so large that
    Python would read it as infinite. once: no object may have a name twice, because some readers would take
    the first value and others the last.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    if is_deeper(text):
        raise TooDeep(f"it has more than {MOST_DEPTH} lists and objects within each other")
    pairs = _unambiguous if once else None
    return json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=pairs)


def no_json(error: ValueError) -> str:
    """Why `parsed` refused a text, as a phrase."""
    return str(error) if isinstance(error, TooDeep | TwiceNamed) else "it is not JSON"


def is_deeper(text: str | bytes, most: int = MOST_DEPTH) -> bool:
    """Whether a text that should be JSON nests lists and objects deeper than `most`, without parsing it.

    Takes time in proportion to the text, whatever stands in it.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if raw.count(b"[") + raw.count(b"{") <= most:
        return False
    # Only what gives JSON its structure stays: first without escapes, then without texts.
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _TEXT)
    brackets = b"".join(bare.split(b'"')[::2])
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > most


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise TwiceNamed("an object in it has a name twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"a number of {len(digits)} characters is too large")
    return number
