"""A process of a scale run: takes ranges from the lease file until there are none, or something ends it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.core.errors import TargetProblem
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.safety.limits import joined
from isolation_tests.execution.journal import Journal
from isolation_tests.model import Budget
from isolation_tests.reporting.evidence.scale import ScaleQuestion
from isolation_tests.scale.lease_file import LeaseFile, Work
from isolation_tests.scale.part import Part
from isolation_tests.scale.population import Population, relations_for
from isolation_tests.scale.ranges import Ranges
from isolation_tests.targets.resolve import Target, resolve
from isolation_tests.testdata.canaries import Mint

__all__ = ["MOST_LEAKS", "Told", "Worker", "hands_of", "serve"]

MOST_LEAKS = 100
"""After so many answers that show others' facts no further range begins: more of them prove nothing more."""
_WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Told:
    """What a further process needs to take part in a run; it reaches the process through a pipe only."""

    target: str
    options: dict[str, str]
    known: str | None
    disposable: bool
    question: ScaleQuestion
    shard: int
    key: RunKey
    leases: Path
    ledger: Path
    budget: Budget
    workers: int
    beacon: str
    parent: int


def hands_of(
    examiner: Examiner, target: Target, key: RunKey, journal: Journal, question: ScaleQuestion, shard: int
) -> Ranges:
    """What works on ranges, on the target that the examiner has opened."""
    population = Population(
        question, key.run_id, Mint(key.secret), relations_for(target.config.names.aliases)
    )
    session = examiner.runner.session
    return Ranges(population, target, session, journal, key.began, shard)


@dataclass
class Worker:
    """One process's loop. number: of the process. began: when taking ranges began, in monotonic seconds.

    alive: whether the run still goes on. tell: is told after each range.
    """

    hands: Ranges
    leases: LeaseFile
    run_id: str
    number: int
    began: float
    alive: Callable[[], bool] = lambda: True
    tell: Callable[[], object] = lambda: None
    _leaks: int = 0
    _answers: int = 0

    def run(self) -> None:
        """Work until no range is left, for this process or another; raises what ends the run."""
        while self.alive():
            self._close_in_time()
            unit = self.leases.next(self.run_id, self.number)
            if unit is None:
                if not self._busy_elsewhere():
                    return
                time.sleep(_WAIT_SECONDS)
                continue
            stored, part = self.hands.work(unit)
            if unit.work is Work.LOOK:
                self.leases.done(unit, part)
            else:
                self.leases.store(unit, stored, part)
            self._take(part)
            self.tell()

    def _busy_elsewhere(self) -> bool:
        counts = self.leases.counts()
        return any(counts.get(state, 0) for state in ("storing", "restoring", "gone"))

    def _close_in_time(self) -> None:
        limit = self.hands.population.question.seconds
        if limit is not None and time.monotonic() - self.began > limit:
            self.leases.close_early(f"it was to begin no range after {limit:g} seconds")

    def _take(self, part: Part) -> None:
        self._leaks += part.figures.leaks
        if self._leaks >= MOST_LEAKS:
            self.leases.close_early(f"{MOST_LEAKS} answers or more showed others' facts")
        wanted = self.hands.population.question.answers
        if wanted is not None:
            total = self.leases.add_answers(part.figures.answers)
            if total >= wanted:
                self.leases.close_early(f"{wanted:,} answers were judged")
        self._heed_strangers()

    def _heed_strangers(self) -> None:
        """End the run at the first data of a user that it did not make, unless it is told to go on."""
        config, meter = self.hands.target.config, self.hands.target.meter
        if not self.hands.stranger or meter is None or config.disposable or config.past_strangers:
            return
        meter.end(
            f"{self.hands.stranger} showed a memory that this run did not write to a user who stored none, "
            "so it is somebody else's; set past_strangers = true in the target's file to go on all the same"
        )


def serve(told: Told, number: int) -> tuple[list[str], str]:
    """Take part in a run as one more process; return what could not be deleted, and why it ended early."""
    target = resolve(told.target, options=told.options, known=told.known, disposable=told.disposable)
    target = joined(target, told.ledger, told.budget, began=told.key.began, workers=told.workers)
    journal = Journal.join(told.key.run_id, number, durable=not target.disposable)
    examiner = Examiner(target, PROFILES["quick"], told.key, worker=number, probed={}, journal=journal)
    hands = hands_of(examiner, target, told.key, journal, told.question, told.shard)
    leases = LeaseFile(told.leases, told.question)
    try:
        if not _sees(hands, told.beacon):
            return [], NOT_SHARED
        worker = Worker(
            hands,
            leases,
            told.key.run_id,
            number,
            told.key.began,
            alive=lambda: os.getppid() == told.parent,
        )
        worker.run()
    except TargetProblem as error:
        return hands.leftovers, str(error)
    finally:
        leases.close()
        examiner.close()
        journal.close()
    return hands.leftovers, ""


NOT_SHARED = "not shared"
"""What a process says whose target does not show what another process has stored."""


def _sees(hands: Ranges, beacon: str) -> bool:
    """Whether this process reaches the store in which the first one has left a fact."""
    deadline = time.monotonic() + hands.target.config.consistency_seconds
    while True:
        rows = hands.session.call("get_all", beacon)
        if any(hands.population.mint.find(row.text) for row in rows):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_WAIT_SECONDS)
