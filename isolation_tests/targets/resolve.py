"""Targets: an adapter plus how to open it. One resolver for every way to name one."""

from __future__ import annotations

import datetime as dt
import fnmatch
import hashlib
import inspect
import os
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from isolation_tests.core import packaged
from isolation_tests.core.distributions import DIGEST, is_met, version
from isolation_tests.core.errors import TargetProblem, UsageProblem
from isolation_tests.core.masking import remember, secret_values
from isolation_tests.execution.meter import Meter
from isolation_tests.execution.session import Session, open_session
from isolation_tests.faults import FAULTS, plant
from isolation_tests.plans import OWNER_KEYS
from isolation_tests.scoped import ScopedAdapter
from isolation_tests.targets import npm
from isolation_tests.targets.config import PRODUCTION, NameRules, TargetConfig, load
from isolation_tests.targets.factories import code_file, factory
from isolation_tests.targets.known import KnownFile
from isolation_tests.targets.shipped import FAULT, SCOPED, shipped
from isolation_tests.targets.wrapping import wrap_factory
from isolation_tests.testdata.relations import HOSTILE_VALUES

ENTRY_POINTS = "isolation_tests.targets"
READY = "ready"
SUITE, SUITE_PACKAGE = "isolation-tests", "isolation_tests"
SCOPED_TENANCY = "ScopedMemory: a name of its own for each user"
PROCESS = "process"
HTTP = "http"
BY_DESCRIPTION = {
    HTTP: "isolation_tests.adapters.http:open_memory",
    "mcp": "isolation_tests.adapters.mcp:open_memory",
    PROCESS: "isolation_tests.adapters.process.memory:open_memory",
}
"""Adapters that need no Python code: the options in a target's file describe the system."""


