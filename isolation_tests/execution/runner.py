"""Performs a plan under fresh names on a session, into a history, and cleans up.

Positive facts are waited for within the target's consistency budget; every poll is recorded.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from isolation_tests.adapter import CORE_METHODS, Indeterminate, Page, Refused
from isolation_tests.execution.binding import Arguments, Lease, bind
from isolation_tests.execution.contract import NEEDED, police
from isolation_tests.execution.filling import fill
from isolation_tests.execution.guard import GuardedSession, Halted, NotLeased, reaches_out
from isolation_tests.execution.meter import RunEnded
from isolation_tests.execution.plan_run import PlanRun
from isolation_tests.execution.polling import pauses
from isolation_tests.execution.recorder import Recorder
from isolation_tests.execution.session import GivenUp, Session, TimeLimit
from isolation_tests.model import (
    BY_ID,
    NEEDS_DISPOSABLE,
    WRITING,
    Event,
    History,
    Operation,
    Outcome,
    Plan,
    Step,
    UserIndex,
    Volatile,
)
from isolation_tests.model.world import facts_of_plan
from isolation_tests.testdata.display import show

LONGEST_HOLD_SECONDS, START_SECONDS = 5.0, 60.0


class Runner:
    """Performs plans on one session, of which `session` is the opening of now; one runner per worker.

    open_more: opens the target once more, for lanes that have an opening of their own. open_twin: opens the
    target that reaches the same store in another way. volatile: what the target declares to be another each
    time, kept in each history. error_texts: the target's error texts may be kept.
    """

    def __init__(  # noqa: PLR0913 - what a target declares
        self,
        session: Session,
        lease: Lease,
        *,
        consistency: float,
        disposable: bool,
        began: float,
        open_more: Callable[[], Session],
        open_twin: Callable[[], Session] | None = None,
        volatile: Volatile | None = None,
        error_texts: bool = False,
    ) -> None:
        self._lease, self._disposable = lease, disposable
        self.session = self._guarded(session)
        self._open, self._open_twin, self._volatile = open_more, open_twin, volatile
        self._twin: GuardedSession | None = None
        self._handles: list[GuardedSession] = []
        self._opening = threading.Lock()
        self._consistency, self._began = consistency, began
        self._recorder = Recorder(lease.mint, error_texts, lease.ids)
        self._lacking = {Operation(method) for method in session.lacking}
        self.leftovers: list[str] = []

    def _guarded(self, session: Session) -> GuardedSession:
        return GuardedSession(session, self._lease, self._disposable)

    def run(self, plan: Plan, *, harm: Callable[[History], bool] = lambda _: False) -> History:
        """Perform the plan once under fresh names and clean up, whatever happens.

        harm: whether what came shows that a delete does harm; then nothing more is written or deleted.
        """
        run = self.begin(plan)
        cut = None
        with self.session.turn():
            try:
                self._perform_all(run, range(len(plan.steps)))
            except RunEnded as error:
                cut = str(error)
            finally:
                if harm(self.history(run)):
                    self._lease.halt()
                else:
                    with self.session.cleaning():
                        self._clean(run)
        return self.history(run, cut)

    def begin(self, plan: Plan) -> PlanRun:
        """A run of the plan, not performed yet; every name that it may write under is recorded by now."""
        run = PlanRun(bind(plan, self._lease, self.session.session.usual, disposable=self._disposable))
        self._lease.record(run.leased(index) for index in self._writing(run))
        return run

    def go_on(self, run: PlanRun, steps: range) -> History:
        """Perform these steps of a plan, perhaps once more; `end` cleans up. Raises `RunEnded`."""
        run.forget(steps)
        try:
            with self.session.turn():
                self._perform_all(run, steps)
        finally:
            run.kept += self.session.set_aside()
        return self.history(run)

    def end(self, run: PlanRun) -> None:
        """Clean up after a run that was performed in parts."""
        self.session.take_up(run.kept)
        with self.session.turn(), self.session.cleaning():
            self._clean(run)

    def history(self, run: PlanRun, cut: str | None = None) -> History:
        """What a run has shown so far. cut: why it ended early."""
        return History(
            plan=run.binding.plan,
            users=run.binding.users,
            events=tuple(run.events),
            consistency=self._consistency,
            volatile=self._volatile,
            cut=cut,
        )

    def _perform_all(self, run: PlanRun, steps: range) -> None:
        numbered = [(number, run.binding.plan.steps[number]) for number in steps]
        for overlapping, block in itertools.groupby(numbered, _overlaps):
            if overlapping:
                self._perform_together(run, list(block))
            else:
                for number, step in block:
                    self._perform(run, number, step)

    def _writing(self, run: PlanRun) -> list[int]:
        """The users as whom a plan may write or delete."""
        asked = sorted({step.user for step in run.binding.plan.steps if step.op in WRITING})
        made = self._lease.made
        return [index for index in asked if self._disposable or made(run.binding.users[index].name)]

    def blocked(self, plan: Plan) -> str | None:
        """Why this target may not be asked this plan, or None.

        In a stranger's store, hostile values never write, nothing works on the whole store, and no user has a
        name that somebody may really have.
        """
        if self._disposable:
            return None
        return NEEDS_DISPOSABLE if any(reaches_out(plan, step) for step in plan.steps) else None

    def _perform_together(self, run: PlanRun, block: list[tuple[int, Step]]) -> None:
        """Perform each lane's steps in order, all lanes at once, from one starting line."""
        lanes: dict[int, list[tuple[int, Step]]] = {}
        for number, step in block:
            lanes.setdefault(step.lane or 0, []).append((number, step))
        start = threading.Barrier(len(lanes))
        first = len(run.events)

        def drive(steps: list[tuple[int, Step]]) -> None:
            start.wait(START_SECONDS)
            for number, step in steps:
                self._perform(run, number, step)

        with ThreadPoolExecutor(len(lanes)) as drivers:
            for done in [drivers.submit(drive, steps) for steps in lanes.values()]:
                done.result()
        run.order(first)

    def _perform(self, run: PlanRun, number: int, step: Step) -> None:
        if self.session.lost:
            return
        if step.pause:
            time.sleep(step.pause)
        if step.op is Operation.SETTLE:
            self._settle(run, number, step)
            return
        if step.op is Operation.REOPEN:
            self._reopen(run, number, step)
            return
        arguments = run.arguments(number, step)
        if step.op in self._lacking and step.op.value in CORE_METHODS:
            run.record(self._unsupported(number, step), step)
        elif arguments is not None:
            run.record(self._call(run, number, step, step.op, arguments), step)

    def _unsupported(self, number: int, step: Step) -> Event:
        """What a call of a core method comes to that the adapter does not have."""
        told = {"error_kind": NotImplementedError.__name__, "error": f"the adapter has no {step.op}"}
        now = time.monotonic() - self._began
        return self._event(number, step, step.op, now, outcome=Outcome.UNSUPPORTED, **told)

    def _event(self, place: int, step: Step, op: Operation, started: float, **more: Any) -> Event:
        """The event of a call that ends now. more: its outcome, and what came."""
        return Event(
            step=place,
            op=op,
            user=step.user,
            started=round(started, 6),
            ended=round(time.monotonic() - self._began, 6),
            worker=f"w{self._lease.worker}" if step.lane is None else f"w{self._lease.worker}-{step.lane}",
            **more,
        )

    def _call(
        self,
        run: PlanRun,
        number: int,
        step: Step,
        op: Operation,
        arguments: Arguments,
    ) -> Event:
        positional, keywords = arguments
        keywords = keywords | run.scope(step.user)
        user = None if step.spoiled else run.binding.users[step.user].name
        if op in WRITING:
            run.writers.append(step.user)
        started = time.monotonic() - self._began
        call, times = partial(self._try, self._reach(number, step), op, user), {}
        try:
            if step.times is None:
                outcome, answer, error = call(positional, keywords)
            else:
                times["number"], (outcome, answer, error) = self._fill(
                    run, step, call, positional[0], keywords
                )
        except RunEnded:
            run.unsent(op, step.user)
            raise
        if outcome is Outcome.UNSUPPORTED:
            self._lacking.add(op)
        if isinstance(answer, Page) and answer.cursor is not None:
            run.cursors[number] = answer.cursor
        return self._event(
            number,
            step,
            op,
            started,
            outcome=outcome,
            **self._recorder.answer(run, step, op, answer),
            **self._recorder.error(run, step.user, error, positional[0] if op in BY_ID else None),
            **times,
        )

    def _fill(
        self, run: PlanRun, step: Step, call: Callable[..., Any], text: str, keywords: dict[str, Any]
    ) -> tuple[int, Any]:
        """Store the step's fact as often as it says, or as there is room for."""
        run.room = run.room or self.session.share()
        foreign = partial(self._recorder.shows_others, run, step)
        return fill(run, step, lambda numbered: call([numbered], keywords), text=text, foreign=foreign)

    def _reach(self, number: int, step: Step) -> Callable[..., Any]:
        """The session's call on the lane that the step runs in."""
        if step.lane is None:
            return self.session.call
        lane = {"thread": 1 + step.lane, "pool": 1 + (number + step.lane) % 2}.get(step.on, 0)
        return partial(self._opening_of(step).call, lane=lane, give_up=step.give_up)

    def _opening_of(self, step: Step) -> GuardedSession:
        if step.on == "twin":
            return self._other()
        return self._handle(step.lane or 0) if step.on == "handle" else self.session

    def _other(self) -> GuardedSession:
        """The target's twin, kept open for the runs to come."""
        with self._opening:
            if self._twin is None:
                self._twin = self._guarded((self._open_twin or self._open)())
            return self._twin

    def _handle(self, number: int) -> GuardedSession:
        """One more opening of the target, kept for the runs to come."""
        with self._opening:
            while len(self._handles) <= number:
                self._handles.append(self._guarded(self._open()))
            return self._handles[number]

    @property
    def lost(self) -> str | None:
        """Why the target can't be used any more; None while it can."""
        return self.session.lost

    def close(self) -> None:
        """Close every opening of the target. Errors are raised: a failed close may leave data behind."""
        try:
            self._close_more()
        finally:
            self.session.close()

    def _close_more(self) -> None:
        """Close the further openings."""
        more = [*self._handles, *([] if self._twin is None else [self._twin])]
        self._handles, self._twin = [], None
        for session in more:
            session.close()

    def _reopen(self, run: PlanRun, number: int, step: Step) -> None:
        """Close the target and open it again; raises `TargetProblem` if it can't be opened."""
        started = time.monotonic() - self._began
        self.close()
        self.session = self._guarded(self._open())
        run.record(self._event(number, step, step.op, started, outcome=Outcome.OK), step)

    @staticmethod
    def _try(
        reach: Callable[..., Any], op: Operation, user: Any, positional: list[Any], keywords: dict[str, Any]
    ) -> tuple[Outcome, Any, BaseException | None]:
        try:
            raw = reach(op.value, user, *positional, **keywords)
            return Outcome.OK, police(op, raw, limit=keywords.get("limit", 0)), None
        except (NotLeased, Halted, RunEnded):
            raise
        except Refused as error:
            return Outcome.REFUSED, None, error
        except (Indeterminate, GivenUp) as error:
            return Outcome.INDETERMINATE, None, error
        except NotImplementedError as error:
            return Outcome.ERROR if op.value in NEEDED else Outcome.UNSUPPORTED, None, error
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is its ERROR, and is recorded
            return Outcome.ERROR, None, error

    def _settle(self, run: PlanRun, number: int, step: Step) -> None:
        """Poll get_all, then search for `step.fact`, until own facts show (or are gone) or time is up."""
        due, lost = run.due(step.user), run.lost(step.user)
        if step.hold:
            time.sleep(min(self._consistency, LONGEST_HOLD_SECONDS))
        if not due and not lost:
            return
        if Operation.GET_ALL not in self._lacking:
            self._poll(run, number, step, Operation.GET_ALL, ([], {}), due, lost)
        # Without a list, a search for each fact has to show that it is there, or gone.
        unlisted = Operation.GET_ALL in self._lacking
        for fact in sorted(fact for fact in due | lost if unlisted or fact == step.fact):
            arguments: Arguments = ([run.binding.text(fact)], {"limit": step.limit})
            self._poll(run, number, step, Operation.SEARCH, arguments, due & {fact}, lost)

    def _poll(
        self,
        run: PlanRun,
        number: int,
        step: Step,
        op: Operation,
        arguments: Arguments,
        due: set[int],
        lost: set[int],
    ) -> None:
        # A call that began before may have been answered before, however long it took.
        deadline = round(time.monotonic() - self._began + self._consistency, 6)
        for pause in pauses():
            event = self._call(run, number, step, op, arguments)
            if event.outcome is Outcome.UNSUPPORTED:
                return
            seen = facts_of_plan(event)
            met = due <= seen and not lost & seen
            if met or event.started >= deadline or self.session.lost:
                run.record(event, step)
                return
            run.record(event.model_copy(update={"poll": True}), step)
            time.sleep(pause)

    def _delete(self, run: PlanRun, index: int, name: Any) -> None:
        """Delete all that a user has; without such a method, each memory that the user stored."""
        if Operation.DELETE_ALL not in self._lacking:
            self.session.call("delete_all", name, **run.scope(index))
            return
        for id_ in run.stored(UserIndex(index)):
            self.session.call("delete", name, id_, **run.scope(index))

    def _clean(self, run: PlanRun) -> None:
        """Delete what every user of the plan wrote; what could not be deleted is kept in `leftovers`."""
        answered = {event.user for event in run.events if event.op in WRITING}
        stored = {*run.writers} - answered | {
            event.user
            for event in run.events
            if event.op in (Operation.ADD, Operation.UPDATE) and event.outcome is not Outcome.REFUSED
        }
        left = set()
        for index in sorted({*run.writers}):
            name = run.binding.users[index].name
            try:
                self._delete(run, index, name)
            except Exception as error:  # noqa: BLE001 - told at the end of the run, never lost
                if index in stored or isinstance(error, TimeLimit):
                    left.add(index)
                    self.leftovers.append(show(name))
        done = (index for index in self._writing(run) if index not in left)
        self._lease.release(run.leased(index) for index in done)


def _overlaps(numbered: tuple[int, Step]) -> bool:
    return numbered[1].lane is not None
