"""What identifies a run: the key that its workers share, its journal, and its target for the header."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from isolation_tests.core.distributions import DIGEST, NPM, not_a_release, unreleased
from isolation_tests.core.masking import masked_options
from isolation_tests.execution.journal import Journal, RunInfo
from isolation_tests.reporting.evidence.evidence import TargetInfo
from isolation_tests.targets.resolve import Target


@dataclass(frozen=True, slots=True)
class RunKey:
    """What all workers of a run share. secret: the key of the canaries, which is never written anywhere."""

    run_id: str
    secret: bytes
    seed: int
    began: float


def begin_journal(target: Target, key: RunKey) -> Journal:
    """Begin the journal of a run; raises `UsageProblem` if it can't be written."""
    return Journal.begin(run_info(target, key.run_id), durable=not target.disposable)


def run_info(target: Target, run_id: str) -> RunInfo:
    """What identifies a run and its target in a journal; secrets in the options are masked."""
    place = target.code or target.file
    return RunInfo(
        run_id=run_id,
        target=target.source,
        name=target.beneath or target.name,
        place="" if place is None else str(place.resolve()),
        options=masked_options(target.config.options),
        disposable=target.disposable,
    )


def target_info(target: Target) -> TargetInfo:
    """The target, its adapter, versions, options and the digests of its files."""
    config = target.config
    file, packaged = target.digests()
    versions = target.versions()
    return TargetInfo(
        name=config.name,
        title=config.title or config.name,
        tenancy=config.tenancy,
        adapter=config.adapter,
        source=target.source,
        distributions=versions,
        options=config.options,
        disposable=config.disposable,
        volatile=config.volatile.told() if config.volatile else "",
        unreleased=_unreleased(versions),
        file=file,
        packaged=packaged,
    )


def _unreleased(versions: Mapping[str, str]) -> dict[str, str]:
    """The distributions that are not releases, and why. A file's digest is as exact as a release."""
    named = ((name, version) for name, version in versions.items() if not version.startswith(DIGEST))
    found = (
        (name, not_a_release(version) if version.startswith(NPM) else unreleased(name))
        for name, version in named
    )
    return {name: why for name, why in found if why is not None}


def now() -> str:
    """The time in UTC, ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
