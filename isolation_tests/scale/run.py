"""A scale run, as seen by its first process: from the lease file to the evidence."""

from __future__ import annotations

import contextlib
import platform
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isolation_tests.core.errors import ExitStatus, Problem, TargetProblem, UsageProblem
from isolation_tests.core.plural import counted
from isolation_tests.engine.check import smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey, begin_journal, now, target_info
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import SUITE_VERSION, blaming, new_key, not_closed
from isolation_tests.engine.safety.cleaning import clean_record, is_quiet, left_behind
from isolation_tests.engine.safety.limits import Limits, cost_of
from isolation_tests.engine.safety.watchdog import Watchdog
from isolation_tests.execution.journal import Journal, RunRecord, records
from isolation_tests.execution.meter import RunEnded
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.evidence import REPORT_NAME, Cost, Ending, Evidence, Header
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.scale import ScaleFigures, ScaleQuestion
from isolation_tests.reporting.evidence.summary import Summary, exit_status, summarise
from isolation_tests.reporting.evidence.writer import EvidenceWriter
from isolation_tests.reporting.html.page import write_html
from isolation_tests.scale.aging import blamed_on_age
from isolation_tests.scale.laws import PROFILE, expected
from isolation_tests.scale.lease_file import Identity, LeaseFile
from isolation_tests.scale.part import Part
from isolation_tests.scale.processes import Processes
from isolation_tests.scale.ranges import Ranges
from isolation_tests.scale.results import results_of, shard_result
from isolation_tests.scale.worker import Worker, hands_of
from isolation_tests.targets.budget import budget_of
from isolation_tests.targets.resolve import Target, resolve
from isolation_tests.targets.settings import Settings, set_variables
from isolation_tests.testdata.display import show

__all__ = ["MOST_FACTS", "Asked", "Ended", "run"]

MOST_FACTS = 1000
"""More facts of one user than that are no question of many users."""
MOST_USERS = 2**31
MOST_NAMED = 20
_LARGEST_RANGE = 500
_FEWEST_RANGES = 20
_NEEDED = ("get_all", "delete_all")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asks of a scale run. shard: number and count, from 1. workers: number of processes."""

    users: int
    facts: int = 1
    sizes: str = "equal"
    together: int | None = None
    answers: int | None = None
    seconds: float | None = None
    shard: tuple[int, int] = (1, 1)
    workers: int = 1

    def question(self, seed: int) -> ScaleQuestion:
        """The question; raises `UsageProblem` with one sentence for a number that makes no sense."""
        _between("--users", self.users, 2, MOST_USERS, "one user has nobody to be kept apart from")
        _between("--facts", self.facts, 1, MOST_FACTS, "a user with none has nothing to find")
        shard, shards = self.shard
        if not 1 <= shard <= shards:
            raise UsageProblem(f"--shard {shard}/{shards} is none; give a number from 1 to {shards}.")
        together = self.users if self.together is None else min(self.users, self.together)
        _between("--together", together, 2, self.users, "two users at least have to meet")
        size = max(2, min(_LARGEST_RANGE, self.users // _FEWEST_RANGES, together // 4) // 2 * 2)
        if shards > -(-self.users // size):
            raise UsageProblem(
                f"{self.users:,} users make {-(-self.users // size):,} ranges, too few for {shards} shards; "
                "ask for fewer shards or more users."
            )
        return ScaleQuestion(
            users=self.users,
            facts=self.facts,
            sizes="zipf" if self.sizes == "zipf" else "equal",
            together=together,
            seed=seed,
            size=size,
            shards=shards,
            answers=self.answers,
            seconds=self.seconds,
        )


def _between(option: str, number: int, least: int, most: int, why: str) -> None:
    if not least <= number <= most:
        raise UsageProblem(f"{option} must be {least:,} to {most:,}, not {number:,}: {why}.")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a scale run ended. unfinished: why it is not whole, and what to do; empty if it is."""

    status: int
    summary: Summary
    evidence: Evidence
    folder: Path
    unfinished: str


