"""Masks secrets in everything that the suite writes.

Names and forms give a secret away, and `remember` names one: a value that is known to be secret is masked
wherever it stands. This masks too much rather than too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["MASK", "masked_options", "masked_text", "remember", "secret_values"]

MASK = "***"
_LEAST_CHARACTERS = 6
"""A shorter value may stand in any text by chance."""
_WORDS = (
    r"(?:api|access|secret|private|account|auth)[_-]?key|token|secret|passw(?:or)?d|passphrase"
    r"|pwd|credential|session[_-]?(?:id|key)?|jwt|bearer|cookie|signature"
)
_SECRET_NAME = re.compile(
    r"key|token|secret|passw|passphrase|pwd|dsn|credential|auth|cookie|private|signature|session|bearer|jwt"
    r"|webhook|(?:^|[^a-z])(?:pat|sig|sid|pin)(?:$|[^a-z])",
    re.IGNORECASE,
)
# Each pattern reads a text once, however long it is: a run of letters is entered at its start only, and what
# is certain is not taken back (`*+`, `(?>...)`).
_SECRET = rf"(?=[\w-]*(?:{_WORDS}))[\w-]++"
_NAME = rf"(?:(?<![\w-]){_SECRET}|\b(?:pat|sig|sid)\b)"
_VALUE = r"(?:'[^']*'|\"[^\"]*\"|[^\s;&,'\")\]}]+)"
_URL_CREDENTIALS = re.compile(r"(?P<name>[a-z0-9+.-]://)[^/?#\s'\"]*@", re.IGNORECASE)
_URL = re.compile(r"[a-z0-9+.-]://[^\s'\"]+", re.IGNORECASE)
_HOOK = re.compile(r"(?:(?<=:/)/[^/]*hook[^/]*/|/[^/]*hooks?/)(?=.)", re.IGNORECASE)
_HEADER = re.compile(
    r"(?P<name>(?:\b(?:authorization|proxy-authorization|(?:set-)?cookie)"
    r"|(?<![\w-])(?>[\w-]*?\bx-)(?=[\w-]*(?:key|token|auth))[\w-]++)"
    r"['\"]?\s*+[:=]\s*+)(?!['\"]?\*\*\*)[^\r\n]+",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(rf"(?P<name>{_NAME}\s*+=\s*+){_VALUE}", re.IGNORECASE)
_COLON = re.compile(rf"(?P<name>{_NAME}\s*+:\s++){_VALUE}", re.IGNORECASE)
_OPTION = re.compile(rf"(?P<name>(?<!\S)--?(?:{_SECRET}|(?:pat|sig|sid)\b)[ =]){_VALUE}", re.IGNORECASE)
_QUOTED = re.compile(
    rf"(?P<name>(?P<q>['\"]){_NAME}(?P=q)\s*+:\s*+)(?:'[^']*'|\"[^\"]*\"|-?\d+)", re.IGNORECASE
)
_SCHEME = re.compile(r"(?P<name>\b(?:Bearer|Basic|Token)\s++)[\w.~+/=-]{8,}", re.IGNORECASE)
# The forms in which well-known services write their keys, and JSON Web Tokens.
_FORMS = re.compile(
    r"\b(?:sk|pk|rk)[-_][\w-]{16,}|\bgh[opsur]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bhf_\w{20,}"
    r"|(?<![\w-])(?>[\w-]*?\beyJ)[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*)?"
)
_PATTERNS = (_QUOTED, _HEADER, _OPTION, _ASSIGNED, _COLON, _SCHEME)
_KNOWN: set[str] = set()


def remember(values: Iterable[str]) -> None:
    """Mask these values wherever they stand from now on, in this process."""
    _KNOWN.update(value for value in values if len(value) >= _LEAST_CHARACTERS)


def masked_text(text: str) -> str:
    """The text without credentials: in URLs, `password=...`, quoted pairs, headers, and known values."""
    known = sorted(_KNOWN, key=len, reverse=True)
    for value in known:
        # A name such as `session_id` stays whole, so that it gives its own value away below.
        text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", MASK, text)
    text = _URL_CREDENTIALS.sub(rf"\g<name>{MASK}@", text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<name>{MASK}", text)
    text = _URL.sub(_without_path_of_hook, text)
    for value in known:
        text = text.replace(value, MASK)
    return _FORMS.sub(MASK, text)


def _without_path_of_hook(url: re.Match[str]) -> str:
    """The path of a webhook is its only secret."""
    hook = _HOOK.search(url[0])
    return url[0][: hook.end()] + MASK if hook else url[0]


def masked_options(options: Mapping[str, Any]) -> dict[str, str]:
    """A target's options as flat text (`llm.config.model`), with every value that looks secret masked."""
    return {
        name: MASK if secret and value not in (None, "") else masked_text(str(value))
        for name, value, secret in _leaves(options)
    }


def secret_values(options: Mapping[str, Any]) -> list[str]:
    """The texts among a target's options whose names look secret."""
    return [value for _, value, secret in _leaves(options) if secret and isinstance(value, str)]


def _leaves(options: Mapping[str, Any]) -> list[tuple[str, object, bool]]:
    """Every value by its path, and whether its name looks secret."""
    return [leaf for name, value in options.items() for leaf in _flat(str(name), value, secret=False)]


def _flat(name: str, value: object, *, secret: bool) -> list[tuple[str, object, bool]]:
    secret = secret or bool(_SECRET_NAME.search(name.rpartition(".")[2]))
    if isinstance(value, Mapping) and value:
        return [leaf for key, inner in value.items() for leaf in _flat(f"{name}.{key}", inner, secret=secret)]
    if isinstance(value, list | tuple) and value:
        # In ["--api-key", "X"], the first tells what the second is.
        flags = [False, *(isinstance(each, str) and _is_flag(each) for each in value)]
        return [
            leaf
            for n, inner in enumerate(value)
            for leaf in _flat(f"{name}.{n}", inner, secret=secret or flags[n])
        ]
    return [(name, value, secret)]


def _is_flag(text: str) -> bool:
    return text.startswith("-") and "=" not in text and bool(_SECRET_NAME.search(text))
