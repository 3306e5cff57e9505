"""The strength of a run: which faults the checks catch when planted in front of the target, and which not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError, model_validator

from isolation_tests.core.bounded import no_json, parsed, read_file
from isolation_tests.core.inert import plain
from isolation_tests.model import Frozen
from isolation_tests.reporting.evidence.errors import EvidenceError, first_fault
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.signed_text import LATEST_FORM, SignedText

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
    """The strength file is invalid: no calibration wrote it, or it was changed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is not a strength file of `isolation-tests calibrate` ({why}); calibrate again."
        )


class BlindSpot(Frozen):
    """A seeded fault that the checks did not catch in front of a target."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    fault: str = Field(max_length=200)
    anomaly: str = Field(max_length=40)
    cause: str = Field(max_length=2000)
    """Why the fault was not caught, as one phrase."""


class Strength(Frozen):
    """The result of a calibration: which seeded faults the checks catch in front of a target."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    target: str
    suite_version: str
    date: dt.date
    profile: str
    """Profile of the calibrating runs."""
    seeds: tuple[int, ...]
    """Seeds of the calibrating runs."""
    calls: int = Field(ge=0)
    """Calls that the calibrating runs made."""
    versions: dict[str, str]
    """Versions of the calibrated target's distributions."""
    fitting: int = Field(ge=0)
    """Number of faults that can have an effect in front of this target."""
    caught: int = Field(ge=0)
    """Number of fitting faults that the checks caught under the right anomaly."""
    whole: bool = True
    """Whether every seeded fault was planted; False if only some were selected."""
    blind_spots: tuple[BlindSpot, ...] = ()
    """Fitting faults that were not caught."""
    not_fitting: tuple[BlindSpot, ...] = ()
    """Faults that need a capability which the target does not offer."""
    masked: tuple[BlindSpot, ...] = ()
    """Faults that can't be measured, because the target already has their anomaly."""

    @model_validator(mode="after")
    def _adds_up(self) -> Strength:
        if self.caught + len(self.blind_spots) != self.fitting:
            raise ValueError("caught faults and blind spots do not add up to the fitting faults")
        return self


def read_strength(folder: Path) -> Strength | None:
    """The strength that was measured for a folder's run; None if it was not measured.

    Raises `BadStrengthError` for a file that can't be trusted.
    """
    path = folder / STRENGTH_NAME
    try:
        return Strength.model_validate(parsed(read_file(path, MOST_BYTES), once=True))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadStrengthError(path, error.strerror or type(error).__name__) from error
    except ValidationError as error:
        raise BadStrengthError(path, first_fault(error)) from error
    except ValueError as error:
        raise BadStrengthError(path, no_json(error)) from error


def write_strength(folder: Path, strength: Strength) -> Path:
    """Write the strength beside a run's evidence, atomically; return the file."""
    return write_whole(folder / STRENGTH_NAME, f"{strength.model_dump_json(indent=2)}\n".encode())


def grouped(spots: Iterable[BlindSpot]) -> list[tuple[str, tuple[str, ...]]]:
    """Each cause with its faults, in the order of their first fault."""
    groups: dict[str, list[str]] = {}
    for spot in spots:
        groups.setdefault(spot.cause, []).append(spot.fault)
    return [(cause, tuple(faults)) for cause, faults in groups.items()]


class _Text(SignedText):
    CAUGHT = (
        "{caught} of {fitting} seeded faults would be caught in front of {target}.",
        "The checks catch {caught} of {fitting} seeded faults planted in front of {target}.",
    )
    SOME_CAUGHT = (
        "{caught} of {fitting} seeded faults that were chosen would be caught in front of {target}.",
        "The checks catch {caught} of {fitting} selected seeded faults planted in front of {target}.",
    )
    MEASURED = (
        "Measured on {date} at profile {profile} with {seeds}, in {calls} calls.",
        "Measured on {date} with profile {profile} and {seeds}, in {calls} calls.",
    )
    BLIND_SPOT = ("Blind spot: {faults}",)
    NOT_FITTING = (
        "Not planted, for the target does not offer it: {faults}",
        "Not planted, because the target lacks a capability: {faults}",
    )
    MASKED = (
        "Shown by the target itself, so not counted: {faults}",
        "Not measurable: {faults}",
    )


def strength_lines(strength: Strength, form: int = LATEST_FORM) -> list[str]:
    """The strength in words, result first, then one line per cause; no text can steer a terminal.

    form: the certificate form whose wording is used.
    """
    caught = _Text.CAUGHT if strength.whole else _Text.SOME_CAUGHT
    seeds = f"seed{'s' if len(strength.seeds) > 1 else ''} {', '.join(map(str, strength.seeds))}"
    fields = {"profile": strength.profile, "seeds": seeds, "calls": strength.calls, "date": strength.date}
    groups = (
        (_Text.BLIND_SPOT, strength.blind_spots),
        (_Text.NOT_FITTING, strength.not_fitting),
        (_Text.MASKED, strength.masked),
    )
    lines = [
        caught.at(form, caught=strength.caught, fitting=strength.fitting, target=strength.target),
        _Text.MEASURED.at(form, **fields),
        *(
            text.at(form, faults=f"{named(faults)}: {cause}")
            for text, spots in groups
            for cause, faults in grouped(spots)
        ),
    ]
    return [" ".join(plain(line).split()) for line in lines]


def named(faults: tuple[str, ...]) -> str:
    """The faults by name; of many, the first few and the number of others."""
    more = len(faults) - MOST_NAMES
    return ", ".join(faults[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
