"""Strength: plants every seeded fault in front of a target, one at a time, and sees which are caught."""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from isolation_tests.campaign import SMOKE, SUITE_VERSION, blaming, golden_plan, new_key
from isolation_tests.checks import Certifier
from isolation_tests.faults import FAULTS
from isolation_tests.laws import all_laws
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.problems import TargetProblem, UsageProblem
from isolation_tests.profiles import profile
from isolation_tests.reporting.board import STRENGTH_NAME, Strength
from isolation_tests.settings import Settings
from isolation_tests.targets import resolve
from isolation_tests.terminal import listing
from isolation_tests.violations import CheckFailed

CLEAN = "(nothing planted)"


@dataclass(frozen=True, slots=True)
class Killed:
    """What a run found with one fault planted.

    named: anomalies found, most often first. verdict: of the whole run. fits: whether the target offers
    what the fault needs; without, it changes nothing.
    """

    fault: str
    anomaly: str
    named: tuple[str, ...] = ()
    verdict: Verdict = Verdict.NOT_SUPPORTED
    calls: int = 0
    fits: bool = True

    @property
    def caught(self) -> bool:
        """Whether the planted fault was found and called by its own name."""
        return self.anomaly in self.named

    @property
    def alone(self) -> bool:
        """Whether nothing but its own anomaly was named."""
        return self.named == (self.anomaly,)


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """The clean target's own findings, and each fault's outcome."""

    target: str
    clean: Killed
    faults: tuple[Killed, ...]

    @property
    def fitting(self) -> tuple[Killed, ...]:
        """Faults that can make a difference in front of this target."""
        return tuple(killed for killed in self.faults if killed.fits and not self.is_masked(killed))

    def is_masked(self, killed: Killed) -> bool:
        """Whether the target shows the anomaly by itself, so that naming it proves nothing of the fault."""
        return killed.anomaly in self.clean.named

    @property
    def survivors(self) -> tuple[Killed, ...]:
        """Faults that fit and were not caught."""
        return tuple(killed for killed in self.fitting if not killed.caught)

    @property
    def complete(self) -> bool:
        """Whether there were faults that fit and every one was caught."""
        return bool(self.fitting) and not self.survivors

    def sentence(self) -> str:
        """The strength in one sentence."""
        caught = len(self.fitting) - len(self.survivors)
        text = f"{caught} of {len(self.fitting)} seeded faults would be caught in front of {self.target}"
        if other := len(self.faults) - len(self.fitting):
            text += f" ({other} more need what it does not offer, or what it shows by itself)"
        if not self.survivors:
            return f"{text}; no survivor."
        blind = ", ".join(f"{killed.fault} ({killed.anomaly})" for killed in self.survivors)
        return f"{text}; blind spots: {blind}."


def certify(settings: Settings, *, until: str | None = None) -> list[CheckResult]:
    """Ask every law of a target in this process, without pytest and without files; stop where a run would.

    until: an anomaly. What could show it is asked first, and nothing more once it has been named.
    Raises a `Problem` for a target that can't be named or opened.
    """
    key = new_key(settings.seed_number())
    target = resolve(settings.target or "reference", options=settings.option_map(), known="none")
    with blaming(target.name):
        certifier = Certifier(target, profile(settings.profile or "ci"), key)
        try:
            return _asked(certifier, until)
        finally:
            certifier.close()


def _asked(certifier: Certifier, until: str | None) -> list[CheckResult]:
    results = [certifier.smoke(golden_plan(SMOKE))]
    if results[0].verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE):
        return results
    asked = [(entry, cell) for entry in all_laws().values() for cell in entry.asked(certifier.profile)]
    for entry, cell in sorted(asked, key=lambda pair: until not in pair[0].covers(pair[1])):
        if until is not None and any(case.finding.anomaly == until for case in results[-1].cases):
            break
        check = certifier.check(entry, cell)
        with contextlib.suppress(CheckFailed):
            entry.test(check, cell)
        results.append(check.kept)
    return results