def run(
    settings: Settings, asked: Asked, folder: Path, tell: Callable[[str], object] = lambda _: None
) -> Ended:
    """Perform a scale run, or go on with one that a lease file in the folder knows, and write the evidence.

    tell: receives the progress. Raises a `Problem` with one sentence before anything is half-written.
    """
    if settings.target is None:
        raise UsageProblem("No target is given; try `isolation-tests scale reference --users 10000`.")
    target = resolve(
        settings.target, options=settings.option_map(), known=settings.known, disposable=settings.disposable
    )
    begun = LeaseFile.seed_of(folder)
    if asked.shard[1] > 1 and settings.seed_number() is None:
        raise UsageProblem("Give --seed with --shard, so that all shards ask about the same users.")
    key = new_key(begun if settings.seed_number() is None else settings.seed_number())
    question = asked.question(key.seed)
    source = f"{target.name} ({target.source})"
    identity = Identity(question=question, shard=asked.shard[0], target=source, suite=SUITE_VERSION)
    leases, lock = LeaseFile.begin(folder, identity)
    try:
        one = _Run(settings, asked, folder, target, key, question, leases, tell)
        return one.perform()
    finally:
        leases.close()
        lock.release()


@dataclass
class _Run:
    settings: Settings
    asked: Asked
    folder: Path
    target: Target
    key: RunKey
    question: ScaleQuestion
    leases: LeaseFile
    tell: Callable[[str], object]

    def perform(self) -> Ended:
        """Open the target, work, clean up and write."""
        self.notes: list[str] = []
        self._clean_up_earlier()
        self.notes += left_behind(self.target, str(self.settings.target))
        self.limits = Limits(budget_of(self.target.config, self.settings.limits()), self.key.began)
        self.target = replace(self.target, meter=self.limits.meter)
        journal = begin_journal(self.target, self.key)
        watchdog = None
        try:
            watchdog = Watchdog(journal, self.settings)
            return self._watched(journal)
        finally:
            record = RunRecord.read(journal.folder)
            clean = record is None or not record.left()
            journal.end()
            if watchdog is not None:
                watchdog.end(clean=clean)
            self.limits.close()

    def _clean_up_earlier(self) -> None:
        """Delete what the processes left that worked on this lease file before and were killed."""
        earlier = {*self.leases.join(self.key.run_id)}
        for record in records():
            if record.info.run_id not in earlier or record.alive() or record.halted:
                continue
            try:
                self.notes.append(clean_record(record, self.target).sentence())
            except FileNotFoundError:
                # The killed run's watchdog has cleaned up meanwhile.
                continue

    def _watched(self, journal: Journal) -> Ended:
        with blaming(self.target.name):
            self.examiner = Examiner(self.target, PROFILES["quick"], self.key, probed={}, journal=journal)
        try:
            self._require_methods()
            hands = hands_of(
                self.examiner, self.target, self.key, journal, self.question, self.asked.shard[0]
            )
            header = self._header()
            with EvidenceWriter(self.folder, header) as writer:
                results, total, why = self._results(hands)
                for result in results:
                    writer.append(result)
                path = writer.finish(self._ending(header, results, total))
        except BaseException:
            with contextlib.suppress(Exception):
                self.examiner.close()
            raise
        evidence = read(path)
        write_html(evidence, self.folder / REPORT_NAME)
        summary = summarise(evidence.header, evidence.results)
        if not why:
            self.leases.remove()
        status = evidence.footer.exit_status
        if self.leftovers and status == ExitStatus.HELD:
            status = int(ExitStatus.INCONCLUSIVE)
        return Ended(status, summary, evidence, self.folder, why)

    def _require_methods(self) -> None:
        lacking = [name for name in _NEEDED if name in self.examiner.runner.session.session.lacking]
        if lacking:
            raise UsageProblem(
                f"{self.target.name} has no {' and no '.join(lacking)}, which a scale run needs: it reads "
                "back what it stores, and deletes it; use `isolation-tests run`."
            )

    def _results(self, hands: Ranges) -> tuple[list[CheckResult], Part, str]:
        """Work until the end; return the results, all figures, and why it is not whole."""
        began = time.monotonic()
        with blaming(self.target.name):
            first = smoke(self.examiner)
        why = ""
        if first.verdict in (Verdict.HELD, Verdict.VIOLATED) and self.examiner.loss is None:
            worker = Worker(hands, self.leases, self.key.run_id, 0, began, tell=self._progress)
            try:
                with blaming(self.target.name):
                    if self.asked.workers > 1:
                        processes = Processes(
                            self.settings,
                            self.asked.workers,
                            self.limits,
                            self.key,
                            self.question,
                            self.leases,
                        )
                        processes.run(hands, self.asked.shard[0], self._progress)
                    worker.run()
            except (RunEnded, TargetProblem) as error:
                why = str(error)
        else:
            why = "the run stopped after the smoke test"
        total = self._total()
        by_age = "" if why else blamed_on_age(total, hands)
        # What could not be deleted was tried again from the journal.
        self.leftovers = self._clear(hands)
        why = why or self._unfinished()
        seconds = round(time.monotonic() - began, 3)
        shard = shard_result(*self.asked.shard, total, why)
        return [first, *results_of(total, by_age, seconds), shard], total, why

    def _total(self) -> Part:
        total = Part()
        for part in self.leases.parts():
            total = total.plus(part)
        figures = total.figures.model_copy(
            update={"together": self.leases.together(), "shards": (self.asked.shard[0],)}
        )
        return total.model_copy(update={"figures": figures})

    def _unfinished(self) -> str:
        counts, closed = self.leases.counts(), self.leases.closed()
        open_ranges = sum(number for state, number in counts.items() if state not in ("done", "todo"))
        todo = counts.get("todo", 0)
        if open_ranges or (todo and not closed):
            whole = sum(counts.values())
            return (
                f"{whole - open_ranges - todo:,} of {whole:,} ranges of users were asked to the end; repeat "
                "the command to go on"
            )
        return closed if "showed" in closed else ""

    def _clear(self, hands: Ranges) -> list[str]:
        """Delete what is still stored, because the run ends early; return what could not be deleted."""
        with contextlib.suppress(Problem):
            for attempt, first, count in self.leases.held(self.key.run_id):
                hands.clear(attempt, first, count)
        try:
            with blaming(self.target.name):
                self.examiner.close()
        except Exception as error:  # noqa: BLE001 - an adapter's error is reported and never crashes the run
            self.notes.append(not_closed(error))
        record = RunRecord.read(hands.journal.folder)
        if record is None or not record.left():
            return []
        if self.examiner.loss is not None or not is_quiet(record):
            return [show(each.name) for each in record.left()]
        try:
            return list(clean_record(record, self.target).left)
        except Problem as error:
            self.notes.append(f"cleaning up failed: {error}")
            return [show(each.name) for each in record.left()]

    def _progress(self) -> None:
        counts = self.leases.counts()
        whole, done = sum(counts.values()), counts.get("done", 0)
        stored = done + counts.get("stored", 0) + counts.get("looking", 0)
        self.tell(
            f"{stored} of {whole} ranges stored and probed, {done} of {whole} looked at for the last time"
        )

    def _header(self) -> Header:
        config = self.target.config
        shard, shards = self.asked.shard
        return Header(
            suite_version=SUITE_VERSION,
            run_id=self.key.run_id,
            started=now(),
            target=target_info(self.target),
            aliases=config.names.aliases,
            seed=self.key.seed,
            profile=PROFILE,
            whole=False,
            python=platform.python_version(),
            platform=platform.system(),
            workers=self.asked.workers,
            known_file=self.target.known_source,
            known_count=len(config.known),
            expected=expected(shards),
            selection=(f"--shard {shard}/{shards}",) if shards > 1 else (),
            variables=set_variables(),
            limits=self.limits.budget.figures(),
            consistency_seconds=config.consistency_seconds,
            given=self.settings.given(),
            scale=self.question,
        )

    def _ending(self, header: Header, results: Sequence[CheckResult], total: Part) -> Ending:
        summary = summarise(header, results)
        cost = cost_of(self.limits.account(), left=len(self.leftovers))
        notes = [*self.notes, *_early(cost)]
        if self.leftovers:
            users = counted(len(self.leftovers), "test user")
            command = ["isolation-tests", "clean", str(self.settings.target), "--run", self.key.run_id]
            some = ", ".join(self.leftovers[:MOST_NAMED])
            notes.append(f"cleanup failed for {users}; try again with `{shlex.join(command)}`: {some}")
        if closed := self.leases.closed():
            notes.append(f"no further range began: {closed}")
        return Ending(
            ended=now(),
            seconds=round(time.monotonic() - self.key.began, 1),
            counts=summary.counts,
            verdict=summary.verdict,
            level=summary.level,
            not_run=summary.not_run,
            notes=tuple(notes),
            exit_status=exit_status(summary),
            cost=cost,
            scale=ScaleFigures.total([total.figures]),
        )


def _early(cost: Cost) -> tuple[str, ...]:
    return (f"the run ended early: {cost.ended}",) if cost.ended else ()
