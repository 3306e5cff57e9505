"""Merges the shards of one run, such as those of a CI matrix, into one evidence file.

Merging never improves a result. All results of a check are kept and the worst one counts. A check that no
shard reported is not run. A shard with other settings or another target is refused. The shards of a scale run
each have users of their own: their figures add up, and no shard may be included twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from isolation_tests.core.inert import inert
from isolation_tests.model import Frozen
from isolation_tests.reporting.evidence.coverage import coverage_of
from isolation_tests.reporting.evidence.errors import BadReplay, CannotMerge
from isolation_tests.reporting.evidence.evidence import Ending, Evidence, Header
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.replay_file import read_replay, replay_path
from isolation_tests.reporting.evidence.scale import ScaleFigures
from isolation_tests.reporting.evidence.summary import exit_status, summarise
from isolation_tests.reporting.evidence.times import instant
from isolation_tests.reporting.evidence.writer import EvidenceWriter

__all__ = ["merge"]

MOST_SHOWN = 60
# Every other field must be equal in all shards, including fields that a later version adds.
_MAY_DIFFER = {"run_id", "started", "seed", "workers", "selection", "variables", "withheld", "merged"}
_MAY_DIFFER |= {"target", "source", "probed", "given"}
_WORDS = {
    "suite_version": "the version of isolation-tests",
    "expected": "the set of checks",
    "scale": "the users that they ask about",
    "name": "the target",
}


def merge(out: Path, folders: Sequence[Path]) -> Evidence:
    """Merge the evidence and replay files of several folders into `out`; return the merged evidence.

    Raises `CannotMerge` for runs that are not shards of one run, and the errors of `read` for evidence that
    can't be trusted. `out` must not be one of the folders, because their evidence is kept.
    """
    if out.resolve() in {(folder if folder.is_dir() else folder.parent).resolve() for folder in folders}:
        raise CannotMerge(f"{out} is one of them; choose another folder for the merged run")
    parts = [read(folder) for folder in folders]
    header = _merged_header(parts)
    with EvidenceWriter(out, header) as writer:
        for part in parts:
            for result in part.results:
                writer.append(result)
        evidence = read(writer.finish(_ending(header, parts)))
    _keep_replays(evidence, folders, out)
    return evidence


def _merged_header(parts: Sequence[Evidence]) -> Header:
    """The header of the merged run; raises `CannotMerge` with the first setting that differs.

    The merged run is no longer narrowed once every expected check reported.
    """
    headers = [part.header for part in parts]
    if len(parts) < 2:  # one shard needs no merging
        raise CannotMerge("there is only one; give at least two folders")
    _require_alike(headers)
    runs = [run for header in headers for run in header.merged or (header.run_id,)]
    if twice := {run for run in runs if runs.count(run) > 1}:
        raise CannotMerge(f"run {inert(min(twice), MOST_SHOWN)} is included twice; give each run once")
    _require_other_users(parts)
    first, seeds = headers[0], {header.seed for header in headers}
    return first.model_copy(
        update={
            "run_id": hashlib.sha256("\n".join(sorted(runs)).encode("utf-8", "replace")).hexdigest()[:6],
            "started": min((header.started for header in headers), key=instant),
            "seed": first.seed if len(seeds) == 1 else None,
            "workers": sum(header.workers for header in headers),
            "probed": _probed(headers),
            "selection": tuple(dict.fromkeys(_selections(parts))),
            "variables": _variables(headers),
            "given": tuple(dict.fromkeys(setting for header in headers for setting in header.given)),
            "withheld": sum(header.withheld for header in headers),
            "merged": tuple(sorted(runs)),
        }
    )


def _require_alike(headers: Sequence[Header]) -> None:
    first = headers[0]
    for other in headers[1:]:
        for name, one, another in (*_values(first.target, other.target), *_values(first, other)):
            if name not in _MAY_DIFFER and one != another:
                what = _WORDS.get(name, name.replace("_", " "))
                difference = f"{what}{_both(one, another)}"
                raise CannotMerge(f"they differ in {difference}; give runs with equal settings")


def _require_other_users(parts: Sequence[Evidence]) -> None:
    """Raise `CannotMerge` if two parts of a scale run are of the same shard."""
    seen: set[int] = set()
    for part in parts:
        shards = () if part.footer.scale is None else part.footer.scale.shards
        if twice := seen & {*shards}:
            raise CannotMerge(f"shard {min(twice)} is included twice; give each shard once")
        seen |= {*shards}


def _values(one: Frozen, other: Frozen) -> Iterator[tuple[str, object, object]]:
    return ((name, getattr(one, name), getattr(other, name)) for name in type(one).model_fields)


def _both(one: object, other: object) -> str:
    if isinstance(one, str) and isinstance(other, str):
        return f" ({inert(one, MOST_SHOWN)} and {inert(other, MOST_SHOWN)})"
    return ""


def _selections(parts: Sequence[Evidence]) -> Iterator[str]:
    reported = {result.check for part in parts for result in part.results}
    if not all(check.check in reported for check in parts[0].header.expected):
        for part in parts:
            yield from part.header.selection


def _probed(headers: Sequence[Header]) -> dict[str, str]:
    """Each capability with the first failure that a shard recorded, else "ok"."""
    answers: dict[str, str] = {}
    for header in headers:
        for name, answer in header.probed.items():
            if answers.get(name, "ok") == "ok":
                answers[name] = answer
    return answers


def _variables(headers: Sequence[Header]) -> dict[str, str]:
    values: dict[str, dict[str, None]] = {}
    for header in headers:
        for name, value in header.variables.items():
            values.setdefault(name, {})[value] = None
    return {name: " and ".join(found) for name, found in sorted(values.items())}


def _ending(header: Header, parts: Sequence[Evidence]) -> Ending:
    footers = [part.footer for part in parts]
    unmatched = tuple(dict.fromkeys(note for footer in footers for note in footer.unmatched_known))
    expired = tuple(dict.fromkeys(note for footer in footers for note in footer.expired_known))
    results = [result for part in parts for result in part.results]
    summary = summarise(header, results, (*unmatched, *expired))
    return Ending(
        ended=max((footer.ended for footer in footers), key=instant),
        seconds=round(sum(footer.seconds for footer in footers), 1),
        counts=summary.counts,
        verdict=summary.verdict,
        level=summary.level,
        not_run=summary.not_run,
        unmatched_known=unmatched,
        expired_known=expired,
        notes=tuple(_notes(parts)),
        exit_status=exit_status(summary),
        coverage=coverage_of(header, results) if header.scale is None else None,
        scale=None if header.scale is None else _scaled(parts),
    )


def _scaled(parts: Sequence[Evidence]) -> ScaleFigures:
    """The figures of all parts of a scale run together."""
    return ScaleFigures.total(part.footer.scale for part in parts if part.footer.scale is not None)


def _notes(parts: Sequence[Evidence]) -> Iterator[str]:
    yield f"merged from runs {', '.join(part.header.run_id for part in parts)}"
    if any(part.header.known_count and part.header.selection for part in parts):
        yield "known findings were compared within each shard only; run without shards to find outdated ones"
    for part in parts:
        yield from (f"run {part.header.run_id}: {note}" for note in part.footer.notes)


def _keep_replays(evidence: Evidence, folders: Sequence[Path], out: Path) -> None:
    """Copy each finding's replay file from the first shard that has one."""
    for case in (case for result in evidence.results for case in result.cases):
        into = replay_path(out, case.finding)
        for path in (replay_path(folder, case.finding) for folder in folders):
            if into.exists() or not path.is_file():
                continue
            try:
                read_replay(path)
            except BadReplay:
                continue
            into.parent.mkdir(parents=True, exist_ok=True)
            into.write_bytes(path.read_bytes())
