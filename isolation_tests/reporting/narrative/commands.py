"""Commands for the reader to copy: run again, replay, calibrate and install."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from isolation_tests.core.masking import MASK
from isolation_tests.model import Case
from isolation_tests.reporting.evidence.evidence import Header
from isolation_tests.reporting.evidence.replay_file import replay_path
from isolation_tests.reporting.evidence.scale import ScaleQuestion
from isolation_tests.targets.shipped import is_shipped

__all__ = ["calibrating", "installing", "replay_command", "rerun", "showing_again"]

_OPTION = "option "
_DISPOSABLE = "disposable"


def rerun(header: Header) -> str:
    """The command that repeats the run."""
    if header.scale is not None:
        return _scaled(header, header.scale)
    seed = [] if header.seed is None else ["--seed", str(header.seed)]
    run = ["isolation-tests", "run", _named_by_user(header), "--profile", header.profile]
    return shlex.join([*run, *seed, *_settings(header)])


def replay_command(path: Path | str, header: Header) -> str:
    """The command that replays a finding.

    It names the target and the options, because a replay file may name neither a user's code nor options.
    An option whose value is a secret is left out.
    """
    named = _named_by_user(header)
    target = [] if is_shipped(named) else ["--target", named]
    return shlex.join(["isolation-tests", "replay", str(path), *target, *_settings(header)])


def showing_again(case: Case, header: Header) -> str:
    """The command that replays a finding, or repeats the run where no plan shows it by itself."""
    if case.history.plan.of_witnesses or header.scale is not None:
        return rerun(header)
    return replay_command(replay_path(Path(), case.finding), header)


def _scaled(header: Header, asked: ScaleQuestion) -> str:
    """The command that repeats a scale run."""
    command = ["isolation-tests", "scale", _named_by_user(header), "--users", str(asked.users)]
    command += ["--facts", str(asked.facts), "--sizes", asked.sizes, "--seed", str(asked.seed)]
    command += ["--together", str(asked.together)] if asked.together < asked.users else []
    command += [word for option in header.selection for word in option.split()]
    return shlex.join([*command, *_settings(header)])


def calibrating(header: Header) -> str:
    """The command that measures which seeded faults the checks catch in front of this target."""
    command = ["isolation-tests", "calibrate", _named_by_user(header), "--profile", header.profile]
    return shlex.join([*command, *_settings(header)])


def installing(header: Header) -> str:
    """The command that installs the tested versions; files have only a digest and can't be installed."""
    pins = [
        f"{name}=={version}" for name, version in header.target.distributions.items() if " " not in version
    ]
    own = f"isolation-tests=={header.suite_version}"
    return shlex.join(["pip", "install", *dict.fromkeys((own, *pins))])


def _named_by_user(header: Header) -> str:
    """How a user names the target: by its name if a package ships it, else by its file."""
    target = header.target
    told = ("entry point of ", "seeded fault in front of ", "ScopedMemory in front of ")
    by_name = target.source.startswith(told) or target.source.endswith(", which comes with isolation-tests")
    return target.name if by_name or not target.source else target.source


def _settings(header: Header) -> Iterator[str]:
    """The settings that were given beside the target's file."""
    if _DISPOSABLE in header.given:
        yield "--disposable"
    options = header.target.options
    for name in (given.removeprefix(_OPTION) for given in header.given if given.startswith(_OPTION)):
        if name in options and MASK not in options[name]:
            yield from ("-O", f"{name}={options[name]}")
