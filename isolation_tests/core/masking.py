"""Masks secrets in everything that the suite writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["MASK", "masked_options", "masked_text"]

MASK = "***"
# Masks too much rather than too little: little is lost if an option's name only looks secret.
_SECRET_NAME = re.compile(
    r"key|token|secret|passw|pwd|dsn|credential|auth|cookie|private|signature", re.IGNORECASE
)
_SECRET_WORD = (
    r"(?:api_?key|access_?key|secret_?key|private_?key|account_?key|token|secret|passw(?:or)?d|pwd)"  # noqa: S105
)
_URL_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/?#\s'\"]*@", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<name>\b\w*{_SECRET_WORD}\w*\s*=\s*)(?:'[^']*'|\"[^\"]*\"|[^\s;&,'\")]+)", re.IGNORECASE
)
_QUOTED = re.compile(
    rf"(?P<name>(?P<q>['\"])\w*{_SECRET_WORD}\w*(?P=q)\s*:\s*)(?:'[^']*'|\"[^\"]*\")", re.IGNORECASE
)
_SCHEME = re.compile(r"(?P<name>\b(?:Bearer|Basic|Token)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)


def masked_text(text: str) -> str:
    """The text without credentials: those in URLs, `password=...`, quoted pairs and authorisation headers."""
    text = _URL_CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text)
    for pattern in (_QUOTED, _ASSIGNED, _SCHEME):
        text = pattern.sub(rf"\g<name>{MASK}", text)
    return text


def masked_options(options: Mapping[str, Any]) -> dict[str, str]:
    """A target's options as flat text (`llm.config.model`), with every value that looks secret masked."""
    return dict(pair for name, value in options.items() for pair in _flat(str(name), value, secret=False))


def _flat(name: str, value: object, *, secret: bool) -> list[tuple[str, str]]:
    secret = secret or bool(_SECRET_NAME.search(name.rpartition(".")[2]))
    if isinstance(value, Mapping) and value:
        return [pair for key, inner in value.items() for pair in _flat(f"{name}.{key}", inner, secret=secret)]
    if isinstance(value, list | tuple) and value:
        return [pair for n, inner in enumerate(value) for pair in _flat(f"{name}.{n}", inner, secret=secret)]
    return [(name, MASK if secret and value not in (None, "") else masked_text(str(value)))]
