"""What is compared: the suite, the tutorial's two-user script, and a plain Hypothesis state machine.

Each contender gets the same store and stops at its first complaint. The store counts the calls that reach it.
"""

from __future__ import annotations

import functools
import inspect
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Refused
from isolation_tests.engine.check import call_witnesses, result_of, smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import new_key
from isolation_tests.engine.search.order import asked
from isolation_tests.execution.session import Session
from isolation_tests.faults import FAULTS
from isolation_tests.model import Case, CheckResult, Verdict
from isolation_tests.targets.resolve import Target, resolve

STEPS = 50


@dataclass(frozen=True, slots=True)
class Detection:
    """How many calls reached the store, whether there was a complaint, and whether of the right anomaly."""

    calls: int
    found: bool
    named: bool = False


class Counted:
    """A store that reports each call before it makes it."""

    def __init__(self, inner: Any, report: Callable[[], None]) -> None:
        self._inner, self._report = inner, report
        for name in (*CORE_METHODS, *OPTIONAL_METHODS):
            offered = getattr(inner, name, None)
            if callable(offered):
                setattr(self, name, self._counted(offered))

    def __getattr__(self, name: str) -> Any:
        """What is not counted (`close`) is the store's own."""
        return getattr(self._inner, name)

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def once(*args: Any, **keywords: Any) -> Any:
            self._report()
            return method(*args, **keywords)

        @functools.wraps(method)
        async def waiting(*args: Any, **keywords: Any) -> Any:
            self._report()
            return await method(*args, **keywords)

        return waiting if inspect.iscoroutinefunction(method) else once


