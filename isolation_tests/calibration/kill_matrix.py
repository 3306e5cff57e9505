"""The kill matrix: the outcome of every planted fault, as a table, a sentence and a strength."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from isolation_tests.calibration.diagnosis import Silence, anomaly_of
from isolation_tests.engine.run import SUITE_VERSION
from isolation_tests.faults import FAULTS
from isolation_tests.model import Verdict
from isolation_tests.reporting.evidence import strength as strengths
from isolation_tests.reporting.evidence.strength import BlindSpot, Strength, grouped, named
from isolation_tests.reporting.formats.terminal import listing
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings

CLEAN = "(nothing planted)"


@dataclass(frozen=True, slots=True)
class Killed:
    """What a run with one planted fault found.

    keys: of the findings until the fault was caught, the most frequent first. drawn: those that only drawn
    plans showed. verdict: the worst of the run. stopped: why the run ended at the smoke test. silent: checks
    for the anomaly that neither held nor were violated. shown: keys of the findings by such checks. refused:
    the refused calls of such checks, in words. lacking: what the fault needs and the target lacks; without it
    the fault has no effect. own: findings that the target has without the fault. cause: why the fault was not
    caught.
    """

    fault: str
    anomaly: str
    keys: tuple[str, ...] = ()
    drawn: frozenset[str] = frozenset()
    verdict: Verdict = Verdict.NOT_SUPPORTED
    calls: int = 0
    stopped: str = ""
    silent: tuple[Silence, ...] = ()
    shown: frozenset[str] = frozenset()
    refused: str = ""
    lacking: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    cause: str = ""

    @property
    def fits(self) -> bool:
        """Whether the target offers everything that the fault needs."""
        return not self.lacking

    @property
    def named(self) -> tuple[str, ...]:
        """The anomalies that were found, the most frequent first."""
        return tuple(dict.fromkeys(map(anomaly_of, self.keys)))

    @property
    def news(self) -> tuple[str, ...]:
        """The anomalies of findings that the target does not have without the fault.

        Drawn plans differ from run to run. A finding that only they show is not new if the target already has
        a finding of that anomaly.
        """
        alike = set(map(anomaly_of, self.own))
        new = (key for key in self.keys if key not in self.own)
        return tuple(
            dict.fromkeys(
                anomaly for key in new if (anomaly := anomaly_of(key)) not in alike or key not in self.drawn
            )
        )

    @property
    def caught(self) -> bool:
        """Whether the planted fault was found and reported as its own anomaly."""
        return self.anomaly in self.news

    @property
    def masked(self) -> bool:
        """Whether the target already has the anomaly, so that finding it proves nothing about the fault."""
        return self.fits and not self.caught and self.anomaly in map(anomaly_of, self.own)

    @property
    def survived(self) -> bool:
        """Whether the fault could have an effect that the suite did not report."""
        return self.fits and not self.caught and not self.masked


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """The clean target's findings, and each fault's outcome. profile, seed: of all runs."""

    target: str
    clean: Killed
    faults: tuple[Killed, ...]
    profile: str
    seed: int

    @property
    def fitting(self) -> tuple[Killed, ...]:
        """Faults that can be planted and measured in front of this target."""
        return tuple(killed for killed in self.faults if killed.fits and not killed.masked)

    @property
    def survivors(self) -> tuple[Killed, ...]:
        """Faults that were planted and not caught."""
        return tuple(killed for killed in self.faults if killed.survived)

    @property
    def complete(self) -> bool:
        """Whether faults were planted and every one of them was caught."""
        return bool(self.fitting) and not self.survivors

    def sentence(self) -> str:
        """The strength in one sentence, with each cause once."""
        caught = len(self.fitting) - len(self.survivors)
        planted = f"{len(self.fitting)} seeded faults planted in front of {self.target}"
        text = f"The checks catch {caught} of {planted}"
        lacking = sum(not killed.fits for killed in self.faults)
        masked = sum(killed.masked for killed in self.faults)
        more = [f"{lacking} not planted: the target lacks what the fault needs"] if lacking else []
        more += [f"{masked} not measurable: the target already has the anomaly"] if masked else []
        text += f" ({'; '.join(more)})" if more else ""
        if not self.survivors:
            return f"{text}; no blind spots."
        blind = [f"{named(faults)} ({cause})" for cause, faults in grouped(_spots(self.survivors))]
        return f"{text}; blind spots: {'; '.join(blind)}."


def measured(matrix: KillMatrix, settings: Settings) -> Strength:
    """The strength that a calibration measured, to be stored."""
    target = resolve(
        settings.target or "reference",
        options=settings.option_map(),
        known="none",
        disposable=settings.disposable,
    )
    faults = matrix.faults
    return Strength(
        target=target.name,
        suite_version=SUITE_VERSION,
        date=dt.datetime.now(dt.UTC).date(),
        profile=matrix.profile,
        seeds=(matrix.seed,),
        calls=matrix.clean.calls + sum(killed.calls for killed in faults),
        versions=target.versions(),
        fitting=len(matrix.fitting),
        caught=len(matrix.fitting) - len(matrix.survivors),
        whole={killed.fault for killed in faults} == set(FAULTS),
        blind_spots=_spots(matrix.survivors),
        not_fitting=_spots(killed for killed in faults if not killed.fits),
        masked=_spots(killed for killed in faults if killed.masked),
    )


def write_strength(folder: Path, matrix: KillMatrix, settings: Settings) -> Path:
    """Store the strength with a run's evidence; return the file."""
    return strengths.write_strength(folder, measured(matrix, settings))


def _spots(outcomes: Iterable[Killed]) -> tuple[BlindSpot, ...]:
    return tuple(
        BlindSpot(fault=killed.fault, anomaly=killed.anomaly, cause=killed.cause) for killed in outcomes
    )


def kill_table(matrix: KillMatrix) -> Table:
    """One row for each outcome and cause, with the faults that it explains."""
    faults, clean = matrix.faults, matrix.clean
    caught = [killed for killed in faults if killed.caught]
    found = f"already has {', '.join(clean.named)}" if clean.named else "no findings"
    rows = [("clean run", "-", CLEAN, found)]
    if caught:
        rows.append(("caught", str(len(caught)), _by_anomaly(caught), "reported as the right anomaly"))
    for outcome, some in (
        ("NOT CAUGHT", matrix.survivors),
        ("not measurable", [killed for killed in faults if killed.masked]),
        ("not planted", [killed for killed in faults if not killed.fits]),
    ):
        for cause, names in grouped(_spots(some)):
            rows.append((outcome, str(len(names)), ", ".join(names), cause))
    title = f"Kill matrix in front of {matrix.target}, profile {matrix.profile}, seed {matrix.seed}"
    return listing(title, ("outcome", "faults", "planted", "why"), rows)


def _by_anomaly(caught: Sequence[Killed]) -> str:
    """The caught faults: a few by name, many by their number per anomaly."""
    if len(caught) <= strengths.MOST_NAMES:
        return ", ".join(killed.fault for killed in caught)
    counts = Counter(killed.anomaly for killed in caught)
    return ", ".join(f"{anomaly} ({number})" for anomaly, number in counts.items())
