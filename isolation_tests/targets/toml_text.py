"""Writes a value as TOML, in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["toml", "toml_key"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NOT_TOML = re.compile("[\x7f\ud800-\udfff]")


def toml(value: Any) -> str:
    """A value in TOML, in one line. Tables are written inline."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(name)} = {toml(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    # As in JSON, except for a character that TOML escapes, too, and for those that no text has.
    return _NOT_TOML.sub(_as_code, json.dumps(value, ensure_ascii=False))


def _as_code(match: re.Match[str]) -> str:
    return "\\u007f" if match[0] == "\x7f" else "\\ufffd"


def toml_key(name: str) -> str:
    """A key of a table in TOML, quoted where it has to be."""
    return name if _BARE.fullmatch(name) else toml(name)