@dataclass(frozen=True)
class Target:
    """A resolved target. factory: opens the adapter. source: where the target comes from, for the header.

    known_source: where its known findings come from. code: the file with the adapter. file: the target's own
    file. beneath: the name of the target in front of which a fault is planted. meter: counts what its
    sessions send, and refuses what is beyond the run's budget.
    """

    config: TargetConfig
    factory: Callable[..., Any]
    source: str
    known_source: str | None = None
    code: Path | None = None
    file: Path | None = None
    meter: Meter | None = None
    beneath: str = ""

    @property
    def name(self) -> str:
        """The target's short name."""
        return self.config.name

    @property
    def _label(self) -> str:
        """The target's name in a message: its file if it has one, because the user can fix it there."""
        return self.source if self.source.endswith(".toml") else self.name

    @property
    def disposable(self) -> bool:
        """Whether users with hostile names may write and delete."""
        return self.config.disposable

    @property
    def owner_keys(self) -> tuple[str, ...]:
        """Metadata keys that this system, or systems in general, use to scope memories."""
        return tuple(dict.fromkeys((*self.config.owner_keys, *OWNER_KEYS)))

    def open(self) -> Session:
        """Open the adapter; raises a `Problem` with one sentence if that fails, or if it is in production."""
        if self.config.environment == PRODUCTION:
            raise UsageProblem(
                f"{self._label} is a production system, so only `isolation-tests probe` may use it; point a "
                "run at a copy of it."
            )
        return self._opened()

    def open_to_read(self) -> Session:
        """Open the adapter of a system for the probe, which only reads; otherwise as `open`."""
        return self._opened()

    def _opened(self) -> Session:
        config = self.config
        self._fit_options()
        if config.npm and not npm.is_installed(config.npm):
            raise UsageProblem(
                f"{config.name} needs {', '.join(config.npm)} from npm; install them with "
                f"`isolation-tests run {config.name} --own-environment`, which keeps them."
            )
        unmet = [each for each in config.requires if not is_met(each)]
        if unmet:
            raise UsageProblem(
                f"{config.name} needs {', '.join(unmet)}, but {self._installed(unmet)} installed; run it in "
                f"its own environment with `isolation-tests run {config.name} --own-environment`."
            )
        try:
            return open_session(
                self.factory,
                config.options,
                call_limit=config.call_limit_seconds,
                name=self._label,
                meter=self.meter,
            )
        except TargetProblem as error:
            if isinstance(error.__cause__, ImportError):
                raise UsageProblem(_with_extra(f"{config.name}: {error.__cause__}", config)) from error
            raise
        except SystemExit as error:
            raise TargetProblem(
                f"{config.name}: the factory ended the process (exit {error.code}); make it return an "
                "adapter or raise an exception."
            ) from error

    def open_twin(self) -> Session:
        """Open the twin, the target that reaches the same store in another way, with its own options."""
        return replace(_named(self.config.twin or self.config.name), meter=self.meter).open()

    @staticmethod
    def _installed(requirements: list[str]) -> str:
        names = [Requirement(each).name for each in requirements]
        there = [f"{name} {found}" for name in names if (found := version(name))]
        return f"{', '.join(there)} is" if there else "none of them is"

    def _fit_options(self) -> None:
        """Raise `UsageProblem` if the factory does not take an option, or if a required one is missing."""
        try:
            parameters = inspect.signature(self.factory).parameters.values()
        except (TypeError, ValueError):
            return
        named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            for option in self.config.options:
                if option not in named:
                    near = get_close_matches(option, named, n=1)
                    hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(named) or 'none'}."
                    raise UsageProblem(f"{self.name}: the factory has no option {option!r}; {hint}")
        for name, parameter in named.items():
            if parameter.default is parameter.empty and name not in self.config.options:
                raise UsageProblem(
                    f"{self.name}: the factory needs the option {name!r}; pass it with -O, or with "
                    "--isolation-option in a pytest run."
                )

    def versions(self) -> dict[str, str]:
        """The installed version of each distribution behind the target; for a file, its digest."""
        if self.config.distributions or self.config.npm:
            found = {name: version(name) or "not installed" for name in self.config.distributions}
            return {**found, **npm.versions(self.config.npm)}
        if self.code is not None:
            files = [self.code, *self._named_files()]
            return {file.name: f"{DIGEST}{_sha256(file)[:12]}" for file in files}
        package = self.config.adapter.partition(":")[0].partition(".")[0]
        if package == SUITE_PACKAGE:
            # Listing the packages of all distributions takes longer than a small run.
            here = version(SUITE)
            return {} if here is None else {SUITE: here}
        # The list lacks editable packages. Their distribution usually has the same name.
        owners = metadata.packages_distributions().get(package) or [package.replace("_", "-")]
        installed = {name: version(name) for name in dict.fromkeys(owners)}
        return {name: found for name, found in installed.items() if found is not None}

    def _named_files(self) -> list[Path]:
        """The files that the command of a bridge names, or the OpenAPI document of an HTTP service."""
        options = self.config.options
        words: Iterable[Any] = ()
        if self.config.adapter == PROCESS:
            command = options.get("command", ())
            words = shlex.split(command) if isinstance(command, str) else command
        elif self.config.adapter == HTTP and "openapi" in options:
            words = (options["openapi"],)
        filled = (str(word).replace("{bridges}", str(packaged.folder("bridges"))) for word in words)
        places = [(self.file or Path()).parent / word for word in filled]
        return [place for place in places if place.is_file()]

    def digests(self) -> tuple[str, str]:
        """SHA-256 of the target's file, and of the suite's own file of the same name.

        Both in hex; empty if there is no such file. They differ if somebody has changed the target's file.
        """
        packaged = shipped().get(self.name.removeprefix(SCOPED))
        return _sha256(self.file), _sha256(packaged)

    def known_reason(self, key: str) -> str | None:
        """The reason given for a known finding; None if the finding is not listed."""
        today = dt.datetime.now(dt.UTC).date()
        for entry in self.config.known:
            if fnmatch.fnmatchcase(key, entry.finding) and entry.applies() and entry.expires >= today:
                return entry.reason
        return None

    def declared_hazards(self) -> dict[str, str]:
        """The hazards that the target's file declares, by relation, each with its reason.

        A known entry that matches what a hazard would be called as a finding declares it, too.
        """
        blank = [value.name for value in HOSTILE_VALUES if value.spec().blank]
        listed = {name: self.known_reason(f"S3-get_all-{name}") for name in blank}
        declared = {user: each.reason for each in self.config.hazards for user in each.users}
        return {name: reason for name, reason in listed.items() if reason is not None} | declared


