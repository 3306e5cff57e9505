"""What a run was asked to do: command line over environment over pyproject.toml, with one resolver."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from isolation_tests.problems import UsageProblem

PREFIX = "ISOLATION_"
TABLE = "isolation_tests"
DEFAULT_REPORT = "reports/local"


@dataclass(frozen=True, slots=True)
class Settings:
    """A run's settings, each as the user wrote it; None where nobody did.

    options: the target's, `KEY=VALUE`, later ones win. report: folder, or "none" to write nothing.
    """

    target: str | None = None
    profile: str | None = None
    report: str | None = None
    known: str | None = None
    seed: str | None = None
    options: tuple[str, ...] = ()

    def seed_number(self) -> int | None:
        """The seed as a whole number; raises `UsageProblem` for anything else."""
        if self.seed is None:
            return None
        if not self.seed.isdecimal():
            raise UsageProblem(f"The seed must be a whole number from 0, not {self.seed!r}.")
        return int(self.seed)

    def option_map(self) -> dict[str, str]:
        """The target's options; raises `UsageProblem` for one without an equals sign."""
        pairs: dict[str, str] = {}
        for option in self.options:
            key, separator, value = option.partition("=")
            if not separator or not key:
                raise UsageProblem(f"A target option is written KEY=VALUE, not {option!r}.")
            pairs[key] = value
        return pairs


NAMES = tuple(field.name for field in fields(Settings))


def gather(given: Settings, *, folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Merge what was given on the command line with the environment and the nearest pyproject.toml.

    folder: where the search for pyproject.toml begins, upwards. Raises `UsageProblem` for a variable or
    key that does not exist, with the nearest one that does.
    """
    variables = _from_environment(os.environ if environment is None else environment)
    table = _from_pyproject(folder)
    merged: dict[str, Any] = {}
    for name in NAMES:
        sources = (getattr(given, name), variables.get(name), table.get(name))
        merged[name] = next((value for value in sources if value), None)
    merged["options"] = tuple(merged["options"] or ())
    return Settings(**merged)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found = {name[len(PREFIX) :].lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    _refuse_unknown(found, "the environment variable", lambda name: PREFIX + name.upper())
    read: dict[str, Any] = dict(found)
    if "options" in read:
        read["options"] = tuple(read["options"].split())
    return read


def _from_pyproject(folder: Path) -> dict[str, Any]:
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            return _table(path)
    return {}


def _table(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageProblem(f"{path} can't be read as TOML: {error}.") from error
    found: dict[str, Any] = content.get("tool", {}).get(TABLE, {})
    _refuse_unknown(found, f"{path}: [tool.{TABLE}] has a key", str)
    read = {name: str(value) for name, value in found.items() if name != "options"}
    return {**read, "options": tuple(f"{key}={value}" for key, value in found.get("options", {}).items())}


def _refuse_unknown(found: Iterable[str], what: str, spell: Any) -> None:
    for name in found:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1, cutoff=0.5)
            hint = f"did you mean {spell(near[0])}?" if near else f"there are {', '.join(map(spell, NAMES))}."
            raise UsageProblem(f"Unknown setting, {what} {spell(name)}: {hint}")
