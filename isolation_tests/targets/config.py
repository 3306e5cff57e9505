"""A target's file: its keys, and how it is read."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from packaging.requirements import Requirement
from pydantic import Field, StrictBool, ValidationError, field_validator, model_validator

from isolation_tests.core.distributions import is_met, requirement, version
from isolation_tests.core.errors import UsageProblem
from isolation_tests.core.inert import inert
from isolation_tests.model import Budget, Frozen, Volatile
from isolation_tests.plans.hostile import TYPED_PAIRS
from isolation_tests.targets import npm
from isolation_tests.targets.known import Known
from isolation_tests.targets.toml import read_toml
from isolation_tests.testdata.relations import HOSTILE_VALUES, RELATIONS

ModelT = TypeVar("ModelT", bound=Frozen)
PRODUCTION = "production"
_MOST_CHARACTERS = 600


class NameRules(Frozen):
    """What a system declares about user names."""

    aliases: tuple[str, ...] = ()
    """Relations whose two names the system treats as the same user, on purpose."""

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


class DeclaredHazard(Frozen):
    """A hazard that a system takes on purpose."""

    users: tuple[str, ...] = Field(min_length=1)
    """Blank users that have a place of their own: "empty", "blank" or "blank-lines"."""

    reason: str = Field(min_length=10)
    """Why no caller comes to pass such a user; shown in the report."""

    @field_validator("users")
    @classmethod
    def _are_blank(cls, users: tuple[str, ...]) -> tuple[str, ...]:
        blank = [value.name for value in HOSTILE_VALUES if value.spec().blank]
        for user in users:
            if user not in blank:
                raise ValueError(f"{user!r} is not a blank user; use {', '.join(blank)}")
        return users


class TargetConfig(Frozen):
    """A target's file."""

    name: str
    """The target's short name."""

    title: str = ""
    """What the target is, in a few words."""

    tenancy: str = ""
    """How the system tells users apart, in a few words."""

    adapter: str
    """`module:factory` or `file.py:factory`; "http", "mcp" or "process" for what `options` describes."""

    distributions: tuple[str, ...] = ()
    """Installed packages whose versions the report records."""

    requires: tuple[str, ...] = ()
    """Version requirements such as "mem0ai>=2,<3", if the target is for some releases only."""

    npm: tuple[str, ...] = ()
    """Packages of npm such as "mem0ai@3.3.1" that the target's bridge needs, each in one version."""

    variables: tuple[str, ...] = ()
    """Environment variables that the target needs."""

    programs: tuple[str, ...] = ()
    """Programs that the target needs."""

    extra: str | None = None
    """The extra of isolation-tests that installs the packages."""

    disposable: StrictBool = False
    """Whether a run may destroy the whole store: users with strange names then write and delete too.

    Only `true` means yes: no text and no number does.
    """

    environment: Literal["development", "test", "staging", "production"] | None = None
    """What the system is used for; a production system allows nothing but `isolation-tests probe`."""

    probe: dict[str, str] = Field(default_factory=dict)
    """For a production system: two users that the operator made, each with a text that only this user has."""

    error_texts: bool = False
    """Whether reports may hold the texts of the target's errors: nobody else's data is in its store.

    Without it, they hold the class, the length and the digest of an error, and where the adapter raised it.
    """

    past_strangers: bool = False
    """Whether a run goes on after it has seen data of users that it did not make.

    A run on a disposable store always goes on.
    """

    threads: bool = True
    """Whether several threads may call a sync adapter at once."""

    shared: bool = False
    """Whether opening the target again reaches the same store."""

    consistency_seconds: float = Field(default=0.0, ge=0)
    """Seconds that a write may take to become visible, in lists, searches and totals, each by itself."""

    call_limit_seconds: float = Field(default=30.0, gt=0)
    """Seconds after which a call times out."""

    reopen_after: int = Field(default=0, ge=0)
    """Close and open the adapter again after so many plans; 0 keeps it open.

    It is for embedded stores that slow down with every delete.
    """

    twin: str | None = None
    """Another target that reaches the same store in another way, such as through an async client."""

    volatile: Volatile | None = None
    """What the target declares non-deterministic."""

    owner_keys: tuple[str, ...] = ()
    """Metadata keys that the system uses to scope memories."""

    budget: Budget = Budget()
    """The limits of a run; a target on another machine has some by default."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Options for the adapter's factory."""

    names: NameRules = NameRules()
    """What the system declares about user names."""

    hazards: tuple[DeclaredHazard, ...] = ()
    """Hazards that the system takes on purpose, each with a reason."""

    known_from: str | None = None
    """Path of a file of known findings that several targets share, relative to this file."""

    known: tuple[Known, ...] = ()
    """Known findings, in addition to those in `known_from`."""

    @field_validator("requires")
    @classmethod
    def _are_requirements(cls, requires: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(requirement(each) for each in requires)

    @field_validator("npm")
    @classmethod
    def _are_pinned(cls, packages: tuple[str, ...]) -> tuple[str, ...]:
        for each in packages:
            npm.name_of(each)
        return packages

    @model_validator(mode="after")
    def _spares_production(self) -> Self:
        if self.environment == PRODUCTION:
            if self.disposable:
                raise ValueError("a production system can't be disposable; remove one of the two")
            if self.probe and not _tells_apart(self.probe):
                raise ValueError("probe: it needs two users, each with a text of its own")
        elif self.probe:
            raise ValueError(f'probe: only a target with environment = "{PRODUCTION}" has one')
        return self

    def lacking(self) -> list[str]:
        """The requirements and packages that are not installed and that the target needs."""
        met = [each for each in self.requires if is_met(each)]
        pinned = {Requirement(each).name for each in self.requires}
        missing = [each for each in self.distributions if each not in pinned and version(each) is None]
        return [*(each for each in self.requires if each not in met), *missing]


def _tells_apart(probe: dict[str, str]) -> bool:
    """Whether there are two users, and neither text is part of the other."""
    texts = [text.strip() for text in probe.values()]
    if len(texts) != 2 or not all(user.strip() for user in probe):
        return False
    one, other = texts
    return bool(one and other) and one not in other and other not in one


def load(path: Path, model: type[ModelT]) -> ModelT:
    """Read a TOML file; raises `UsageProblem` with the first mistake in it."""
    content = read_toml(path)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        fault = inert(_fault_in(error, model), _MOST_CHARACTERS)
        raise UsageProblem(f"{path}: {fault}; fix it and run again.") from error


def _fault_in(error: ValidationError, model: type[Frozen]) -> str:
    """The first mistake in a file, as a phrase; for an unknown key, with the most similar one."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place or 'the file'}: {first['msg'].removeprefix('Value error, ')}"
    parts: dict[str, type[Frozen]] = {
        "names": NameRules,
        "known": Known,
        "volatile": Volatile,
        "budget": Budget,
        "hazards": DeclaredHazard,
    }
    fields = parts.get(str(first["loc"][0]), model).model_fields
    near = get_close_matches(str(first["loc"][-1]), fields, n=1)
    return f"there is no key {place!r}" + (
        f"; did you mean {near[0]!r}?" if near else f"; the keys are {', '.join(fields)}"
    )