class Store:
    """A store with one fault planted, or none, and the number of calls it has had."""

    def __init__(self, fault: str | None) -> None:
        base = "reference-async" if fault and "async" in FAULTS[fault].needs else "reference"
        planted = resolve(base if fault is None else f"fault:{fault}@{base}", known="none")
        self.calls = 0
        self._lock = threading.Lock()
        self.target: Target = replace(planted, factory=self._counted(planted.factory))

    def _counted(self, factory: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(factory)
        def opened(**options: Any) -> Any:
            return Counted(factory(**options), self._report)

        return opened

    def _report(self) -> None:
        with self._lock:
            self.calls += 1


def by_suite(fault: str | None, number: int) -> Detection:
    """Every check of profile ci in the suite's order, in one process, each finding performed once.

    `calls` are those up to the first answer that proves a violation, or up to the end of a check of several
    plans. It goes on until the planted anomaly is named.
    """
    store = Store(fault)
    examiner = Examiner(store.target, profile("ci").unrefined(), new_key(number))
    first = 0
    try:
        for before, result in _results(examiner, store):
            if not first and result.verdict is Verdict.VIOLATED:
                alone = result.examples == 1
                first = before + min(map(_position, result.cases)) if alone else store.calls
            if fault and any(case.finding.anomaly == FAULTS[fault].anomaly for case in result.cases):
                return Detection(first, found=True, named=True)
        return Detection(first or store.calls, found=bool(first))
    finally:
        examiner.close()


def _results(examiner: Examiner, store: Store) -> Iterator[tuple[int, CheckResult]]:
    """Each check's result, and how many calls came before it."""
    yield store.calls, smoke(examiner)
    heard = call_witnesses(examiner)
    for entry, cell in asked(examiner.profile):
        before = store.calls
        yield before, result_of(examiner, entry, cell)
    before, seen = store.calls, heard()
    if seen is not None:
        yield before, seen


def _position(case: Case) -> int:
    """How many calls of the case's history there were when it showed."""
    steps = [event.step for event in case.history.events]
    return steps.index(case.finding.step) + 1


def by_tutorial(fault: str | None) -> Detection:
    """The tutorial's Alice and Bob: two facts, two searches, two lists, one deletion, one list more."""
    store = Store(fault)
    session = store.target.open()
    alice, bob = "u_alice", "u_bob"
    vegetarian, window = "I am vegetarian. Please remember that.", "I always want a window seat on flights."
    try:
        session.call("add", alice, vegetarian)
        session.call("add", bob, window)
        held = (
            _texts(session.call("search", alice, "food preferences", limit=10)) <= {vegetarian}
            and _texts(session.call("search", bob, "food preferences", limit=10)) <= {window}
            and _texts(session.call("get_all", alice)) == {vegetarian}
            and _texts(session.call("get_all", bob)) == {window}
        )
        session.call("delete_all", alice)
        held = held and not session.call("get_all", alice)
        held = held and _texts(session.call("get_all", bob)) == {window}
    except Exception:  # noqa: BLE001 - a store that fails is noticed too
        held = False
    finally:
        calls = store.calls
        session.close()
    return Detection(calls, found=not held)


def _texts(rows: Any) -> set[str]:
    return {row.text for row in rows}


def by_machine(fault: str | None, number: int, budget: int) -> Detection:
    """A state machine over users with independent random names, until it complains or has spent its calls."""
    store = Store(fault)
    session = store.target.open()
    trial = Trial(store, session, budget)
    limits = settings(
        max_examples=budget,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        print_blob=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        # A function that makes the machine is as good as its class.
        made: Any = seed(number)(lambda: Machine(trial))
        run_state_machine_as_test(made, settings=limits)
    except (Stop, HypothesisException):
        if trial.ending is None:
            raise
    finally:
        session.close()
    return trial.ending or Detection(store.calls, found=False)


class Stop(Exception):  # noqa: N818 - not an error
    """The state machine complained or has spent its calls."""


@dataclass
class Trial:
    """One state machine's store and budget, and how it ended: by the first complaint or by the budget."""

    store: Store
    session: Session
    budget: int
    ending: Detection | None = None

    def call(self, method: str, *args: Any, **keywords: Any) -> Any:
        """One call; None where the store refuses, the end of the trial where it fails."""
        self.end(found=False, when=self.store.calls >= self.budget)
        try:
            return self.session.call(method, *args, **keywords)
        except Refused:
            return None
        except Exception:  # noqa: BLE001 - a store that fails is noticed too
            return self.end(found=True)

    def end(self, *, found: bool, when: bool = True) -> None:
        """Stop here, and at whatever Hypothesis tries afterwards."""
        if when or self.ending is not None:
            self.ending = self.ending or Detection(self.store.calls, found=found)
            raise Stop


class Machine(RuleBasedStateMachine):
    """Users with random names add, ask, change and delete; the model knows what each of them has."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self._trial = trial
        self._model: dict[str, dict[str, str]] = {}
        self._written: list[str] = []

    def _offers(self, method: str) -> bool:
        return callable(getattr(self._trial.session.adapter, method, None))

    def _some(self, choice: int) -> str | None:
        return sorted(self._model)[choice % len(self._model)] if self._model else None

    def _expect(self, rows: Any, user: str, *, whole: bool) -> None:
        seen, own = {row.text for row in rows or ()}, set(self._model[user].values())
        self._trial.end(found=True, when=not seen <= own or (whole and seen != own))

    @rule(name=st.text(min_size=1, max_size=30))
    def join(self, name: str) -> None:
        """A new user begins with nothing."""
        if name not in self._model:
            self._trial.call("delete_all", name)
            if self._trial.call("get_all", name) is not None:
                self._model[name] = {}
                self._expect(self._trial.call("get_all", name), name, whole=True)

    @rule(choice=st.integers(0, 99), text=st.text(max_size=40))
    def add(self, choice: int, text: str) -> None:
        """A user stores a fact that nobody else has."""
        user = self._some(choice)
        if user is not None:
            fact = f"{text} {uuid.uuid4().hex}"
            for row in self._trial.call("add", user, fact) or ():
                self._model[user][row.id] = fact
            self._written.append(fact)

    @rule(choice=st.integers(0, 99), fact=st.integers(0, 999))
    def search(self, choice: int, fact: int) -> None:
        """A user searches for a fact that somebody stored."""
        user = self._some(choice)
        if user is not None and self._written:
            query = self._written[fact % len(self._written)]
            rows = self._trial.call("search", user, query, limit=100)
            self._expect(rows, user, whole=False)
            lost = query in self._model[user].values() and query not in {row.text for row in rows or ()}
            self._trial.end(found=True, when=lost)

    @rule(choice=st.integers(0, 99))
    def get_all(self, choice: int) -> None:
        """A user lists everything."""
        user = self._some(choice)
        if user is not None:
            self._expect(self._trial.call("get_all", user), user, whole=True)

    @rule(choice=st.integers(0, 99))
    def delete_all(self, choice: int) -> None:
        """A user deletes everything and looks again."""
        user = self._some(choice)
        if user is not None:
            self._trial.call("delete_all", user)
            self._model[user] = {}
            self._expect(self._trial.call("get_all", user), user, whole=True)

    @rule(choice=st.integers(0, 99), other=st.integers(0, 99), number=st.integers(0, 99))
    def by_id(self, choice: int, other: int, number: int) -> None:
        """A user reads, changes and deletes one memory by its id: possible with an own one only."""
        user, owner = self._some(choice), self._some(other)
        if user is None or owner is None or not self._model[owner]:
            return
        id = sorted(self._model[owner])[number % len(self._model[owner])]
        if self._offers("get"):
            row = self._trial.call("get", user, id)
            self._expect([] if row is None else [row], user, whole=False)
        if self._offers("update") and user != owner:
            self._trial.call("update", user, id, uuid.uuid4().hex)
        if self._offers("delete"):
            self._trial.call("delete", user, id)
            if user == owner:
                del self._model[user][id]
        self._expect(self._trial.call("get_all", owner), owner, whole=True)
