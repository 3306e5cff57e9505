"""Plants every seeded fault in front of a target, one at a time, to see which of them the suite catches."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from isolation_tests.calibration.diagnosis import (
    EVERYTHING_HELD,
    inert,
    refusals,
    shown,
    silences,
    why_masked,
    why_not_fitting,
    why_survived,
)
from isolation_tests.calibration.kill_matrix import CLEAN, Killed, KillMatrix
from isolation_tests.core.errors import ExitStatus, Problem, TargetProblem, UsageProblem
from isolation_tests.engine.examination import examine, without_known
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import blaming, new_key, watched
from isolation_tests.engine.violations import CheckFailed
from isolation_tests.faults import FAULTS
from isolation_tests.model import CheckResult, FactSpec, Operation, Outcome, Plan, Verdict
from isolation_tests.plans.cells import add, ordinary, search, settle
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.facts import People

NEAR, WIDE = 250, 400
"""Memories per other user in the widest starvation plan, and the largest pool that a fault fetches."""


def _lacking(settings: Settings, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each fault, what it needs and the target lacks."""
    target = without_known(settings)
    with blaming(target.name):
        session = target.open()
        try:
            return {name: _unmet(name, session.adapter) for name in names}
        finally:
            session.close()


def _unmet(name: str, adapter: object) -> tuple[str, ...]:
    fault = FAULTS[name]
    return tuple(need for need in fault.needs if not replace(fault, needs=(need,)).fits(adapter))


def run_planted(fault: str | None, settings: Settings, own: frozenset[str] = frozenset()) -> Killed:
    """Test the target with this fault planted until the fault is caught; None tests the clean target fully.

    own: keys of findings that the target has without the fault; its listed known findings count too.
    """
    if fault is None:
        return _killed(CLEAN, examine(settings, watch=True))
    known = resolve(settings.target or "reference", options=settings.option_map()).known_reason

    def killed(results: Sequence[CheckResult]) -> Killed:
        outcome = _killed(fault, results)
        return replace(outcome, own=own | {key for key in outcome.keys if known(key) is not None})

    planted = replace(settings, target=f"fault:{fault}@{settings.target}")
    anomaly = FAULTS[fault].anomaly
    return killed(examine(planted, until=anomaly, enough=lambda result: killed([result]).caught, watch=True))


def _killed(fault: str, results: Sequence[CheckResult]) -> Killed:
    anomaly = FAULTS[fault].anomaly if fault in FAULTS else ""
    cases = [(case.finding.key, result.examples > 1) for result in results for case in result.cases]
    found = Counter(key for key, _ in cases)
    return Killed(
        fault=fault,
        anomaly=anomaly,
        keys=tuple(sorted(found, key=lambda key: (-found[key], key))),
        drawn=frozenset(found) - {key for key, drawn in cases if not drawn},
        verdict=Verdict.worst(result.verdict for result in results),
        calls=sum(result.calls for result in results),
        stopped=inert(results[0].reason) if len(results) == 1 else "",
        silent=silences(anomaly, results),
        shown=shown(anomaly, results),
        refused=refusals(anomaly, results),
    )


def calibrate(
    settings: Settings,
    *,
    only: Sequence[str] = (),
    workers: int = 0,
    tell: Callable[[str], object] = lambda _: None,
) -> KillMatrix:
    """Run the whole suite on the clean target, then with each fault planted until it is caught.

    All runs use one seed, and several run at once. The checks that could show a fault's anomaly run first.

    only: names of faults; all by default. workers: processes; 0 means one per core. tell: receives the
    progress. Raises `UsageProblem` for an unknown fault, and `TargetProblem` for a target that fails a clean
    run or can't be opened several times.
    """
    for name in only:
        if name not in FAULTS:
            raise UsageProblem(f"There is no seeded fault {name!r}; `isolation-tests targets` lists them.")
    asked = tuple(dict.fromkeys(only)) or tuple(FAULTS)
    lacking = _lacking(settings, asked)
    seed = new_key(settings.seed_number()).seed
    spec = settings.target or "reference"
    every = replace(settings, target=spec, seed=str(seed))
    calibration = _Calibration(every, workers or os.cpu_count() or 1, tell)
    clean, outcomes = calibration.run([name for name in asked if not lacking[name]])
    fitting = frozenset(outcomes)
    for name in asked:
        if needs := lacking[name]:
            cause = why_not_fitting(name, needs, fitting)
            outcomes[name] = Killed(name, FAULTS[name].anomaly, lacking=needs, cause=cause)
    faults = tuple(outcomes[name] for name in asked)
    return KillMatrix(spec, clean, faults, settings.profile or "ci", seed)


