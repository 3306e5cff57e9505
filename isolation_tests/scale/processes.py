"""More processes on this machine for a scale run; what one that ends had leased goes to the others."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from isolation_tests.core.errors import Problem, TargetProblem, UsageProblem, sentence
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.safety.limits import Limits
from isolation_tests.reporting.evidence.scale import ScaleQuestion
from isolation_tests.scale.lease_file import LeaseFile
from isolation_tests.scale.ranges import Ranges
from isolation_tests.scale.worker import NOT_SHARED, Told, serve
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.canaries import Canary

__all__ = ["Processes"]

_POLL_SECONDS = 0.2
_MOST_ENDS = 3
"""How often a process may be replaced that ended without a word."""


@dataclass
class _One:
    number: int
    process: SpawnProcess
    pipe: Connection


@dataclass
class Processes:
    """The further processes of a run, until all of them have ended."""

    settings: Settings
    workers: int
    limits: Limits
    key: RunKey
    question: ScaleQuestion
    leases: LeaseFile
    _running: list[_One] = field(default_factory=list)
    _begun: int = 0
    _ends: int = 0

    def run(self, hands: Ranges, shard: int, tell: Callable[[], object]) -> None:
        """Let the processes work until they find nothing more to do.

        Raises `UsageProblem` if they don't reach the store of this process, and `TargetProblem` if one says
        why the run ends.
        """
        beacon, remove = _beacon(hands)
        told = Told(
            target=str(self.settings.target),
            options=self.settings.option_map(),
            known=self.settings.known,
            disposable=self.settings.disposable,
            question=self.question,
            shard=shard,
            key=self.key,
            leases=self.leases.path,
            ledger=self.limits.path,
            budget=self.limits.budget,
            workers=self.workers,
            beacon=beacon,
            parent=os.getpid(),
        )
        try:
            for _ in range(self.workers):
                self._start(told)
            while self._running:
                for one in list(self._running):
                    self._attend(one, told, hands)
                tell()
                time.sleep(_POLL_SECONDS)
        finally:
            for one in self._running:
                one.process.terminate()
                one.process.join()
            remove()

    def _start(self, told: Told) -> None:
        self._begun += 1
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_main, args=(told, self._begun, theirs), daemon=True)
        process.start()
        theirs.close()
        self._running.append(_One(self._begun, process, mine))

    def _attend(self, one: _One, told: Told, hands: Ranges) -> None:
        """Take in how a process has ended, if it has."""
        if one.process.is_alive() and not one.pipe.poll():
            return
        answer: Any = None
        with contextlib.suppress(EOFError):
            answer = one.pipe.recv() if one.pipe.poll(_POLL_SECONDS) else None
        one.process.join()
        self._running.remove(one)
        if answer is None:
            self._replace(one, told)
            return
        leftovers, why, usage = answer
        hands.leftovers += leftovers
        if why == NOT_SHARED:
            raise UsageProblem(
                f"{hands.target.name} keeps what it stores within each process, so {self.workers} processes "
                "would test as many stores with fewer users each; run with -n 1."
            )
        if why:
            raise UsageProblem(why) if usage else TargetProblem(why)

    def _replace(self, one: _One, told: Told) -> None:
        self.leases.lost(self.key.run_id, one.number)
        self._ends += 1
        if self._ends > _MOST_ENDS * self.workers:
            raise TargetProblem(
                f"{self._ends} processes of this run ended without a word; look for what ends them, and "
                "repeat the command to go on."
            )
        self._start(told)


def _beacon(hands: Ranges) -> tuple[str, Callable[[], object]]:
    """Store a fact that the other processes look for; return its user's name, and what deletes it again."""
    lease, mint = hands.session.lease, hands.population.mint
    name, number = lease.base()[0], lease.number()
    hands.journal.lease([name])
    hands.session.call("add", name, f"The password of the day is {mint.token(Canary(number, 0))}.")

    def remove() -> None:
        with contextlib.suppress(Exception), hands.session.cleaning():
            hands.session.call("delete_all", name)
            hands.journal.done([name])

    return name, remove


def _main(told: Told, number: int, pipe: Connection) -> None:
    try:
        leftovers, why = serve(told, number)
        pipe.send((leftovers, why, False))
    except Problem as error:
        pipe.send(([], sentence(error), isinstance(error, UsageProblem)))
    except Exception as error:  # noqa: BLE001 - told by the first process
        pipe.send(([], sentence(error), False))
