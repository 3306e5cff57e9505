"""The strength of a run: which seeded faults it would tell in front of the target, and why not others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from isolation_tests.core.inert import plain
from isolation_tests.model import Frozen
from isolation_tests.reporting.evidence.errors import EvidenceError, first_fault

__all__ = [
    "STRENGTH_NAME",
    "BadStrengthError",
    "BlindSpot",
    "Strength",
    "grouped",
    "named",
    "read_strength",
    "strength_lines",
    "write_strength",
]

STRENGTH_NAME = "strength.json"
MOST_BYTES = 4_000_000
MOST_NAMES = 8


class BadStrengthError(EvidenceError):
    """A file of that name that no calibration wrote, or that was changed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is no strength that calibrate wrote ({why}); calibrate again.")


class BlindSpot(Frozen):
    """A seeded fault that is not told in front of a target, and why: one phrase."""

    fault: str = Field(max_length=200)
    anomaly: str = Field(max_length=40)
    cause: str = Field(max_length=2000)


class Strength(Frozen):
    """What a calibration measured: which seeded faults would be caught in front of a target.

    fitting: faults that can make a difference there. caught: those of them that were named. blind_spots:
    those that were not. not_fitting: faults that need what the target does not offer. masked: faults whose
    findings the target shows by itself. profile, seeds, calls: of the calibrating runs. versions: of what was
    calibrated. whole: whether every seeded fault was planted, not a choice of them.
    """

    target: str
    suite_version: str
    date: dt.date
    profile: str
    seeds: tuple[int, ...]
    calls: int = Field(ge=0)
    versions: dict[str, str]
    fitting: int = Field(ge=0)
    caught: int = Field(ge=0)
    whole: bool = True
    blind_spots: tuple[BlindSpot, ...] = ()
    not_fitting: tuple[BlindSpot, ...] = ()
    masked: tuple[BlindSpot, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Strength:
        if self.caught + len(self.blind_spots) != self.fitting:
            raise ValueError("what was caught and what was not are not what was fitting")
        return self


def read_strength(folder: Path) -> Strength | None:
    """The strength that was measured for the run in a folder; None where it was not.

    Raises `BadStrengthError` for a file that can't be believed.
    """
    path = folder / STRENGTH_NAME
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadStrengthError(path, "it is too large")
        return Strength.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadStrengthError(path, error.strerror or type(error).__name__) from error
    except ValidationError as error:
        raise BadStrengthError(path, first_fault(error)) from error


def write_strength(folder: Path, strength: Strength) -> Path:
    """Keep the strength beside a run's evidence, whole or not at all; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STRENGTH_NAME
    partial = path.with_suffix(".json.partial")
    partial.write_text(strength.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return partial.replace(path)


def grouped(spots: Iterable[BlindSpot]) -> list[tuple[str, tuple[str, ...]]]:
    """Each cause with the faults it explains, in the order of their first fault."""
    groups: dict[str, list[str]] = {}
    for spot in spots:
        groups.setdefault(spot.cause, []).append(spot.fault)
    return [(cause, tuple(faults)) for cause, faults in groups.items()]


def strength_lines(strength: Strength) -> list[str]:
    """The strength in plain words: the verdict first, then one line a cause; nothing steers a terminal."""
    chosen = "" if strength.whole else " that were chosen"
    seeds = ", ".join(map(str, strength.seeds))
    seed = f"seed{'s' if len(strength.seeds) > 1 else ''} {seeds}"
    faults = f"{strength.caught} of {strength.fitting} seeded faults{chosen}"
    lines = [
        f"{faults} would be caught in front of {strength.target}.",
        f"Measured on {strength.date} at profile {strength.profile} with {seed}, in {strength.calls} calls.",
        *(f"Blind spot: {line}" for line in _told(strength.blind_spots)),
        *(f"Not planted, for the target does not offer it: {line}" for line in _told(strength.not_fitting)),
        *(f"Shown by the target itself, so not counted: {line}" for line in _told(strength.masked)),
    ]
    return [" ".join(plain(line).split()) for line in lines]


def _told(spots: Iterable[BlindSpot]) -> list[str]:
    return [f"{named(faults)}: {cause}" for cause, faults in grouped(spots)]


def named(faults: tuple[str, ...]) -> str:
    """The faults by name; of many, the first few and how many more."""
    more = len(faults) - MOST_NAMES
    return ", ".join(faults[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
