"""One worker's part of a run: an open target, its capabilities, and its answers to plans."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from isolation_tests.core.errors import TargetProblem
from isolation_tests.core.intervals import tries_for
from isolation_tests.engine.comparing import compare
from isolation_tests.engine.identity import RunKey, begin_journal
from isolation_tests.engine.lasting.volume import Volume
from isolation_tests.engine.lasting.witnesses import Witnesses
from isolation_tests.engine.probing import tried
from isolation_tests.engine.profiles import Profile
from isolation_tests.engine.safety.limits import narrowed
from isolation_tests.engine.search.proven import Proven
from isolation_tests.engine.search.shrinking import Shrinking
from isolation_tests.engine.violations import AdapterError, CheckFailed, Inconclusive
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.guard import HALTED
from isolation_tests.execution.journal import Journal
from isolation_tests.execution.runner import Runner
from isolation_tests.execution.session import Session
from isolation_tests.judges.judging import judge, judge_all
from isolation_tests.judges.refusal import shows_a_stranger
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
    Case,
    CheckResult,
    Finding,
    History,
    Judgement,
    Operation,
    Plan,
)
from isolation_tests.plans import HANDLES, OVERLAP, REOPEN, TWIN, Material
from isolation_tests.plans.compared import patient
from isolation_tests.plans.crowds.witnesses import witness_plan
from isolation_tests.plans.deletes import first_delete
from isolation_tests.plans.probes import probe_plan
from isolation_tests.reporting.evidence.sightings import Sightings
from isolation_tests.targets.resolve import Target
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.facts import People

HANGS_BEFORE_GIVING_UP = 2
FEWEST_SMALLER_PLANS = 60
"""How many plans a worker may run, within the profile's patience, to make its findings smaller."""


def _losses(history: History) -> list[Finding]:
    """The findings by which somebody lost what another user's delete should have spared."""
    return [finding for finding in judge(history).findings if finding.anomaly == "D1"]


