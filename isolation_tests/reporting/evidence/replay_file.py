"""Replay files: one finding with its smallest plan, enough to reproduce it on any target."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from isolation_tests.core.bounded import no_json, parsed, read_file
from isolation_tests.core.masking import masked_options
from isolation_tests.model import Case, Finding, Frozen, Plan
from isolation_tests.reporting.evidence.errors import BadReplay, first_fault
from isolation_tests.reporting.evidence.files import write_whole

__all__ = ["Replay", "read_replay", "replay_path", "write_replay"]

_SCHEMA_VERSION = 1
_MOST_BYTES = 32_000_000
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Replay(Frozen):
    """A finding with all that is needed to reproduce it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    suite_version: str
    target: str
    """Name or file of the tested target; a file is relative to the folder in which the run started."""
    options: dict[str, str] = Field(default_factory=dict)
    """Options that the user gave for the target; secrets are masked."""
    finding: Finding
    plan: Plan
    seen: int = Field(ge=1)
    """Number of tries that showed the finding."""
    tried: int = Field(ge=1)
    """Number of tries."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Distributions that were installed, with their versions."""

    @model_validator(mode="after")
    def _finding_fits_plan(self) -> Replay:
        users = [self.finding.viewer, *([] if self.finding.owner is None else [self.finding.owner])]
        if not all(0 <= user < len(self.plan.users) for user in users):
            raise ValueError("the finding names a user that the plan does not have")
        if not 0 <= self.finding.step < len(self.plan.steps):
            raise ValueError("the finding names a step that the plan does not have")
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
    """Write `findings/<anomaly>-<operation>-<relation>.json` into the folder atomically; return its path."""
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
    text = json.dumps(replay.model_dump(mode="json"), ensure_ascii=True, indent=2)
    return write_whole(replay_path(Path(folder), case.finding), f"{text}\n".encode("ascii"))


def replay_path(folder: Path, finding: Finding) -> Path:
    """The path of a finding's replay file in a run's folder."""
    return folder / "findings" / f"{_file_stem(finding.key)}.json"


def read_replay(path: Path | str) -> Replay:
    """Read a replay file; raises `BadReplay` if it is missing, cut, invalid, or has another schema."""
    path = Path(path)
    try:
        record = parsed(read_file(path, _MOST_BYTES), once=True)
    except OSError as error:
        raise BadReplay(path, error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise BadReplay(path, no_json(error)) from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != _SCHEMA_VERSION:
        raise BadReplay(
            path, f"its schema version is {version!r}, but this version reads only {_SCHEMA_VERSION}"
        )
    try:
        return Replay.model_validate(record)
    except ValidationError as error:
        raise BadReplay(path, first_fault(error)) from error


def _file_stem(key: str) -> str:
    """A finding's key as a safe file name; a key that had to be changed gets a digest."""
    safe = _UNSAFE.sub("_", key)[:120]
    return safe if safe == key else f"{safe}-{hashlib.sha256(ascii(key).encode()).hexdigest()[:8]}"
