"""The budget of a run on a target: what the command line says, else the target's file, else the defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Budget
from isolation_tests.targets.config import TargetConfig

__all__ = ["REMOTE", "budget_of", "is_remote"]

REMOTE = Budget(requests=50_000, requests_per_second=50.0, concurrency=16, seconds=3600.0, bytes=50_000_000)
"""The limits of a run on another machine, unless the target's file or the command line gives others."""
_NAMES_A_HOST = re.compile(r"(?:^|_)(?:hosts?|hostname|hostaddr|servers?|address|endpoint)$", re.IGNORECASE)
_OF_A_DSN = re.compile(r"\bhost(?:addr)?\s*=\s*'?([^\s',]+)")


def budget_of(config: TargetConfig, given: Mapping[str, str]) -> Budget:
    """The limits of a run on this target.

    given: limits from the command line, as texts. Raises `UsageProblem` for a limit that does not exist or is
    not a number.
    """
    for name in given:
        if name not in Budget.model_fields:
            near = get_close_matches(name, Budget.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(Budget.model_fields)}."
            raise UsageProblem(f"There is no budget {name!r}; {hint}")
    try:
        said = Budget.model_validate(dict(given))
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        least = "a whole number of at least 1" if name in ("requests", "concurrency", "bytes") else "a number"
        raise UsageProblem(
            f"The budget {name} must be {least}, or none, not {given[name]!r}; write --budget {name}=N."
        ) from error
    whole = said.over(config.budget)
    return whole.over(REMOTE) if is_remote(config) else whole


def is_remote(config: TargetConfig) -> bool:
    """Whether an option of the target is the address of another machine."""
    return any(_elsewhere(name, text) for name, text in _texts("", config.options))


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text among the options, with the name of the option that it stands in."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(name, inner)
    elif isinstance(value, str):
        yield name, value


def _elsewhere(name: str, text: str) -> bool:
    """Whether a text has a host that is not this machine: in a URL, in a DSN, or by the option's name."""
    try:
        host = _host_of(name, text)
    except ValueError:
        return True
    return host != "" and not _is_here(host)


def _host_of(name: str, text: str) -> str:
    """The host that a text names; empty if it names none. Raises ValueError for a URL that is none."""
    if "://" in text:
        return urlsplit(text).hostname or ""
    if (named := _OF_A_DSN.search(text)) is not None:
        return "" if named[1].startswith("/") else named[1]
    if _NAMES_A_HOST.search(name) is None or "/" in text:
        return ""
    host = text if text.count(":") > 1 else text.partition(":")[0]
    # A name without a dot may be anything that an adapter calls so.
    return host if set(host) & set(".:") else ""


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
