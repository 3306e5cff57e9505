"""A scale run on a Dask cluster: each shard is a task, which Dask repeats elsewhere if its worker is lost."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isolation_tests.core.errors import ExitStatus, Problem, TargetProblem, UsageProblem, sentence
from isolation_tests.engine.run import new_key
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, REPORT_NAME
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.merge import merge
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.html.page import write_html
from isolation_tests.scale.run import Asked, Ended, run
from isolation_tests.targets.settings import Settings

__all__ = ["run_on_cluster"]

RETRIES = 3
"""How often Dask repeats a shard that raises an exception; one whose worker dies is repeated as Dask says."""
_CONNECT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a task returns. evidence: of its shard; empty if a problem kept it from being asked."""

    evidence: bytes
    problem: str = ""
    usage: bool = False


def run_on_cluster(
    settings: Settings,
    asked: Asked,
    folder: Path,
    address: str,
    shards: int,
    tell: Callable[[str], object] = lambda _: None,
) -> Ended:
    """Let the workers of a Dask cluster ask the shards of a scale run, and merge what they found.

    address: of the cluster's scheduler. Raises `UsageProblem` if Dask is not installed or not reached, or if
    a worker refuses the question, and `CannotMerge` if workers have different versions of the suite.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UsageProblem(
            "A Dask cluster needs the extra dask: pip install 'isolation-tests[dask]', on the workers too."
        ) from error
    if shards < 2:
        raise UsageProblem(f"A run on a cluster needs two shards at least, not {shards}.")
    seed = new_key(settings.seed_number()).seed
    settings, asked = replace(settings, seed=str(seed)), replace(asked, shard=(1, shards))
    asked.question(seed)
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise UsageProblem(
            f"There is no Dask scheduler at {address} ({type(error).__name__}); start one there."
        ) from error
    places: dict[int, Path] = {}
    with client:
        numbers = range(1, shards + 1)
        tasks = client.map(_ask, numbers, settings=settings, asked=asked, pure=False, retries=RETRIES)
        named = dict(zip((task.key for task in tasks), numbers, strict=True))
        for task in distributed.as_completed(tasks):
            number = named[task.key]
            places[number] = _take(task.result(), folder / "shards" / str(number))
            tell(f"{len(places)} of {shards} shards asked")
    evidence = merge(folder, [places[number] for number in sorted(places)])
    write_html(evidence, folder / REPORT_NAME)
    return Ended(evidence.footer.exit_status, summary_of(evidence), evidence, folder, "")


def _ask(number: int, *, settings: Settings, asked: Asked) -> _Answer:
    """Ask one shard, on a worker."""
    with tempfile.TemporaryDirectory(prefix="isolation-tests-scale-") as made:
        try:
            run(settings, replace(asked, shard=(number, asked.shard[1])), Path(made))
        except Problem as error:
            return _Answer(b"", sentence(error), error.status is ExitStatus.USAGE)
        return _Answer((Path(made) / EVIDENCE_NAME).read_bytes())


def _take(answer: _Answer, place: Path) -> Path:
    """Keep the evidence of a shard; raises what kept it from being asked."""
    if answer.problem:
        raise UsageProblem(answer.problem) if answer.usage else TargetProblem(answer.problem)
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / EVIDENCE_NAME, answer.evidence)
    return place
