"""Targets: an adapter plus how to open it. One resolver for every way a user can name one."""

from __future__ import annotations

import datetime
import fnmatch
import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import Field, ValidationError, field_validator

from isolation_tests import data
from isolation_tests.anomalies import CATALOGUE
from isolation_tests.faults import FAULTS, plant
from isolation_tests.model import Frozen
from isolation_tests.names import HOSTILE_VALUES, RELATIONS
from isolation_tests.plans import OWNER_KEYS
from isolation_tests.problems import UsageProblem
from isolation_tests.session import Session, open_session

ENTRY_POINTS = "isolation_tests.targets"
ModelT = TypeVar("ModelT", bound=Frozen)


class NameRules(Frozen):
    """What a system declares of user names. aliases: relations whose two names it takes for one user."""

    aliases: tuple[str, ...] = ()

    @field_validator("aliases")
    @classmethod
    def _exist(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        known = {relation.name for relation in RELATIONS} | {value.name for value in HOSTILE_VALUES}
        for alias in aliases:
            if alias not in known:
                near = get_close_matches(alias, known, n=1)
                raise ValueError(
                    f"there is no relation {alias!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                )
        return aliases


class Known(Frozen):
    """A finding that is known, with its reason, owner and expiry; it keeps CI green, never the certificate.

    finding: the finding's key, `<anomaly>-<operation>-<relation>`; "*" stands for any text.
    affected: a requirement such as "mem0ai>=1,<3"; where the installed version is another, the entry
    does not apply. replay: path of the replay file, from the target's file. reference: public source.
    """

    finding: str
    reason: str = Field(min_length=10)
    owner: str = Field(min_length=1)
    expires: datetime.date
    affected: str | None = None
    replay: str | None = None
    reference: str | None = None

    @field_validator("finding")
    @classmethod
    def _names_an_anomaly(cls, finding: str) -> str:
        if finding.split("-")[0] not in CATALOGUE:
            raise ValueError(f"{finding!r} does not begin with an anomaly of the catalogue, as in 'O1-get-any'")
        return finding

    @field_validator("affected")
    @classmethod
    def _is_a_requirement(cls, affected: str | None) -> str | None:
        try:
            return affected if affected is None else str(Requirement(affected))
        except InvalidRequirement as error:
            raise ValueError(f"{affected!r} is no version requirement such as 'mem0ai>=1,<3'") from error

    def applies(self) -> bool:
        """Whether the installed version is one of those affected."""
        if self.affected is None:
            return True
        requirement = Requirement(self.affected)
        installed = version(requirement.name)
        return installed is not None and requirement.specifier.contains(installed, prereleases=True)


class KnownFile(Frozen):
    """A file of known findings that is kept apart from the target's."""

    known: tuple[Known, ...] = ()


class TargetConfig(Frozen):
    """A target's file.

    adapter: `module:factory` or `file.py:factory`. distributions: whose versions are recorded. extra: the
    extra that installs them. disposable: the store may be destroyed. consistency_seconds: how long a write
    may take to be seen. call_limit_seconds: after which a call is given up.
    """

    name: str
    title: str = ""
    adapter: str
    distributions: tuple[str, ...] = ()
    extra: str | None = None
    disposable: bool = False
    consistency_seconds: float = Field(default=0.0, ge=0)
    call_limit_seconds: float = Field(default=30.0, gt=0)
    owner_keys: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    names: NameRules = NameRules()
    known: tuple[Known, ...] = ()


@dataclass(frozen=True)
class Target:
    """A resolved target. factory: opens the adapter. source: where it came from, for the header."""

    config: TargetConfig
    factory: Callable[..., Any]
    source: str
    known_source: str | None = None

    @property
    def name(self) -> str:
        """The target's short name."""
        return self.config.name

    @property
    def disposable(self) -> bool:
        """Whether hostile values may reach writing and deleting calls."""
        return self.config.disposable

    @property
    def owner_keys(self) -> tuple[str, ...]:
        """Metadata keys by which this or any other system may scope."""
        return tuple(dict.fromkeys((*self.config.owner_keys, *OWNER_KEYS)))

    def open(self) -> Session:
        """Open the adapter; raises `TargetProblem` in one sentence where that fails."""
        config = self.config
        return open_session(
            self.factory, config.options, call_limit=config.call_limit_seconds, name=config.name
        )

    def versions(self) -> dict[str, str]:
        """The installed version of each distribution that the target names."""
        return {name: version(name) or "not installed" for name in self.config.distributions}

    def known_reason(self, key: str) -> str | None:
        """Why a finding is known; None where it is news."""
        today = datetime.datetime.now(datetime.UTC).date()
        for entry in self.config.known:
            if fnmatch.fnmatchcase(key, entry.finding) and entry.applies() and entry.expires >= today:
                return entry.reason
        return None


def version(distribution: str) -> str | None:
    """The installed version of a distribution; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def resolve(
    spec: str, *, options: Mapping[str, str] | None = None, known: str | None = None
) -> Target:
    """The target that a user named.

    spec: a short name, `fault:NAME` or `fault:NAME@TARGET`, a TOML file, `module:factory` or
    `file.py:factory`. options: override the target's own. known: a TOML file of known findings that
    replaces the target's, or "none". Raises `UsageProblem` with the nearest name.
    """
    target = _named(spec)
    config = target.config
    if options:
        config = config.model_copy(update={"options": {**config.options, **options}})
    if known is not None:
        entries = () if known == "none" else _load(Path(known), KnownFile).known
        config = config.model_copy(update={"known": entries})
    source = known if known is not None else target.source if config.known else None
    return Target(config, target.factory, target.source, source)


def _named(spec: str) -> Target:
    if spec.startswith("fault:"):
        return _fault(spec)
    if spec.endswith(".toml"):
        return _from_file(Path(spec))
    if spec in (built_in := shipped()):
        return _from_file(built_in[spec])
    for point in metadata.entry_points(group=ENTRY_POINTS, name=spec):
        config = TargetConfig(name=spec, title=f"entry point {point.value}", adapter=point.value)
        return Target(config, point.load(), f"entry point {point.value}")
    if ":" in spec:
        config = TargetConfig(name=spec, adapter=spec, disposable=_is_file(spec))
        return Target(config, _factory(spec, Path()), spec)
    raise _unknown(spec)


def shipped() -> dict[str, Path]:
    """The target files that come with the suite, by short name."""
    return {path.stem: path for path in sorted(data.folder("targets").glob("*.toml"))}


def listed() -> list[tuple[str, str, str]]:
    """Every nameable target: (name, what it is, whether it can be run here)."""
    rows = []
    for name, path in shipped().items():
        config = _load(path, TargetConfig)
        lacking = [part for part in config.distributions if version(part) is None]
        install = f'pip install "isolation-tests[{config.extra}]"'
        status = f"not installed ({', '.join(lacking)}): {install}" if lacking else "ready"
        rows.append((name, config.title, status))
    points = metadata.entry_points(group=ENTRY_POINTS)
    return rows + [(point.name, f"entry point {point.value}", "ready") for point in points]


def _unknown(spec: str) -> UsageProblem:
    names = [*shipped(), *(f"fault:{name}" for name in FAULTS)]
    names += [point.name for point in metadata.entry_points(group=ENTRY_POINTS)]
    near = get_close_matches(spec, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "`isolation-tests targets` lists those that exist."
    return UsageProblem(
        f"There is no target {spec!r}. {hint} "
        "A target is a short name, a .toml file, module:factory or file.py:factory."
    )


def _fault(spec: str) -> Target:
    name, _, inner = spec.removeprefix("fault:").partition("@")
    if name not in FAULTS:
        near = get_close_matches(name, FAULTS, n=1)
        hint = f"did you mean 'fault:{near[0]}'?" if near else "`isolation-tests targets` lists them."
        raise UsageProblem(f"There is no seeded fault {name!r}; {hint}")
    clean = _named(inner or "reference")
    config = clean.config.model_copy(
        update={"name": spec, "title": f"{FAULTS[name].summary} (planted on {clean.name})", "known": ()}
    )
    return Target(config, partial(_planted, name, clean), clean.source)


def _planted(name: str, clean: Target, **options: Any) -> Any:
    """The clean target's adapter with the fault in front; a context manager where the clean one is."""
    opened = clean.factory(**options)
    return _PlantedContext(name, opened) if hasattr(opened, "__enter__") else plant(name, opened)


@dataclass
class _PlantedContext:
    name: str
    inner: Any

    def __enter__(self) -> Any:
        return plant(self.name, self.inner.__enter__())

    def __exit__(self, *raised: object) -> Any:
        return self.inner.__exit__(*raised)


def _from_file(path: Path) -> Target:
    config = _load(path, TargetConfig)
    try:
        return Target(config, _factory(config.adapter, path.parent), str(path))
    except UsageProblem as error:
        extra = f' Install it with: pip install "isolation-tests[{config.extra}]"' if config.extra else ""
        raise UsageProblem(f"{error}{extra}") from error


def _load(path: Path, model: type[ModelT]) -> ModelT:
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
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageProblem(f"{path}: {place}: {first['msg']}. Correct it and run again.") from error


def _is_file(spec: str) -> bool:
    return spec.rpartition(":")[0].endswith(".py")


def _factory(spec: str, near: Path) -> Callable[..., Any]:
    """The callable that `module:factory` or `file.py:factory` names; files are looked up from `near`."""
    place, separator, attribute = spec.rpartition(":")
    if not separator or not place or not attribute:
        raise UsageProblem(f"{spec!r} must read module:factory or file.py:factory.")
    module = _module_of_file(near / place, place) if place.endswith(".py") else _module(place)
    factory = getattr(module, attribute, None)
    if factory is None:
        near_names = get_close_matches(attribute, vars(module), n=1)
        hint = f"; did you mean {near_names[0]!r}?" if near_names else ""
        raise UsageProblem(f"{place} has no {attribute!r}{hint}")
    if not callable(factory):
        raise UsageProblem(f"{spec} is not callable; it must be a factory or class that opens the adapter.")
    return factory  # type: ignore[no-any-return]  # callable() narrows Any to nothing more exact


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise UsageProblem(
                f"There is no module {name!r} to import; check the spelling and that it is installed, "
                "or name the file as path/to/file.py:factory."
            ) from error
        raise UsageProblem(f"Importing {name} needs {error.name!r}, which is not installed.") from error
    except Exception as error:
        raise UsageProblem(f"Importing {name} failed: {type(error).__name__}: {error}") from error


def _module_of_file(path: Path, shown: str) -> Any:
    if not path.is_file():
        raise UsageProblem(f"There is no file {shown}; check the path.")
    name = f"isolation_target_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise UsageProblem(f"{shown} can't be imported as Python.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        found.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UsageProblem(f"Importing {shown} failed: {type(error).__name__}: {error}") from error
    return module
