"""The budget of a run on a target: what the command line says, else the target's file, else the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Budget
from isolation_tests.targets.config import TargetConfig

__all__ = ["REMOTE", "budget_of", "is_remote"]

REMOTE = Budget(requests=50_000, requests_per_second=50.0, concurrency=16, seconds=3600.0, bytes=50_000_000)
"""The limits of a run on another machine, unless the target's file or the command line gives others."""
_HERE = ("", "localhost", "::1")


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
    return any(_elsewhere(text) for text in _texts(config.options))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _elsewhere(text: str) -> bool:
    """Whether a text is a URL with a host that is not this machine."""
    try:
        host = urlsplit(text).hostname or "" if "://" in text else ""
    except ValueError:
        return True
    return host.lower() not in _HERE and not host.startswith("127.")