def _end_with_parent() -> None:
    """End this worker as soon as its parent has died; what it has stored is cleaned up by its watchdog."""

    def wait() -> None:
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
            os._exit(int(ExitStatus.INTERNAL))

    threading.Thread(target=wait, daemon=True).start()


@dataclass(frozen=True, slots=True)
class _Calibration:
    """The runs of one calibration; each process opens the target itself."""

    settings: Settings
    workers: int
    tell: Callable[[str], object]

    def run(self, names: Sequence[str]) -> tuple[Killed, dict[str, Killed]]:
        """The clean run, and one with each of these faults planted."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context, initializer=_end_with_parent) as pool:
            self.tell("the clean run")
            with self._blamed(at_once=False):
                clean = pool.submit(run_planted, None, self.settings).result()
            self._require(clean)
            own = frozenset(clean.keys)
            try:
                with self._blamed(at_once=self.workers > 1):
                    futures = [pool.submit(run_planted, name, self.settings, own) for name in names]
                    outcomes = self._collect(futures)
                    return clean, {name: self._explained(outcomes[name], pool) for name in names}
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _collect(self, futures: Sequence[Future[Killed]]) -> dict[str, Killed]:
        outcomes: dict[str, Killed] = {}
        for future in as_completed(futures):
            killed = future.result()
            outcomes[killed.fault] = killed
            caught = sum(outcome.caught for outcome in outcomes.values())
            done = f"{len(outcomes)} of {len(futures)} faults planted, {caught} caught"
            self.tell(f"{done}; last {killed.fault}")
        return outcomes

    def _require(self, clean: Killed) -> None:
        if clean.verdict is Verdict.ERROR or clean.stopped or not clean.calls:
            raise TargetProblem(
                f"{self.settings.target} fails a clean run; fix what "
                f"`isolation-tests run {self.settings.target}` reports, then calibrate."
            )

    def _explained(self, killed: Killed, pool: ProcessPoolExecutor) -> Killed:
        if killed.masked:
            return replace(killed, cause=why_masked(killed.anomaly, killed.own))
        if not killed.survived:
            return killed
        cause = why_survived(
            killed.anomaly,
            stopped=killed.stopped,
            called=killed.news,
            silent=killed.silent,
            hidden=killed.shown & killed.own,
            refused=killed.refused,
            asked=profile(self.settings.profile or "ci"),
        )
        if killed.anomaly == "S4" and cause == EVERYTHING_HELD:
            cause = pool.submit(narrow_search, self.settings).result() or cause
        return replace(killed, cause=cause)

    @contextlib.contextmanager
    def _blamed(self, *, at_once: bool) -> Iterator[None]:
        """Report in one sentence that a worker process failed or can't open the target."""
        name = self.settings.target
        try:
            yield
        except Problem as error:
            hint = (
                "pass -n 1 if it can be open only once at a time"
                if at_once
                else "its factory has to work again in another process"
            )
            raise TargetProblem(
                f"{name} could be opened once, but not again by a worker: {error} ({hint})"
            ) from error
        except BrokenProcessPool as error:
            raise TargetProblem(
                f"A worker process died while it tested {name}; try `isolation-tests run {name}`, and pass "
                "-n 1 if memory is short. (A script that calibrates needs `if __name__ == '__main__':`.)"
            ) from error


def narrow_search(settings: Settings) -> str | None:
    """Why a target's searches are too narrow to show starvation; None if they are wide enough."""
    target = without_known(settings)
    people = People(settings.seed_number() or 0)
    subject = people.subject()
    plan = Plan(
        name="wide-search",
        anomaly="S4",
        users=(ordinary(0),),
        facts=tuple(FactSpec(text=people.fact_near(subject), owners=(0,)) for _ in range(NEAR)),
        steps=(*(add(0, fact) for fact in range(NEAR)), settle(0), search(0, query=subject, limit=WIDE)),
    )
    key = new_key(settings.seed_number())
    with blaming(target.name), watched(target, key, settings) as journal:
        examiner = Examiner(target, profile("quick"), key, probed={}, journal=journal)
        try:
            last = examiner.perform(plan).events[-1]
        except CheckFailed as error:
            return f"no wide search to show S4 with: {inert(str(error))}"
        finally:
            examiner.close()
    if last.op is not Operation.SEARCH or last.outcome is not Outcome.OK:
        return f"no wide search to show S4 with: {last.op} ended {last.outcome}, {inert(last.error or '')}"
    if len(last.rows) >= NEAR:
        return None
    return (
        f"limit too small to show S4: a search with limit {WIDE} returns {len(last.rows)} of {NEAR} matching "
        "memories"
    )
