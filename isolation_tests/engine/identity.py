"""What identifies a run: the key that its workers share, and its journal."""

from __future__ import annotations

from dataclasses import dataclass

from isolation_tests.core.masking import masked_options
from isolation_tests.execution.journal import Journal, RunInfo
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
