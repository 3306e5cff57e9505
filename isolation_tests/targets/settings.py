"""The settings of a run: the command line wins over the environment, which wins over pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from isolation_tests.core.errors import UsageProblem
from isolation_tests.core.inert import inert
from isolation_tests.core.masking import masked_options, masked_text
from isolation_tests.targets.toml import read_toml

PREFIX = "ISOLATION_"
TABLE = "isolation_tests"
DEFAULT_REPORT = "reports/local"
NOTHING = "none"
HAZARD = "hazard"
_TYPED = "disposable"
"""A setting that only the command line has."""
MOST_SEED_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Settings:
    """A run's settings as the user wrote them; None if a setting is not given.

    fail_on: "hazard", if hazards fail the run. options: of the target, as `KEY=VALUE`; later ones win.
    budget: limits of the run, likewise. report: a folder, or "none" to write nothing. disposable: whether a
    run may destroy the target's whole store. Only a command line can say so, because a variable or a file
    that somebody set for another target would still count.
    """

    target: str | None = None
    profile: str | None = None
    report: str | None = None
    known: str | None = None
    fail_on: str | None = None
    seed: str | None = None
    options: tuple[str, ...] = ()
    budget: tuple[str, ...] = ()
    disposable: bool = False

    def seed_number(self) -> int | None:
        """The seed as a whole number; raises `UsageProblem` if it is not one."""
        if self.seed is None:
            return None
        if not (self.seed.isascii() and self.seed.isdecimal() and len(self.seed) <= MOST_SEED_DIGITS):
            raise UsageProblem(
                f"The seed must be a whole number of at most {MOST_SEED_DIGITS} digits, "
                f"not {self.seed[:40]!r}."
            )
        return int(self.seed)

    def fails_on(self) -> tuple[str, ...]:
        """What fails a run besides violations; raises `UsageProblem` for an unknown word."""
        if self.fail_on not in (None, HAZARD):
            raise UsageProblem(f"--fail-on takes {HAZARD!r}, not {self.fail_on!r}.")
        return () if self.fail_on is None else (self.fail_on,)

    def given(self) -> tuple[str, ...]:
        """The settings that the target's file does not hold.

        They are "known", "seed", "disposable", and each "option NAME".
        """
        named = [name for name in ("known", "seed", "disposable") if getattr(self, name)]
        return (*named, *(f"option {name}" for name in self.option_map()))

    def option_map(self) -> dict[str, str]:
        """The target's options; raises `UsageProblem` for an option without an equals sign."""
        return _pairs(self.options, "an option", "url=http://localhost:8000")

    def limits(self) -> dict[str, str]:
        """The limits of the run; raises `UsageProblem` for a limit without an equals sign."""
        return _pairs(self.budget, "a limit", "requests=5000")


def _pairs(written: tuple[str, ...], what: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in written:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UsageProblem(
                f"{masked_text(text)!r} is not {what}; write KEY=VALUE, for example {example}."
            )
        pairs[key] = value
    return pairs


NAMES = tuple(field.name for field in fields(Settings) if field.name != _TYPED)
_SEVERAL = ("options", "budget")


def gather(given: Settings, *, folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Merge the settings of the command line with the environment and the nearest pyproject.toml.

    folder: where the search for pyproject.toml starts; it goes upwards. Paths in that file are relative to
    the file. Options are joined; those of the command line win. Raises `UsageProblem` for an unknown key, and
    for a variable whose name is similar to a known one.
    """
    variables = _from_environment(os.environ if environment is None else environment)
    table = _from_pyproject(folder)
    merged: dict[str, Any] = {}
    for name in NAMES:
        sources = (getattr(given, name), variables.get(name), table.get(name))
        merged[name] = next((value for value in sources if value), None)
    for name in _SEVERAL:
        merged[name] = (*table.get(name, ()), *variables.get(name, ()), *getattr(given, name))
    return Settings(**merged, disposable=given.disposable)


def set_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every ISOLATION_* variable that is set, with secrets masked, for the header of a run."""
    found = os.environ if environment is None else environment
    shown = {}
    for name, value in sorted(found.items()):
        if name == f"{PREFIX}OPTIONS":
            shown[name] = " ".join(_masked_option(option) for option in value.split())
        elif name.startswith(PREFIX):
            shown.update(masked_options({name: masked_text(value)}))
    return shown


def _masked_option(option: str) -> str:
    key, separator, value = option.partition("=")
    return f"{key}{separator}{masked_options({key: value})[key]}" if separator else masked_text(option)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX):
            continue
        setting = name[len(PREFIX) :].lower()
        if setting == _TYPED:
            raise UsageProblem(f"{name} has no effect, so that no run inherits it; type --{_TYPED} instead.")
        if setting in NAMES:
            read[setting] = value
        elif near := _near(setting):
            # Another program's variable may share the prefix, so only likely typing errors are refused.
            raise UsageProblem(
                f"There is no environment variable {name}; did you mean {PREFIX}{near.upper()}?"
            )
    return {name: tuple(value.split()) if name in _SEVERAL else value for name, value in read.items()}


def _from_pyproject(folder: Path) -> dict[str, Any]:
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            return _table(path, folder)
    return {}


def _table(path: Path, folder: Path) -> dict[str, Any]:
    content = read_toml(path)
    tool = content.get("tool", {})
    found = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
    if not isinstance(found, dict):
        raise UsageProblem(f"{path}: [tool.{TABLE}] must be a table; write its keys below that line.")
    read = {name: _value(path, name, value) for name, value in found.items()}
    files = [name for name in ("known", "report") if name in read and read[name] != NOTHING]
    files += ["target"] if _is_path(read.get("target", "")) else []
    if path.parent != folder:
        read.update({name: os.path.relpath(path.parent / read[name], folder) for name in files})
    return read


def _value(path: Path, name: str, value: object) -> Any:
    """The value of one key, in the form that it has on the command line."""
    place = f"{path}: [tool.{TABLE}] {inert(name, 60)}"
    if name == _TYPED:
        raise UsageProblem(f"{place} is not read, so that no run inherits it; type --{_TYPED} instead.")
    if name not in NAMES:
        near = _near(name)
        hint = f"did you mean {near!r}?" if near else f"the settings are {', '.join(NAMES)}."
        raise UsageProblem(f"{place} is not a setting; {hint}")
    if name in _SEVERAL:
        if not isinstance(value, dict):
            raise UsageProblem(f'{place} must be a table, as in {name} = {{ key = "value" }}.')
        return tuple(f"{key}={inner}" for key, inner in value.items())
    wanted: Callable[[object], bool] = _is_whole if name == "seed" else _is_text
    if not wanted(value):
        raise UsageProblem(
            f"{place} must be {'a whole number' if name == 'seed' else 'text'}, not {repr(value)[:60]}."
        )
    return str(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_path(spec: str) -> bool:
    return spec.endswith(".toml") or spec.rpartition(":")[0].endswith(".py")


def _near(name: str) -> str | None:
    return next(iter(get_close_matches(name, NAMES, n=1, cutoff=0.6)), None)
