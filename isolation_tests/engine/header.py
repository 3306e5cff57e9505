"""What a run's header says of its target."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from isolation_tests.core.distributions import DIGEST, NPM, not_a_release, unreleased
from isolation_tests.reporting.evidence.evidence import TargetInfo
from isolation_tests.targets.resolve import Target

__all__ = ["now", "target_info"]


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
