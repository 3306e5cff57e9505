"""TOML files within bounds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from isolation_tests.core.bounded import MOST_DEPTH, read_file
from isolation_tests.core.errors import UsageProblem
from isolation_tests.core.inert import inert

__all__ = ["read_toml"]

_MOST_BYTES = 4_000_000
_MOST_CHARACTERS = 600
_LARGEST = 2**63


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; raises `UsageProblem` with the first mistake in it."""
    shown = inert(str(path), _MOST_CHARACTERS)
    try:
        content = tomllib.loads(read_file(path, _MOST_BYTES).decode("utf-8"))
    except FileNotFoundError as error:
        raise UsageProblem(f"There is no file {shown}; check the path.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{shown} is not UTF-8 text: {error.reason}. Save it as UTF-8.") from error
    except OSError as error:
        raise UsageProblem(f"{shown} can't be read: {error.strerror or type(error).__name__}.") from error
    except RecursionError as error:
        raise _too_deep(shown) from error
    except ValueError as error:
        raise UsageProblem(f"{shown} is not valid TOML: {error}. Fix that line and run again.") from error
    _require_bounds(content, shown)
    return content


def _too_deep(shown: str) -> UsageProblem:
    return UsageProblem(f"{shown} has more than {MOST_DEPTH} tables or arrays within each other; flatten it.")


def _require_bounds(content: dict[str, Any], shown: str) -> None:
    """Raise `UsageProblem` for content that is nested too deeply, and for whole numbers that TOML lacks."""
    level: list[Any] = [content]
    for _ in range(MOST_DEPTH):
        parts = [part for each in level for part in (each.values() if isinstance(each, dict) else each)]
        if any(isinstance(part, int) and abs(part) > _LARGEST for part in parts):
            raise UsageProblem(f"{shown} has a whole number of more than 64 bits; write a smaller one.")
        level = [part for part in parts if isinstance(part, dict | list)]
    if level:
        raise _too_deep(shown)