class Examiner:
    """One worker's part of a run: an open target, its capabilities, and what the run has proved so far.

    The constructor raises `TargetProblem` if the target can't be opened.
    """

    def __init__(
        self,
        target: Target,
        profile: Profile,
        key: RunKey,
        *,
        worker: int = 0,
        probed: dict[str, str] | None = None,
        proven: Proven | None = None,
        journal: Journal | None = None,
        report: Path | None = None,
    ) -> None:
        """Open the target.

        worker: 0 in the run's first process. probed: what the first process found. journal: of the run.
        report: the folder of the run's evidence, which keeps a finding as soon as it shows.

        Without a journal, this begins one for a run of this process alone, and ends it when it is closed.
        """
        self.target, self.profile, self.key = target, profile, key
        self.proven = Proven() if proven is None else proven
        self._sightings = None if report is None else Sightings(report, worker)
        self._ends_journal = journal is None
        self._journal = journal or begin_journal(target, key)
        self._lease = Lease(key.run_id, worker, Mint(key.secret), self._journal)
        self._hangs = self._performed = 0
        self._replayed: set[str] = set()
        self._shrinking = Shrinking(self._ask_for_less)
        self._shrinks = max(profile.shrinks, FEWEST_SMALLER_PLANS) if profile.shrinks else 0
        self._shrunk_for = 0.0
        self._witnesses: Witnesses | None = None
        self._volume = Volume(self.perform)
        try:
            session, self._runner = self._open()
            self.unasked, self.axes, self._lacking = session.unasked, session.axes, session.lacking
        except BaseException:
            self._end_journal()
            raise
        try:
            self.claimed = self._claims(session)
            self.loss = self._first_delete() if worker == 0 and not target.disposable else None
            self.probed = self._probe() if probed is None else probed
        except BaseException:
            # The first error says what is wrong; one of closing, after it, would hide it.
            with contextlib.suppress(Exception):
                self._runner.close()
            self._end_journal()
            raise
        if self.probed.get(REOPEN) != "ok" and not target.config.shared:
            # Nobody said that the store outlives its opening.
            self.claimed = tuple(name for name in self.claimed if name != REOPEN)
            self.probed.pop(REOPEN, None)

    def _claims(self, session: Session) -> tuple[str, ...]:
        """Capabilities of the adapter and of the target: overlapping calls, further openings, a twin."""
        config, offered = self.target.config, session.claimed
        more = {
            OVERLAP: config.threads or "async" in offered,
            HANDLES: config.shared,
            REOPEN: config.shared or config.reopen_after > 0,
            TWIN: config.twin is not None,
        }
        return tuple(sorted([*offered, *(name for name, there in more.items() if there)]))

    def _open(self) -> tuple[Session, Runner]:
        session = self.target.open()
        runner = Runner(
            session,
            self._lease,
            consistency=self.target.config.consistency_seconds,
            disposable=self.target.disposable,
            began=self.key.began,
            open_more=self.target.open,
            open_twin=self.target.open_twin,
            volatile=self.target.config.volatile,
            error_texts=self.target.config.error_texts,
        )
        return session, runner

    def _end_journal(self) -> None:
        if self._ends_journal:
            self._journal.end()

    @property
    def runner(self) -> Runner:
        """Performs plans on the target as it is open now."""
        return self._runner

    @property
    def leftovers(self) -> list[str]:
        """Test users whose memories could not be deleted."""
        return self._runner.leftovers

    @property
    def capabilities(self) -> frozenset[str]:
        """The claimed capabilities that worked when they were tried."""
        return frozenset(name for name in self.claimed if self.probed.get(name, "ok") == "ok")

    def material(self, check: str) -> Material:
        """The data for one check; the same seed and check give the same people and facts."""
        seed = int.from_bytes(hashlib.sha256(f"{self.key.seed}/{check}".encode()).digest()[:6])
        return Material(
            people=People(seed),
            capabilities=self.capabilities,
            owner_keys=self.target.owner_keys,
            crowd=self.profile.crowd,
            rounds=self.profile.rounds,
            seed=seed,
            aliases=tuple(self.target.config.names.aliases),
            ways=self.profile.ways,
            disposable=self.target.disposable,
            axes=self.axes,
            lacking=self._lacking,
            volume=self.profile.volume,
            volume_seconds=self.profile.volume_seconds,
        )

    def call_witnesses(self, take: Callable[[History, Judgement], None]) -> Witnesses:
        """From now on, let users of before every other check look at their facts between the plans.

        take: is told what they see, the last of it when they are dismissed.
        """
        self._witnesses = Witnesses(
            plan=witness_plan(self.material("witnesses")),
            runner=lambda: self._runner,
            perform=self.perform,
            heed=self._heed_strangers,
            explains=self.proven.explains,
            known=lambda finding: self.target.known_reason(finding.key) is not None,
            patience=self.profile.patience,
            take=take,
        )
        return self._witnesses

    def dismiss_witnesses(self) -> None:
        """Let witnesses look for the last time."""
        witnesses, self._witnesses = self._witnesses, None
        if witnesses is not None:
            witnesses.finish()

    def perform(self, plan: Plan) -> History:
        """Run one plan; open a new session if the last one was lost or has run enough plans.

        Raises `Inconclusive` if the run has ended early, or if its budget has no room for the plan.
        """
        self._admit(plan)
        if self._runner.lost:
            self._hangs += 1
            if self._hangs > HANGS_BEFORE_GIVING_UP:
                raise AdapterError(f"skipped: {HANGS_BEFORE_GIVING_UP + 1} earlier calls timed out")
            self._reopen()
        elif self._performed and self._performed == self.target.config.reopen_after:
            self._runner.close()
            self._reopen()
        self._performed += 1
        history = self._runner.run(plan)
        self._heed_strangers(history)
        return history

    def _heed_strangers(self, history: History) -> None:
        """End the run at the first data of a user that it did not make, unless it is told to go on."""
        config, meter = self.target.config, self.target.meter
        if meter is None or config.disposable or config.past_strangers:
            return
        if (event := shows_a_stranger(history)) is not None:
            meter.end(
                f"{event.op} showed a memory that this run did not write to a user who had written none, so "
                "it is somebody else's; set past_strangers = true in the target's file to go on all the same"
            )

    def _admit(self, plan: Plan) -> None:
        if plan.axes and plan.axes != self.axes:
            due, there = (", ".join(axis.name for axis in axes) or "user" for axes in (plan.axes, self.axes))
            raise Inconclusive(f"the plan is for the axes {due}, as its target declared them; here: {there}")
        meter = self.target.meter
        if meter is not None and (why := meter.ended() or narrowed(plan, meter)):
            raise Inconclusive(f"skipped: {why}")

    def _perform_each(self, plans: Iterable[Plan]) -> list[History]:
        """The histories of several plans; fewer if the run ends meanwhile, but what was seen is kept."""
        histories: list[History] = []
        for plan in plans:
            try:
                histories.append(self.perform(plan))
            except Inconclusive as error:
                if not histories:
                    raise
                histories[-1] = histories[-1].model_copy(update={"cut": str(error)})
                break
        return histories

    def ask(self, plan: Plan) -> list[tuple[History, Judgement]]:
        """Run a plan and judge it: once, or several times if the plan compares a view.

        The viewer is alone before and after, so that a change over time does not look like interference. What
        a comparison shows is confirmed by running it once more, and by the viewer alone as slow as with the
        others, unless something proven explains it.
        """
        if self._witnesses is None:
            return self._ask(plan)
        self._witnesses.before(plan)
        try:
            asked = self._ask(plan)
            left = any(finding.left_behind for _, judged in asked for finding in judged.findings)
            if left and self._witnesses.begin_anew():
                # What witnesses have stored hides that the plan shows as much by itself, if it does.
                again = self._ask(plan)
                asked = again if any(judged.findings for _, judged in again) else asked
                self._witnesses.shown(finding for _, judged in asked for finding in judged.findings)
            return asked
        finally:
            self._witnesses.after(plan)

    def _ask(self, plan: Plan) -> list[tuple[History, Judgement]]:
        if plan.fills:
            return self._volume.ask(plan)
        if plan.viewer is None:
            judged = judge_all([self.perform(plan)])
            early = any(said.early and not said.findings for _, said in judged)
            return judge_all([self.perform(patient(plan))]) if early else judged
        return compare(plan, self.key.seed, self._perform_each, self.proven.explains)

    def _reopen(self) -> None:
        leftovers = self._runner.leftovers
        _, self._runner = self._open()
        self._runner.leftovers.extend(leftovers)
        self._performed = 0
        if self._witnesses is not None and REOPEN not in self.capabilities:
            self._witnesses.begin_anew()

    def replay(self, finding: Finding, plan: Plan) -> tuple[int, int]:
        """Run a finding's plan again, once per key, unless replays are off; return (times seen, tried).

        If the profile's replays do not show the finding, they go on until it shows or is known to be rare. An
        inconclusive try does not count.
        """
        if not self.profile.replays or finding.key in self._replayed:
            return 0, 0
        self._replayed.add(finding.key)
        asked, seen, tried = self.profile, 0, 0
        impatient = time.monotonic() + asked.patience
        # If the target fails now, what was seen before still counts.
        with contextlib.suppress(CheckFailed, TargetProblem):
            for number in range(max(asked.replays, tries_for(asked.rarest))):
                late = number >= asked.replays and (seen or time.monotonic() > impatient)
                if late or self._runner.lost:
                    break
                again = [judged for _, judged in self.ask(plan)]
                shown = any(other.key == finding.key for judged in again for other in judged.findings)
                if shown or not any(judged.errors or judged.doubts for judged in again):
                    seen, tried = seen + shown, tried + 1
        return seen, tried

    def smaller(self, case: Case, reported: frozenset[str]) -> Case:
        """The case with smaller names, within the profile's budget; see `Shrinking.smaller`."""
        return self._shrinking.smaller(case, reported)

    def _ask_for_less(self, plan: Plan) -> tuple[History, Judgement] | None:
        """Run and judge a plan while the budget of plans and seconds lasts."""
        spent = not self._shrinks or self._shrunk_for > self.profile.patience
        if spent or self._runner.lost or self.blocked(plan) is not None:
            return None
        self._shrinks -= 1
        began = time.monotonic()
        with contextlib.suppress(CheckFailed, TargetProblem):
            asked = self.ask(plan)
            self._shrunk_for += time.monotonic() - began
            return asked[-1]
        return None

    def sight(self, result: CheckResult) -> None:
        """Write down a check that is violated, before it has ended."""
        if self._sightings is not None:
            self._sightings.add(result)

    def blocked(self, plan: Plan) -> str | None:
        """Why this plan must not run on this target; None if it may."""
        return self._runner.blocked(plan)

    def _first_delete(self) -> Case | None:
        """Delete one own user beside own bystanders; the loss that this causes, if any.

        On a target that is not disposable, this comes before every other delete. After a loss, nothing more
        is written or deleted, not even to clean up.
        """
        material = Material(people=People(self.key.seed), capabilities=frozenset(), owner_keys=())
        history = self._runner.run(first_delete(material), harm=lambda seen: bool(_losses(seen)))
        found = _losses(history)
        if not found:
            return None
        known = self.target.known_reason(found[0].key)
        return Case(finding=found[0], history=history, seen=1, tried=1, known=known)

    def _probe(self) -> dict[str, str]:
        if self.loss is not None:
            return dict.fromkeys(self.claimed, HALTED)
        return {name: self._probe_one(name) for name in self.claimed}

    def _probe_one(self, capability: str) -> str:
        if capability == Operation.MAINTAIN.value and not self.target.disposable:
            return NEEDS_DISPOSABLE
        material = Material(people=People(self.key.seed), capabilities=frozenset(self.claimed), owner_keys=())
        plan = probe_plan(capability, material)
        if plan is None:
            return "ok"
        try:
            return tried(capability, plan, self.perform)
        except CheckFailed as error:
            return str(error)

    def close(self) -> None:
        """Close the target. Its errors are raised, because a failed close may leave data behind."""
        if self._witnesses is not None:
            self._witnesses.begin_anew()
        try:
            self._runner.close()
        finally:
            self._end_journal()