def _sha256(path: Path | None) -> str:
    return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def resolve(
    spec: str,
    *,
    options: Mapping[str, str] | None = None,
    known: str | None = None,
    disposable: bool = False,
) -> Target:
    """The target with a given name.

    spec: a short name, `fault:NAME` or `fault:NAME@TARGET`, `scoped:TARGET`, a TOML file, `module:factory` or
    `file.py:factory`. options: override the target's own. known: a TOML file of known findings that
    replaces the target's list, or "none". disposable: the user says that the whole store may be destroyed.
    Raises `UsageProblem` with the most similar name, and if the target's file says that it may not be.
    """
    target = _named(spec)
    config = target.config
    if disposable:
        config = _made_disposable(config, target.source)
    if options:
        config = config.model_copy(update={"options": {**config.options, **options}})
    if known is not None:
        entries = () if known == "none" else load(Path(known), KnownFile).known
        config = config.model_copy(update={"known": entries})
    remember(secret_values(config.options))
    remember(os.environ.get(name, "") for name in config.variables)
    source = known if known is not None else target.source if config.known else None
    return replace(target, config=config, known_source=source)


def _made_disposable(config: TargetConfig, source: str) -> TargetConfig:
    """The target with a store that may be destroyed, unless its own file says the opposite."""
    if config.environment == PRODUCTION:
        raise UsageProblem(f"{source} is a production system, so --disposable is refused; use a copy of it.")
    if not config.disposable and "disposable" in config.model_fields_set:
        raise UsageProblem(
            f"{source} says `disposable = false`, so --disposable is refused; run without it, or change the "
            "file if a run may destroy the whole store."
        )
    return config.model_copy(update={"disposable": True})


def _named(spec: str) -> Target:
    if spec.startswith(FAULT):
        return _fault(spec)
    if spec.startswith(SCOPED):
        return _scoped(spec)
    if spec.endswith(".toml"):
        return _from_file(Path(spec), spec)
    if spec in (built_in := shipped()):
        return _from_file(built_in[spec], f"{spec}.toml, which comes with isolation-tests")
    for point in metadata.entry_points(group=ENTRY_POINTS, name=spec):
        return _from_entry_point(point)
    if ":" in spec:
        config = TargetConfig(name=spec, adapter=spec)
        return Target(config, factory(spec, Path()), spec, code=code_file(spec, Path()))
    raise _unknown(spec)


def _from_entry_point(point: metadata.EntryPoint) -> Target:
    owner = point.dist.name if point.dist else "an installed package"
    config = TargetConfig(
        name=point.name,
        title=f"entry point {point.value}",
        adapter=point.value,
        distributions=(owner,) if point.dist else (),
    )
    return Target(config, factory(point.value, Path()), f"entry point of {owner}")


def listed() -> list[tuple[str, str, str]]:
    """Every target with a short name: (name, description, what it needs before it can run)."""
    rows = []
    for name, path in shipped().items():
        config = load(path, TargetConfig)
        rows.append((name, config.title, _status(config)))
    points = metadata.entry_points(group=ENTRY_POINTS)
    return rows + [(point.name, f"entry point {point.value}", "ready") for point in points]


