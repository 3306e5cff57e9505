"""One run from header to footer: the expected checks, their results, the verdict, and the files."""

from __future__ import annotations

import contextlib
import datetime as dt
import fnmatch
import platform
import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from isolation_tests.core.errors import Problem, UsageProblem
from isolation_tests.core.plural import counted
from isolation_tests.engine.check import smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import begin_journal, now, target_info
from isolation_tests.engine.profiles import PROFILES, profile
from isolation_tests.engine.run import SUITE_VERSION, blaming, expected_checks, new_key, not_closed
from isolation_tests.engine.safety.cleaning import clean_record, is_quiet, left_behind
from isolation_tests.engine.safety.limits import Limits, cost_of, workers_within
from isolation_tests.engine.safety.outline import outline
from isolation_tests.engine.safety.watchdog import Watchdog
from isolation_tests.execution.journal import RunRecord
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.coverage import coverage_of
from isolation_tests.reporting.evidence.errors import BadReplay
from isolation_tests.reporting.evidence.evidence import REPORT_NAME, Cost, Ending, Header
from isolation_tests.reporting.evidence.reader import begun, finished
from isolation_tests.reporting.evidence.replay_file import read_replay, write_replay
from isolation_tests.reporting.evidence.sightings import read_sightings
from isolation_tests.reporting.evidence.summary import Summary, exit_status, summarise
from isolation_tests.reporting.evidence.writer import EvidenceWriter
from isolation_tests.reporting.formats.registry import STDOUT, Output, outputs, write_outputs
from isolation_tests.reporting.formats.terminal import Written
from isolation_tests.reporting.html.page import write_html
from isolation_tests.reporting.narrative.commands import replay_command, rerun
from isolation_tests.targets.budget import budget_of
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import DEFAULT_REPORT, NOTHING, TABLE, Settings, set_variables
from isolation_tests.testdata.display import show

MOST_UNASKED = 30
"""How many operations that nobody asks are told by name."""


