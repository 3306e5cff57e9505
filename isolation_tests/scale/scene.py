"""Scenes: the few calls behind one suspicious answer as a plan with its history, which the judges decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from isolation_tests.adapter import Memory
from isolation_tests.execution.redaction import foreign, own_words
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    Actor,
    BoundUser,
    Event,
    FactSpec,
    Finding,
    History,
    Operation,
    Outcome,
    Plan,
    Row,
    Sighting,
    Step,
    UserIndex,
    UserName,
    UserSpec,
)
from isolation_tests.scale.population import Population
from isolation_tests.scale.seeing import Eyes
from isolation_tests.testdata.canaries import Canary

__all__ = ["Scene"]

_MOST_ROWS = 20
_Who = tuple[int, int]
"""A user: the attempt at its range, and its index."""


@dataclass
class Scene:
    """Users, facts, steps and answers, added in the order in which they came."""

    population: Population
    eyes: Eyes
    name: str
    _users: dict[_Who, UserIndex] = field(default_factory=dict)
    _facts: dict[tuple[_Who, int], int] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)

    def user(self, who: _Who) -> Actor:
        """The user's index in the plan."""
        return Actor(self._users.setdefault(who, UserIndex(len(self._users))))

    def _fact(self, who: _Who, fact: int) -> int:
        self.user(who)
        return self._facts.setdefault((who, fact), len(self._facts))

    def add(self, who: _Who, facts: Iterable[int], at: float) -> None:
        """These facts of the user were stored, at about that time."""
        for fact in facts:
            step = Step(op=Operation.ADD, user=self.user(who), fact=self._fact(who, fact))
            self._answer(step, Operation.ADD, (), at, at)

    def settled(self, who: _Who, facts: Iterable[int], at: float) -> None:
        """The user read these facts back, and saw them."""
        rows = tuple(
            Row(id=None, text=self.population.text(*who, fact), sightings=(self._own(who, fact),))
            for fact in facts
        )
        self._answer(Step(op=Operation.SETTLE, user=self.user(who)), Operation.GET_ALL, rows, at, at)

    def _own(self, who: _Who, fact: int) -> Sighting:
        return Sighting(user=self.user(who), fact=self._fact(who, fact), where="text")

    def asked(
        self, who: _Who, op: Operation, rows: Sequence[Memory], at: float, query: str | None = None
    ) -> None:
        """The user made a call, and got these rows; of many, the first that show somebody's fact are kept."""
        kept = [row for row in rows if self.eyes.places(row)][:_MOST_ROWS]
        recorded = tuple(self._row(row) for row in kept)
        self._answer(Step(op=op, user=self.user(who), query=query), op, recorded, at, at)

    def _row(self, row: Memory) -> Row:
        places = self.eyes.places(row)
        sightings = tuple(dict.fromkeys(self._sighting(one.canary, one.where) for one in places))
        in_text = [one.canary for one in places if one.where == "text"]
        words = [*map(self.eyes.mint.token, in_text), *filter(None, map(self._text, in_text))]
        return Row(
            id=row.id,
            text=own_words(row.text, words) if in_text else foreign(row.text),
            sightings=sightings,
        )

    def _text(self, canary: Canary) -> str:
        who = self.population.whose(canary.user)
        return "" if who is None else self.population.text(*who, canary.fact)

    def _sighting(self, canary: Canary, where: str) -> Sighting:
        who = self.population.whose(canary.user)
        if who is None:
            return Sighting(user=None, fact=canary.fact, where=where)
        return Sighting(user=self.user(who), fact=self._fact(who, canary.fact), where=where)

    def _answer(self, step: Step, op: Operation, rows: tuple[Row, ...], began: float, ended: float) -> None:
        event = Event(
            step=len(self._steps),
            op=op,
            user=step.user,
            outcome=Outcome.OK,
            started=round(began, 6),
            ended=round(ended, 6),
            rows=rows,
        )
        self._steps.append(step)
        self._events.append(event)

    def deed(self, who: _Who, op: Operation, at: float) -> None:
        """The user made a call that answers nothing, such as a delete."""
        self._answer(Step(op=op, user=self.user(who)), op, (), at, at)

    def history(self) -> History:
        """The scene as a history. What owners stored whose facts were only seen stands in front."""
        stored = {(step.user, step.fact) for step in self._steps if step.op is Operation.ADD}
        unseen = [
            Step(op=Operation.ADD, user=self.user(who), fact=place)
            for (who, _), place in self._facts.items()
            if (self.user(who), place) not in stored
        ]
        first = self._events[0].started if self._events else 0.0
        before = [
            Event(step=place, op=step.op, user=step.user, outcome=Outcome.OK, started=first, ended=first)
            for place, step in enumerate(unseen)
        ]
        after = [event.model_copy(update={"step": event.step + len(unseen)}) for event in self._events]
        people = self.population
        plan = Plan(
            name=self.name,
            anomaly="S1",
            users=self._specs(),
            facts=tuple(
                FactSpec(text=people.template(who[1], fact), owners=(self.user(who),))
                for who, fact in self._facts
            ),
            steps=(*unseen, *self._steps),
            relation=self._relation(),
        )
        users = tuple(
            BoundUser(number=people.number(*who), name=UserName(people.name(*who))) for who in self._users
        )
        return History(plan=plan, users=users, events=(*before, *after))

    def _specs(self) -> tuple[UserSpec, ...]:
        groups: dict[tuple[int, int], int] = {}
        return tuple(
            self.population.spec(index, groups.setdefault((attempt, index // 2), len(groups)))
            for attempt, index in self._users
        )

    def _relation(self) -> str | None:
        """How the names are related, if the users are one pair."""
        (attempt, index), *others = self._users
        pair = others == [(attempt, index ^ 1)]
        return self.population.relation(index) if pair else None

    def judged(self) -> tuple[History, tuple[Finding, ...], tuple[str, ...]]:
        """The history, the findings of the judges, and why it proves nothing where they find none."""
        history = self.history()
        said = judge(history)
        return history, said.findings, (*said.errors, *said.doubts)