def _fitting(settings: Settings, names: Sequence[str]) -> frozenset[str]:
    """The faults that can make a difference in front of the target."""
    target = resolve(settings.target or "reference", options=settings.option_map(), known="none")
    with blaming(target.name):
        session = target.open()
        try:
            return frozenset(name for name in names if FAULTS[name].fits(session.adapter))
        finally:
            session.close()


def run_planted(fault: str | None, settings: Settings) -> Killed:
    """Ask every law of the target with this fault planted; of the clean target where it is None."""
    spec = settings.target if fault is None else f"fault:{fault}@{settings.target}"
    results = certify(
        Settings(target=spec, profile=settings.profile, seed=settings.seed, options=settings.options)
    )
    found: dict[str, int] = {}
    for result in results:
        for case in result.cases:
            found[case.finding.anomaly] = found.get(case.finding.anomaly, 0) + 1
    return Killed(
        fault=fault or CLEAN,
        anomaly="" if fault is None else FAULTS[fault].anomaly,
        named=tuple(sorted(found, key=lambda name: (-found[name], name))),
        verdict=Verdict.worst(result.verdict for result in results),
        calls=sum(result.calls for result in results),
    )


def calibrate(
    settings: Settings,
    *,
    only: Sequence[str] = (),
    workers: int = 0,
    tell: Callable[[str], object] = lambda _: None,
) -> KillMatrix:
    """Run the whole suite once clean and once with each fault planted, several at a time.

    only: names of faults; all by default. workers: processes; 0 takes one for each core. tell: is told
    the progress. Raises `UsageProblem` for a fault that does not exist.
    """
    for name in only:
        if name not in FAULTS:
            raise UsageProblem(f"There is no seeded fault {name!r}; `isolation-tests targets` lists them.")
    asked = tuple(only or FAULTS)
    fitting = _fitting(settings, asked)
    names: list[str | None] = [None, *(name for name in asked if name in fitting)]
    context = multiprocessing.get_context("spawn")
    outcomes: dict[str, Killed] = {}
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=context) as pool:
        for outcome in pool.map(run_planted, names, [settings] * len(names)):
            outcomes[outcome.fault] = outcome
            tell(f"{len(outcomes)} of {len(names)} runs, last {outcome.fault}")
    clean = outcomes[CLEAN]
    if clean.verdict is Verdict.ERROR or not clean.calls:
        raise TargetProblem(
            f"{settings.target} does not get through a clean run; mend what "
            f"`isolation-tests run {settings.target}` reports, then calibrate."
        )
    faults = (outcomes.get(name) or Killed(name, FAULTS[name].anomaly, fits=False) for name in asked)
    return KillMatrix(settings.target or "reference", clean, tuple(faults))


def write_strength(folder: Path, matrix: KillMatrix, settings: Settings) -> Path:
    """Keep the strength beside a run's evidence; return the file."""
    target = resolve(settings.target or "reference", options=settings.option_map(), known="none")
    strength = Strength(
        target=target.name,
        suite_version=SUITE_VERSION,
        date=dt.datetime.now(dt.UTC).date(),
        profile=settings.profile or "ci",
        versions=target.versions(),
        fitting=len(matrix.fitting),
        caught=len(matrix.fitting) - len(matrix.survivors),
        survivors=tuple(killed.fault for killed in matrix.survivors),
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STRENGTH_NAME
    path.write_text(strength.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path


def kill_table(matrix: KillMatrix) -> Table:
    """One row a fault: what was planted, what was named, caught or survived."""
    clean = matrix.clean
    rows = [(clean.fault, "-", ", ".join(clean.named) or "nothing", clean.verdict.value)]
    for killed in matrix.faults:
        outcome = "caught" if killed.caught else "SURVIVED"
        if matrix.is_masked(killed):
            outcome = "shown without it"
        elif not killed.fits:
            outcome = "does not fit"
        rows.append((killed.fault, killed.anomaly, ", ".join(killed.named) or "nothing", outcome))
    return listing(
        f"Kill matrix in front of {matrix.target}", ("planted", "anomaly", "named", "outcome"), rows
    )
