"""Strength: plants every seeded fault in front of a target, one at a time, and sees which are caught."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from rich.table import Table

from isolation_tests.campaign import golden_plan, new_key
from isolation_tests.checks import Certifier
from isolation_tests.faults import FAULTS
from isolation_tests.laws import all_laws
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.problems import UsageProblem
from isolation_tests.profiles import profile
from isolation_tests.settings import Settings
from isolation_tests.targets import resolve
from isolation_tests.violations import CheckFailed

CLEAN = "(nothing planted)"


@dataclass(frozen=True, slots=True)
class Killed:
    """What a run found with one fault planted.

    named: anomalies found, most often first. verdict: of the whole run.
    """

    fault: str
    anomaly: str
    named: tuple[str, ...]
    verdict: Verdict
    calls: int

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
    def survivors(self) -> tuple[Killed, ...]:
        """Faults that were not caught."""
        return tuple(killed for killed in self.faults if not killed.caught)

    @property
    def complete(self) -> bool:
        """Whether every fault was caught."""
        return not self.survivors

    def sentence(self) -> str:
        """The strength in one sentence."""
        caught = len(self.faults) - len(self.survivors)
        text = f"{caught} of {len(self.faults)} seeded faults would be caught in front of {self.target}"
        if self.complete:
            return f"{text}; no survivor."
        blind = ", ".join(f"{killed.fault} ({killed.anomaly})" for killed in self.survivors)
        return f"{text}; blind spots: {blind}."


def certify(settings: Settings) -> list[CheckResult]:
    """Ask every law of a target in this process, without pytest and without files."""
    key = new_key(settings.seed_number())
    target = resolve(settings.target or "reference", options=settings.option_map(), known="none")
    certifier = Certifier(target, profile(settings.profile or "ci"), key)
    results = [certifier.smoke(golden_plan("alice-and-bob"))]
    try:
        for entry in all_laws().values():
            for cell in entry.asked(certifier.profile):
                check = certifier.check(entry, cell)
                with contextlib.suppress(CheckFailed):
                    entry.test(check, cell)
                results.append(check.kept)
    finally:
        certifier.close()
    return results


def _killed(fault: str | None, settings: Settings) -> Killed:
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
    names: list[str | None] = [None, *(only or FAULTS)]
    context = multiprocessing.get_context("spawn")
    outcomes: list[Killed] = []
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=context) as pool:
        for outcome in pool.map(_killed, names, [settings] * len(names)):
            outcomes.append(outcome)
            tell(f"{len(outcomes)} of {len(names)} runs, last {outcome.fault}")
    return KillMatrix(settings.target or "reference", outcomes[0], tuple(outcomes[1:]))


def kill_table(matrix: KillMatrix) -> Table:
    """One row a fault: what was planted, what was named, caught or survived."""
    table = Table(title=f"Kill matrix in front of {matrix.target}", title_justify="left")
    for heading in ("planted", "anomaly", "named", "outcome"):
        table.add_column(heading)
    clean = matrix.clean
    table.add_row(clean.fault, "-", ", ".join(clean.named) or "nothing", clean.verdict.value)
    for killed in matrix.faults:
        outcome = "caught" if killed.caught else "SURVIVED"
        table.add_row(killed.fault, killed.anomaly, ", ".join(killed.named) or "nothing", outcome)
    return table
