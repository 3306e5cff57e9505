"""Shared by the machine-readable formats: harmless text, JSON and stable identifiers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from isolation_tests.core.inert import inert
from isolation_tests.reporting.evidence.summary import CheckRow

__all__ = ["as_json", "identifier", "one_line", "why"]

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:isolation-tests")


def why(row: CheckRow) -> str:
    """The reason of a check's verdict, on one line."""
    return one_line(row.reason or "no reason given")


def as_json(document: Mapping[str, Any]) -> str:
    """The document as ASCII JSON, reproducible and with every text made harmless."""
    return json.dumps(_harmless(document), ensure_ascii=True, indent=2, allow_nan=False) + "\n"


def one_line(text: str) -> str:
    """The text on one line, stripped and never empty."""
    return " ".join(inert(text).split()) or "none"


def identifier(*parts: str) -> str:
    """A UUID that is always the same for the same parts."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {inert(str(key)): _harmless(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_harmless(inner) for inner in value]
    return value