class Campaign:
    """A run, as seen by its first process.

    The constructor resolves and opens the target, probes it and locks the report folder. It raises a
    `Problem` with one sentence before anything is half-written.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        selection: Sequence[str] = (),
        workers: int = 1,
        exports: Sequence[str] = (),
    ) -> None:
        if settings.target is None:
            raise UsageProblem(
                "No target is given; try `isolation-tests run reference`, pass --isolation-target in a "
                f"pytest run, or set ISOLATION_TARGET or `target` in [tool.{TABLE}] of pyproject.toml."
            )
        self.settings = settings
        self.profile = PROFILES["ci"] if settings.profile is None else profile(settings.profile)
        self.key = new_key(settings.seed_number())
        target = resolve(
            settings.target,
            options=settings.option_map(),
            known=settings.known,
            disposable=settings.disposable,
        )
        budget = budget_of(target.config, settings.limits())
        self.workers = workers_within(budget, workers)
        # Absolute, because an adapter may change the working folder.
        self._here = Path.cwd()
        report = settings.report or DEFAULT_REPORT
        self.folder = None if report == NOTHING else self._here / report
        self._outputs = self._wanted(exports)
        self.limits = Limits(budget, self.key.began)
        self.target = replace(target, meter=self.limits.meter)
        self.results: list[CheckResult] = []
        self.replays: dict[str, Path] = {}
        self._fewest: dict[str, int] = {}
        self.exported: list[Path] = []
        self.leftovers: list[str] = []
        self.notes: list[str] = []
        self.summary: Summary | None = None
        self._open = True
        self._watchdog: Watchdog | None = None
        self.notes += left_behind(self.target, settings.target)
        self.journal = begin_journal(self.target, self.key)
        try:
            self._watchdog = Watchdog(self.journal, settings)
            with blaming(self.target.name):
                self.examiner = Examiner(
                    self.target, self.profile, self.key, journal=self.journal, report=self.folder
                )
        except BaseException:
            self._end_journal(clean=False)
            self.limits.close()
            raise
        self.notes += _unasked_note(self.examiner.unasked)
        try:
            self.header = self._header(selection)
            self._writer = None if self.folder is None else EvidenceWriter(self.folder, self.header)
        except BaseException:
            self.close()
            self._end_journal(clean=False)
            self.limits.close()
            raise

    def _header(self, selection: Sequence[str]) -> Header:
        config = self.target.config
        return Header(
            suite_version=SUITE_VERSION,
            run_id=self.key.run_id,
            started=now(),
            target=target_info(self.target),
            capabilities=self.examiner.claimed,
            axes={axis.name: axis.omitted.value for axis in self.examiner.axes},
            probed=self.examiner.probed,
            aliases=config.names.aliases,
            owner_keys=self.target.owner_keys,
            seed=self.key.seed,
            profile=self.profile.name,
            whole=self.profile.whole,
            python=platform.python_version(),
            platform=platform.system(),
            workers=self.workers,
            known_file=self.target.known_source,
            known_count=len(config.known),
            expected=expected_checks(self.profile, self.examiner.claimed),
            selection=tuple(selection),
            variables=set_variables(),
            budget=self.profile.figures(),
            limits=self.limits.budget.figures(),
            outline=outline(self.examiner),
            consistency_seconds=config.consistency_seconds,
            given=self.settings.given(),
            hazards=self.target.declared_hazards(),
            fail_on=self.settings.fails_on(),
        )

    def _wanted(self, exports: Sequence[str]) -> tuple[Output, ...]:
        """The exports to write at the end of the run; raises `UsageProblem` before any check runs."""
        if exports and self.folder is None:
            raise UsageProblem("Exports need the evidence; give --report a folder.")
        if STDOUT in exports:
            raise UsageProblem(
                "A run exports to files only; `isolation-tests report export -` writes to standard output."
            )
        return outputs(exports)

    def smoke(self) -> CheckResult:
        """Run the smoke test, the tutorial's story; after ERROR or INCONCLUSIVE, other checks are useless."""
        with blaming(self.target.name):
            return smoke(self.examiner)

    def take(self, result: CheckResult) -> None:
        """Keep a result in the evidence, and the smallest plan that shows each finding.

        What is written need not stay in memory: the histories of a whole run are millions of objects.
        """
        if self._writer is None or self.folder is None:
            self.results.append(result)
            return
        self._writer.append(result)
        self.results.append(result.model_copy(update={"histories": ()}))
        for case in result.cases:
            if case.history.plan.of_witnesses:
                continue
            steps = len(case.history.plan.steps)
            if steps < self._fewest.get(case.finding.key, steps + 1):
                self._fewest[case.finding.key] = steps
                path = write_replay(
                    self.folder,
                    case,
                    target=self.settings.target or self.target.name,
                    suite_version=SUITE_VERSION,
                    versions=self.header.target.distributions,
                    options=self.settings.option_map(),
                )
                self.replays[case.finding.key] = self.shown(path)

    def _whole(self) -> tuple[Header, Sequence[CheckResult]]:
        """The header and every result with its histories, as they are in the evidence if there is any."""
        if self._writer is None or self.folder is None:
            return self.header, self.results
        return begun(self._writer.partial)

    def summarised(self, stale: Sequence[str] = ()) -> Summary:
        """What the results of now prove. stale: notes on outdated known findings."""
        return summarise(*self._whole(), stale)

    def _take_sightings(self) -> None:
        """Add each finding that a process saw and could not report, because it was killed or lost."""
        found = {(result.check, case.finding.key) for result in self.results for case in result.cases}
        for result in [] if self.folder is None else read_sightings(self.folder):
            lost = tuple(case for case in result.cases if (result.check, case.finding.key) not in found)
            if lost:
                found |= {(result.check, case.finding.key) for case in lost}
                self.take(result.model_copy(update={"cases": lost}))

    def shown(self, path: Path) -> Path:
        """A path as the user would write it: relative to the folder where the run started, if below it."""
        return path.relative_to(self._here) if path.is_relative_to(self._here) else path

    def written(self) -> Written:
        """The files that the run wrote, with paths as the user would write them."""
        folder = None if self.folder is None else self.shown(self.folder)
        cases = () if self.summary is None else self.summary.cases
        alone = (case.finding.key for case in cases if case.history.plan.of_witnesses)
        replays = dict.fromkeys(alone, rerun(self.header))
        replays |= {key: replay_command(path, self.header) for key, path in self.replays.items()}
        return Written(folder, replays, [self.shown(path) for path in self.exported])

    def finish(self, notes: Iterable[str] = ()) -> int:
        """Judge the run, write the footer and the page, close the target, and return the exit status."""
        self.close()
        self._clean_up()
        self._take_sightings()
        cost = cost_of(self.limits.account(), left=len(self.leftovers))
        self.limits.close()
        self.notes += [*notes, *self._leftover_note(), *_ended_note(cost)]
        unmatched, expired = self._stale()
        header, results = self._whole()
        summary = summarise(header, results, (*unmatched, *expired))
        status = exit_status(summary)
        coverage = coverage_of(header, results)
        self.summary = replace(summary, coverage=coverage)
        if self._writer is None or self.folder is None:
            return status
        ending = Ending(
            ended=now(),
            seconds=round(time.monotonic() - self.key.began, 1),
            counts=summary.counts,
            verdict=summary.verdict,
            level=summary.level,
            not_run=summary.not_run,
            unmatched_known=unmatched,
            expired_known=expired,
            notes=tuple(self.notes),
            exit_status=status,
            cost=cost,
            coverage=coverage,
        )
        evidence = finished(self._writer.finish(ending), header, results)
        write_html(evidence, self.folder / REPORT_NAME)
        self.exported = write_outputs(evidence, self._outputs, folder=self.folder, into=self._here)
        self._drop_earlier_replays(self.folder)
        return status

    def _drop_earlier_replays(self, folder: Path) -> None:
        """Remove an earlier run's replay files from this folder, because they do not match this evidence."""
        mine = {path.name for path in self.replays.values()}
        for path in (folder / "findings").glob("*.json"):
            if path.name not in mine:
                with contextlib.suppress(BadReplay, OSError):
                    read_replay(path)
                    path.unlink()

    def close(self) -> None:
        """Close the target, once. An error becomes a note, because the results are complete by then."""
        if not self._open:
            return
        self._open = False
        self.leftovers.extend(self.examiner.leftovers)
        try:
            with blaming(self.target.name):
                self.examiner.close()
        except Exception as error:  # noqa: BLE001 - an adapter's error is reported and never crashes the run
            self.notes.append(not_closed(error))

    def salvage(self) -> bool:
        """Sum up a run whose evidence can't be written; whether it saw a finding that is not known.

        The summary then goes to the terminal at least.
        """
        self.folder = None
        summary = summarise(self.header, self.results)
        if any(row.fresh for row in summary.checks):
            self.summary = summary
            return True
        return False

    def abandon(self) -> None:
        """Close the target and leave the evidence without a footer, because the run failed."""
        self.close()
        self._clean_up()
        self.limits.close()
        if self._writer is not None:
            self._writer.close()

    def _clean_up(self) -> None:
        """Delete what the journal says is left, such as by a worker that was killed, and end the journal.

        What can't be deleted stays in the journal and in `leftovers`.
        """
        record = RunRecord.read(self.journal.folder)
        busy = record is not None and not is_quiet(record)
        if self.examiner.loss is not None and record is not None:
            # Another delete would do more harm.
            self.leftovers = [show(each.name) for each in record.left()]
        elif busy:
            self.notes.append("a worker did not end; a process in the background cleans up after it")
        elif record is not None and record.left():
            try:
                with blaming(self.target.name):
                    self.leftovers = list(clean_record(record, self.target).left)
            except Problem as error:
                self.leftovers = [show(each.name) for each in record.left()]
                self.notes.append(f"cleaning up failed: {error}")
        else:
            self.leftovers = []
        self._end_journal(clean=not busy)

    def _end_journal(self, *, clean: bool = True) -> None:
        self.journal.end()
        if self._watchdog is not None:
            self._watchdog.end(clean=clean)

    def _leftover_note(self) -> tuple[str, ...]:
        if not self.leftovers:
            return ()
        names = ", ".join(sorted(self.leftovers))
        command = shlex.join(
            ["isolation-tests", "clean", str(self.settings.target), "--run", self.key.run_id]
        )
        users = counted(len(self.leftovers), "test user")
        if self.examiner.loss is not None:
            return (f"{users} left, because another delete would do more harm: {names}",)
        return (f"cleanup failed for {users}; try again with `{command}`: {names}",)

    def _stale(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Notes on known entries that matched nothing although their checks ran, and on expired ones."""
        today = dt.datetime.now(dt.UTC).date()
        found = {case.finding.key for result in self.results for case in result.cases}
        found |= {hazard.key for result in self.results for hazard in result.hazards}
        expired = tuple(
            f"the known finding {entry.finding} expired on {entry.expires}; review it"
            for entry in self.target.config.known
            if entry.expires < today
        )
        unmatched = tuple(
            f"the known finding {entry.finding} no longer shows; remove or correct the entry"
            for entry in self.target.config.known
            if entry.applies()
            and not entry.intermittent
            and not any(fnmatch.fnmatchcase(key, entry.finding) for key in found)
            and self._was_asked(entry.finding)
        )
        return unmatched, expired

    def _was_asked(self, pattern: str) -> bool:
        """Whether every check of this run that could show the finding held or was violated."""
        if not self.profile.whole:
            return False
        anomaly = pattern.split("-", maxsplit=1)[0]
        verdicts = {result.check: result.verdict for result in self.results}
        asked = [
            verdicts.get(check.check, Verdict.INCONCLUSIVE)
            for check in self.header.expected
            if anomaly in check.anomalies
        ]
        came = [verdict for verdict in asked if verdict is not Verdict.NOT_SUPPORTED]
        return bool(came) and all(verdict in (Verdict.HELD, Verdict.VIOLATED) for verdict in came)


def _unasked_note(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    told = ", ".join(sorted(names)[:MOST_UNASKED])
    more = f" and {len(names) - MOST_UNASKED} more" if len(names) > MOST_UNASKED else ""
    return (f"nothing is known of what no check can call: {told}{more}",)


def _ended_note(cost: Cost) -> tuple[str, ...]:
    return (f"the run ended early: {cost.ended}",) if cost.ended else ()
