"""Values as Python expressions in ASCII, for the lines that reproduce a finding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby

__all__ = ["Code", "literal"]

_LONG_RUN = 16


class Code(str):
    """A Python expression, as a value among others."""

    __slots__ = ()


def literal(value: object) -> str:
    """A Python expression for a value, in ASCII; a long run of equal characters is written as a product."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value!s}')"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(key)}: {literal(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(literal(inner) for inner in value)}]"
    if not isinstance(value, str):
        return ascii(value)
    parts, rest = [], ""
    for char, group in groupby(value):
        count = len(list(group))
        if count < _LONG_RUN:
            rest += char * count
            continue
        parts += [ascii(rest)] if rest else []
        parts.append(f"{char!a} * {count}")
        rest = ""
    return " + ".join([*parts, *([ascii(rest)] if rest or not parts else [])])
