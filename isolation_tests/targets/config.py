"""A target's file: what it may say, and how it is read."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from packaging.requirements import Requirement
from pydantic import Field, ValidationError, field_validator

from isolation_tests.core.distributions import is_met, requirement, version
from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Frozen, Volatile
from isolation_tests.plans.hostile import TYPED_PAIRS
from isolation_tests.targets.known import Known
from isolation_tests.testdata.relations import HOSTILE_VALUES, RELATIONS

ModelT = TypeVar("ModelT", bound=Frozen)


class NameRules(Frozen):
    """What a system declares of user names. aliases: relations whose two names it takes for one user."""

    aliases: tuple[str, ...] = ()

    @field_validator("aliases")
    @classmethod
    def _exist(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        known = {each.name for each in RELATIONS} | {each.name for each in HOSTILE_VALUES}
        known |= {name for name, _, _ in TYPED_PAIRS}
        for alias in aliases:
            if alias not in known:
                near = get_close_matches(alias, known, n=1)
                raise ValueError(
                    f"there is no relation {alias!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                )
        return aliases


class TargetConfig(Frozen):
    """A target's file.

    tenancy: how the system tells users apart, in a few words. adapter: `module:factory`, `file.py:factory`,
    or "http" or "mcp" for a system that `options` describe. distributions: whose versions are recorded.
    requires: requirements such as "mem0ai>=2,<3", where only some releases are meant. variables, programs:
    environment variables that have to be set and programs that have to be found. extra: the extra that
    installs the distributions. disposable: the store may be destroyed. threads:
    a sync adapter may be called from several threads at once. shared: whatever is opened again reaches the
    same store. consistency_seconds: how long a write
    may take to be seen. call_limit_seconds: after which a call is given up. reopen_after:
    plans after which the adapter is closed and opened again, for embedded stores that slow down with every
    delete; 0 keeps it open. twin: the target that reaches the same store in another way, as an async client
    does beside a sync one. volatile: what is another each time without any other user's doing. known_from: a
    file of known findings that several targets share, from this one's place; `known` adds to them.
    """

    name: str
    title: str = ""
    tenancy: str = ""
    adapter: str
    distributions: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    extra: str | None = None
    disposable: bool = False
    threads: bool = True
    shared: bool = False
    consistency_seconds: float = Field(default=0.0, ge=0)
    call_limit_seconds: float = Field(default=30.0, gt=0)
    reopen_after: int = Field(default=0, ge=0)
    twin: str | None = None
    volatile: Volatile | None = None
    owner_keys: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    names: NameRules = NameRules()
    known_from: str | None = None
    known: tuple[Known, ...] = ()

    @field_validator("requires")
    @classmethod
    def _are_requirements(cls, requires: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(requirement(each) for each in requires)

    def lacking(self) -> list[str]:
        """What has to be installed before the target can be opened, as requirements."""
        met = [each for each in self.requires if is_met(each)]
        pinned = {Requirement(each).name for each in self.requires}
        missing = [each for each in self.distributions if each not in pinned and version(each) is None]
        return [*(each for each in self.requires if each not in met), *missing]


def load(path: Path, model: type[ModelT]) -> ModelT:
    """Read a TOML file; raises `UsageProblem` with the first thing wrong in it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageProblem(f"There is no file {path}; check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} can't be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{path} is not valid TOML: {error}. Correct that line and run again.") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UsageProblem(f"{path}: {_fault_in(error, model)}; correct it and run again.") from error


def _fault_in(error: ValidationError, model: type[Frozen]) -> str:
    """The first thing wrong with a file, as one phrase; for a key that does not exist, the nearest one."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place or 'the file'}: {first['msg'].removeprefix('Value error, ')}"
    parts: dict[str, type[Frozen]] = {"names": NameRules, "known": Known, "volatile": Volatile}
    fields = parts.get(str(first["loc"][0]), model).model_fields
    near = get_close_matches(str(first["loc"][-1]), fields, n=1)
    return f"there is no key {place!r}" + (
        f", did you mean {near[0]!r}?" if near else f", only {', '.join(fields)}"
    )