def _status(config: TargetConfig) -> str:
    lacking = config.lacking()
    unset = [f"set {name}" for name in config.variables if not os.environ.get(name)]
    unfound = [f"install {name}" for name in config.programs if shutil.which(name) is None]
    if any(each in config.requires for each in lacking) or not npm.is_installed(config.npm):
        return "own environment"
    if not lacking:
        return ", ".join([*unset, *unfound]) or READY
    return f"needs extra {config.extra}"


def _unknown(spec: str) -> UsageProblem:
    if spec.endswith(".py"):
        return UsageProblem(
            f"{spec!r} lacks a factory; write {spec}:FACTORY with the function that opens the adapter."
        )
    names = [*shipped(), *(f"fault:{name}" for name in FAULTS)]
    names += [point.name for point in metadata.entry_points(group=ENTRY_POINTS)]
    near = get_close_matches(spec, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`isolation-tests targets` lists the short names."
    return UsageProblem(
        f"There is no target {spec!r}. A target is a short name, a .toml file, module:factory or "
        f"file.py:factory; {hint}"
    )


def _scoped(spec: str) -> Target:
    inner = _named(spec.removeprefix(SCOPED) or "reference")
    title = f"ScopedMemory in front of {inner.config.title or inner.name}"
    # The raw system's known findings do not apply to the wrapper, which also keeps all names apart.
    changes = {"name": spec, "title": title, "tenancy": SCOPED_TENANCY, "known": (), "names": NameRules()}
    # A twin does not work either: it bypasses the wrapper and stores under other names.
    config = inner.config.model_copy(update={**changes, "twin": None})
    opens = wrap_factory(ScopedAdapter, inner.factory)
    return Target(config, opens, f"ScopedMemory in front of {inner.source}", code=inner.code, file=inner.file)


def _fault(spec: str) -> Target:
    name, _, inner = spec.removeprefix(FAULT).partition("@")
    if name not in FAULTS:
        begin = [fault for fault in FAULTS if fault.casefold().startswith(name.casefold())] if name else []
        near = get_close_matches(name, FAULTS, n=1) or begin
        hint = f"did you mean 'fault:{near[0]}'?" if near else "`isolation-tests targets` lists them."
        raise UsageProblem(f"There is no seeded fault {name!r}; {hint}")
    clean = _named(inner or "reference")
    planted = f"{FAULTS[name].summary.rstrip('.')}; planted in front of {clean.name}"
    config = clean.config.model_copy(update={"name": spec, "title": planted, "known": ()})
    opens = wrap_factory(partial(plant, name), clean.factory)
    source = f"seeded fault in front of {clean.source}"
    return Target(config, opens, source, code=clean.code, file=clean.file, beneath=clean.name)


def _from_file(path: Path, source: str) -> Target:
    config = load(path, TargetConfig)
    if config.known_from is not None:
        shared = load(path.parent / config.known_from, KnownFile).known
        config = config.model_copy(update={"known": (*shared, *config.known)})
    try:
        opens = factory(BY_DESCRIPTION.get(config.adapter, config.adapter), path.parent)
    except UsageProblem as error:
        if isinstance(error.__cause__, ImportError):
            raise UsageProblem(_with_extra(str(error), config)) from error
        raise
    if config.adapter == PROCESS:
        # The file names its program as it is seen from the file.
        opens = partial(opens, cwd=str(path.parent.resolve()))
        if config.npm:
            opens = partial(opens, npm=str(npm.folder(config.npm)))
    if config.adapter == HTTP:
        opens = partial(opens, near=str(path.parent.resolve()))
    # A described target has its code in the file itself.
    code = path if config.adapter in BY_DESCRIPTION else code_file(config.adapter, path.parent)
    return Target(config, opens, source, code=code, file=path)


def _with_extra(sentence: str, config: TargetConfig) -> str:
    """The sentence about a missing package, with the extra that installs it unless it is already named."""
    if config.extra is None or "pip install" in sentence:
        return sentence
    return f'{sentence.rstrip(".")}; install it with: pip install "isolation-tests[{config.extra}]"'
