"""Replay files: one finding with its smallest plan, enough to show it again against any target."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from isolation_tests.core.masking import masked_options
from isolation_tests.model import Case, Finding, Frozen, Plan
from isolation_tests.reporting.evidence.errors import BadReplay, NotWritable, first_fault

__all__ = ["Replay", "read_replay", "replay_path", "write_replay"]

_SCHEMA_VERSION = 1
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Replay(Frozen):
    """A finding that can be shown again.

    target: name or file of the target it was found in, from the folder the run was started in. options:
    those the user gave for it, secrets masked. seen of tried: how often it showed. versions: installed
    distributions at that time.
    """

    schema_version: Literal[1] = 1
    suite_version: str
    target: str
    options: dict[str, str] = Field(default_factory=dict)
    finding: Finding
    plan: Plan
    seen: int = Field(ge=1)
    tried: int = Field(ge=1)
    versions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _finding_fits_plan(self) -> Replay:
        users = [self.finding.viewer, *([] if self.finding.owner is None else [self.finding.owner])]
        if not all(0 <= user < len(self.plan.users) for user in users):
            raise ValueError("the finding names a user the plan does not have")
        if not 0 <= self.finding.step < len(self.plan.steps):
            raise ValueError("the finding names a step the plan does not have")
        return self


def write_replay(
    folder: Path | str,
    case: Case,
    *,
    target: str,
    suite_version: str,
    versions: dict[str, str],
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write `findings/<anomaly>-<operation>-<relation>.json` under the folder, whole or not at all."""
    replay = Replay(
        suite_version=suite_version,
        target=target,
        options=masked_options(options or {}),
        finding=case.finding,
        plan=case.history.plan,
        seen=case.seen,
        tried=case.tried,
        versions=versions,
    )
    path = replay_path(Path(folder), case.finding)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".json.partial")
        text = json.dumps(replay.model_dump(mode="json"), ensure_ascii=True, indent=2)
        partial.write_text(text + "\n", encoding="ascii")
        partial.replace(path)
    except OSError as error:
        raise NotWritable(path.parent, error.strerror or type(error).__name__) from error
    return path


def replay_path(folder: Path, finding: Finding) -> Path:
    """Where a finding's replay file is kept under a run's folder."""
    return folder / "findings" / f"{_file_stem(finding.key)}.json"


def read_replay(path: Path | str) -> Replay:
    """Read a replay file; `BadReplay` if it's missing, cut, of another schema, or not valid."""
    path = Path(path)
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise BadReplay(path, error.strerror or type(error).__name__) from error
    except (ValueError, RecursionError) as error:
        raise BadReplay(path, "it isn't JSON") from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != _SCHEMA_VERSION:
        raise BadReplay(path, f"its schema version is {version!r}, this version reads {_SCHEMA_VERSION}")
    try:
        return Replay.model_validate(record)
    except ValidationError as error:
        raise BadReplay(path, first_fault(error)) from error


def _file_stem(key: str) -> str:
    """A finding's key as a file name that stays inside its folder; changed keys carry a digest."""
    safe = _UNSAFE.sub("_", key)[:120]
    return safe if safe == key else f"{safe}-{hashlib.sha256(ascii(key).encode()).hexdigest()[:8]}"
