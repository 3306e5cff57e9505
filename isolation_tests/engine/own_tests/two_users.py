"""Two related users in an open target, as whom a test acts between set-up and judgement."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace

from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.own_tests.controls import unshown
from isolation_tests.engine.own_tests.words import Roles, inconclusive, violated
from isolation_tests.engine.run import blaming
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.judges.refusal import shows_a_stranger
from isolation_tests.model import (
    Case,
    Event,
    FactSpec,
    Finding,
    History,
    Operation,
    Outcome,
    Plan,
    Step,
    UserName,
)
from isolation_tests.plans.own_test import ALICE, BOB, BYSTANDER, NEWCOMER, look, set_up
from isolation_tests.testdata.relations import Relation

__all__ = ["TwoUsers"]

_TEST = "own test"
_ANYTHING = "whatever the test wrote"


class TwoUsers:
    """Alice and Bob, who have stored facts and seen them, until `end` deletes all that they have.

    What goes on between the suite's own calls is the test's doing, and the judges know of it what the test
    says. The constructor raises `UsageProblem` if the target must not be asked with such names.
    """

    def __init__(self, examiner: Examiner, relation: Relation) -> None:
        self._examiner = examiner
        self._material = examiner.material(f"own-test-{relation.name}")
        plan = set_up(self._material, relation)
        config = examiner.target.config
        if relation.name in config.names.aliases:
            raise UsageProblem(
                f"{config.name} declares that names related by {relation.name} are one user; let the fixture "
                "isolation_relation name another relation."
            )
        if (why := examiner.blocked(plan)) is not None:
            raise UsageProblem(f"Names related by {relation.name} are {why}.")
        self._run = examiner.runner.begin(plan)
        self._due = {
            user: [n for n, fact in enumerate(plan.facts) if user in fact.owners]
            for user in (ALICE, BOB, BYSTANDER)
        }
        self._untold: list[int] = []
        self._deleted = False

    @property
    def _plan(self) -> Plan:
        return self._run.binding.plan

    @property
    def roles(self) -> Roles:
        """What the users are called in messages."""
        return Roles(tuple(self.name(user) for user in (ALICE, BOB, BYSTANDER, NEWCOMER)))

    def name(self, user: int) -> UserName:
        """The value that stands for the user in every call."""
        return self._run.binding.users[user].name

    def facts(self, user: int) -> tuple[str, ...]:
        """The texts that are the user's own."""
        return tuple(self._run.binding.text(fact) for fact in [*self._due[user], *self._untold_of(user)])

    def new_fact(self, user: int) -> str:
        """A text of the user's own that the test is to have stored; from then on it is looked for, too."""
        number = len(self._plan.facts)
        spec = FactSpec(text=self._material.people.fact(), owners=(user,))
        self._grow(facts=(spec,))
        self._untold.append(number)
        return self._run.binding.text(number)

    def store(self) -> str:
        """Let both store their facts and see them; why that proves nothing, or nothing if it did."""
        with blaming(self._examiner.target.name):
            history = self._examiner.runner.go_on(self._run, range(len(self._plan.steps)))
        findings, doubt = self._said(history, 0)
        return "" if findings else doubt

    def apart(self, deleted: Iterable[int] = ()) -> str:
        """What the two, a bystander and a newcomer wrongly see or miss; empty if nothing.

        deleted: who has deleted all, as far as the test knows.
        """
        self._tell(deleted)
        first = len(self._plan.steps)
        self._grow(steps=look(self._material, self._plan, self._due, after_delete=self._deleted))
        with blaming(self._examiner.target.name):
            history = self._examiner.runner.go_on(self._run, range(first, len(self._plan.steps)))
        findings, doubt = self._said(history, first)
        return findings or doubt

    def shown(self, answer: object, user: int) -> str:
        """What of others is in an answer that the test's own code gave the user; empty if nothing."""
        binding, told = self._run.binding, self.roles.told
        numbers = {bound.number: index for index, bound in enumerate(binding.users)}
        for found in binding.mint.scan(answer, "answer"):
            owner = numbers.get(found.canary.user)
            if owner is None:
                return violated(
                    self._name, [f"{told(user)} was shown a fact of an earlier test in {found.where}"]
                )
            if owner != user:
                seen = f"a fact of {told(owner)} in {found.where}: {binding.text(found.canary.fact)!a}"
                return violated(self._name, [f"{told(user)} was shown {seen}"])
        return ""

    def end(self) -> list[str]:
        """Delete all that the two have; return the names for which that failed."""
        before = len(self._examiner.leftovers)
        self._examiner.runner.end(self._run)
        return self._examiner.leftovers[before:]

    @property
    def _name(self) -> str:
        return self._examiner.target.name

    def _untold_of(self, user: int) -> list[int]:
        return [fact for fact in self._untold if user in self._plan.facts[fact].owners]

    def _grow(self, *, facts: tuple[FactSpec, ...] = (), steps: tuple[Step, ...] = ()) -> None:
        plan = self._plan
        more = {"facts": (*plan.facts, *facts), "steps": (*plan.steps, *steps)}
        self._run.binding = replace(self._run.binding, plan=plan.model_copy(update=more))

    def _tell(self, deleted: Iterable[int]) -> None:
        """Tell the judges what the test has done: nobody else knows what its own code wrote and deleted."""
        for fact in self._untold:
            [owner] = self._plan.facts[fact].owners
            self._happened(Step(op=Operation.ADD, user=owner, fact=fact))
            self._due[owner].append(fact)
        self._untold.clear()
        for user in (ALICE, BOB):
            # It may also have written what has no canary, so that no total is held against an earlier one.
            self._happened(Step(op=Operation.ADD, user=user, text=_ANYTHING))
        for user in deleted:
            self._happened(Step(op=Operation.DELETE_ALL, user=user))
            self._due[user].clear()
            self._deleted = True

    def _happened(self, step: Step) -> None:
        number = len(self._plan.steps)
        self._grow(steps=(step,))
        now = round(time.monotonic() - self._examiner.key.began, 6)
        event = Event(
            step=number,
            op=step.op,
            user=step.user,
            outcome=Outcome.OK,
            started=now,
            ended=now,
            worker=_TEST,
        )
        self._run.record(event, step)

    def _said(self, history: History, first: int) -> tuple[str, str]:
        """What the judges found in all that happened, and why that proves nothing; either may be empty.

        first: the step from which on each surface has to show people what is their own.
        """
        judged, roles = judge(history), self.roles
        cases = [Case(finding=one, history=history, seen=1, tried=1) for one in self._news(judged.findings)]
        found = [roles.finding(case, self._run.binding) for case in cases]
        if (event := shows_a_stranger(history)) is not None:
            found.append(
                f"{roles.told(event.user)} stored nothing, and {event.op} returned somebody's memory"
            )
        doubts = [*judged.errors, *judged.doubts]
        doubts += [] if (lost := self._examiner.runner.lost) is None else [lost]
        if not controls(history):
            doubts.append("nobody saw their own fact, so not seeing other users' facts proves nothing")
        doubts += unshown(history, first, self._due)
        return (
            violated(self._name, found) if found else "",
            inconclusive(self._name, roles.named(doubts[0])) if doubts else "",
        )

    def _news(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings that the target's file does not list as known; the others become warnings.

        Names explain only their own anomaly. Any other has the key that it has in a run, where the users who
        show it are related to nobody.
        """
        target = self._examiner.target
        for finding in findings:
            named = finding.anomaly == self._plan.anomaly
            news = finding if named else finding.model_copy(update={"relation": None})
            if (reason := target.known_reason(news.key)) is None:
                yield news
            else:
                warnings.warn(f"{target.name}: known finding {news.key}: {reason}", stacklevel=2)
