"""Records as lines of JSON, with credentials masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from isolation_tests.core.masking import masked_text

__all__ = ["encode", "sanitised"]

_MASKED = frozenset({"cut", "ended", "error", "notes", "reason", "source", "title"})


def encode(record: Mapping[str, Any]) -> bytes:
    """One record as a line of ASCII JSON, because names may hold characters that UTF-8 can't encode."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def sanitised(value: Any) -> Any:
    """The record with credentials masked in texts about it; answers stay as they were judged."""
    if isinstance(value, dict):
        return {key: _masked(inner) if key in _MASKED else sanitised(inner) for key, inner in value.items()}
    return [sanitised(inner) for inner in value] if isinstance(value, list) else value


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return masked_text(value) if isinstance(value, str) else sanitised(value)
