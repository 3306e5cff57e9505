"""Works on a range of users: stores, reads back and probes it; later looks for the last time and deletes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from isolation_tests.adapter import Memory, Refused
from isolation_tests.execution.batch import Sent
from isolation_tests.execution.guard import GuardedSession
from isolation_tests.execution.journal import Journal
from isolation_tests.execution.meter import CLEANING_REQUESTS
from isolation_tests.execution.polling import pauses
from isolation_tests.model import Operation
from isolation_tests.reporting.evidence.evidence import ExpectedCheck
from isolation_tests.scale.answers import Answers, Asking, Shown
from isolation_tests.scale.laws import DELETE, LAST, LIST, RECALL, SEARCH
from isolation_tests.scale.lease_file import Stored, Unit, Work
from isolation_tests.scale.part import Part
from isolation_tests.scale.population import DELETED_OF, Population
from isolation_tests.scale.scene import Scene
from isolation_tests.scale.seeing import Eyes
from isolation_tests.scale.tally import Tally
from isolation_tests.targets.resolve import Target
from isolation_tests.testdata.canaries import Canary
from isolation_tests.testdata.display import show

__all__ = ["Ranges"]

ROOM = 5
"""How many memories a search may return: few, so that others' facts compete with one's own."""
_LOOKS_AGAIN_OF = 8
"""One in so many users also searches in the last look; every user of a witnessing range does."""
_Asks = Callable[[int], Asking]


@dataclass
class Ranges:
    """One process's hands: an open target, and what it does with a range.

    shard: the number of the shard. leftovers: names under which something may be left.
    """

    population: Population
    target: Target
    session: GuardedSession
    journal: Journal
    began: float
    shard: int = 1
    leftovers: list[str] = field(default_factory=list)
    stranger: str = ""

    def work(self, unit: Unit) -> tuple[Stored, Part]:
        """Do what is due with a range; return what it has in the store now, and what it has shown."""
        tally = Tally(self.shard)
        answers = Answers(
            self.population,
            self.target,
            self.session,
            Eyes(self.population.mint),
            tally,
            unit.attempt,
            self.began,
        )
        one = _Range(self, unit, answers, tally)
        stored = one.look() if unit.work is Work.LOOK else one.store()
        self.stranger = self.stranger or answers.stranger
        return stored, tally.part()

    def clear(self, attempt: int, first: int, count: int) -> None:
        """Delete a range without a look."""
        unit = Unit(-1, Work.LOOK, attempt, first, count, witness=False, stored=Stored())
        tally = Tally(self.shard)
        eyes = Eyes(self.population.mint)
        answers = Answers(self.population, self.target, self.session, eyes, tally, attempt, self.began)
        _Range(self, unit, answers, tally).delete()


@dataclass
class _Range:
    hands: Ranges
    unit: Unit
    answers: Answers
    tally: Tally
    _own: dict[int, dict[str, Canary]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people = self.hands.population
        self.users = range(self.unit.first, self.unit.first + self.unit.count)
        self._again = {*self.unit.stored.deleted}

    def _name(self, index: int) -> str:
        return self.people.name(self.unit.attempt, index)

    def own(self, index: int) -> Mapping[str, Canary]:
        """The texts that a user has in the store, each with its canary."""
        if index not in self._own:
            people, attempt = self.people, self.unit.attempt
            number = people.number(attempt, index)
            self._own[index] = {
                people.text(attempt, index, fact): Canary(number, fact)
                for fact in people.facts(index, again=index in self._again)
            }
        return self._own[index]

    # --- the calls -------------------------------------------------------------------------------------

    def _list(self, check: ExpectedCheck, index: int, *, nothing: bool = False) -> Asking:
        own = {} if nothing else self.own(index)
        return Asking(check, index, Sent("get_all", self._name(index)), own, stored_nothing=nothing)

    def _search(self, check: ExpectedCheck, index: int, query: str, *, nothing: bool = False) -> Asking:
        sent = Sent("search", self._name(index), (query,), {"limit": ROOM})
        own = {} if nothing else self.own(index)
        return Asking(check, index, sent, own, stored_nothing=nothing)

    def _search_own(self, check: ExpectedCheck, index: int) -> Asking:
        return replace(self._search(check, index, self._chosen(index)[0]), timed=check is RECALL)

    def _chosen(self, index: int) -> tuple[str, Canary]:
        """The own fact that a user searches for."""
        return list(self.own(index).items())[self.people.chosen(index)]

    def _settled(
        self, indexes: list[int], ask: _Asks, met: Callable[[int, Shown], bool]
    ) -> dict[int, Shown | None]:
        """What each user was shown at last; who lacks something is asked again while a write may take."""
        seen = dict(zip(indexes, self.answers.poll([ask(index) for index in indexes]), strict=True))
        deadline = time.monotonic() + self.hands.target.config.consistency_seconds
        for pause in pauses():
            pending = [index for index, shown in seen.items() if shown is not None and not met(index, shown)]
            if not pending or time.monotonic() >= deadline:
                break
            time.sleep(pause)
            seen |= zip(pending, self.answers.poll([ask(index) for index in pending]), strict=True)
        for index, shown in seen.items():
            self.tally.saw("settled", index, shown)
        return seen

    def _has_own(self, index: int, shown: Shown) -> bool:
        return shown >= frozenset(self.own(index).values())

    # --- storing and probing ---------------------------------------------------------------------------

    def store(self) -> Stored:
        """Store the range's facts under fresh names; the first time, also probe, and delete some."""
        first_time = self.unit.work is Work.STORE
        self.hands.journal.lease_span(self.people.span(self.unit.attempt, self.unit.first, self.unit.count))
        unsettled = self._add(list(self.users), timed=first_time, users=self.unit.count)
        at = self.answers.now()
        unsettled |= self._unread([index for index in self.users if index not in unsettled])
        if not first_time:
            self.tally.restored += self.unit.count
            return Stored(unsettled=tuple(sorted(unsettled)), deleted=self.unit.stored.deleted, at=at)
        here = [index for index in self.users if index not in unsettled]
        self._recall(here)
        self._probe(here)
        self._newcomers()
        deleted = self._sample([index for index in here if self.people.deletes(index)], {*here})
        unsettled |= self._return(deleted)
        self.tally.facts = sum(self.people.size(index) for index in self.users if index not in unsettled)
        self.tally.users += self.unit.count
        for index in self.users:
            self.tally.met(self.people.decile(index), 1)
        return Stored(unsettled=tuple(sorted(unsettled)), deleted=tuple(deleted), at=at)

    def _add(self, indexes: list[int], *, timed: bool = False, users: int = 0) -> set[int]:
        """Store these users' facts; return those of whom nobody knows what is stored."""
        asked = [
            Asking(SEARCH, index, Sent("add", self._name(index), (text,)), self.own(index), timed=timed)
            for index in indexes
            for text in self.own(index)
        ]
        shown = self.answers.ask(asked, users=users)
        return {each.index for each, one in zip(asked, shown, strict=True) if one is None}

    def _unread(self, indexes: list[int]) -> set[int]:
        """Let users read back what they stored; return those who did not see all of it."""
        seen = self._settled(indexes, partial(self._list, LIST), self._has_own)
        missed = {index for index, shown in seen.items() if shown is None or not self._has_own(index, shown)}
        self.tally.of(LIST).controls += len(seen) - len(missed)
        for index in missed:
            if seen[index] is not None:
                self.tally.doubt(LIST, f"{show(self._name(index))} did not see all that they had just stored")
        return missed

    def _recall(self, indexes: list[int]) -> None:
        """Let users search for an own fact."""
        seen = self._settled(
            indexes, partial(self._search_own, RECALL), lambda index, shown: self._chosen(index)[1] in shown
        )
        for index, shown in seen.items():
            found = shown is not None and self._chosen(index)[1] in shown
            self.tally.recalled(self.people.decile(index), found=found)
            self.tally.of(RECALL).controls += found
            if not found:
                self.tally.doubt(RECALL, "a user searched for the text of their own fact and did not find it")

    def _probe(self, indexes: list[int]) -> None:
        """Let users search with the words of somebody else's fact."""
        asked = [
            self._search(SEARCH, index, self.people.asked_about(self.people.probed(index)))
            for index in indexes
        ]
        for each, shown in zip(asked, self.answers.ask(asked), strict=True):
            own = frozenset(each.own.values())
            self.tally.of(SEARCH).controls += bool(shown and shown & own)

    def _newcomers(self) -> None:
        """Let users who have stored nothing look."""
        beside = [(index, new) for index in self.users if (new := self.people.newcomer(index)) is not None]
        asked: list[Asking] = []
        for index, new in beside:
            asked += [
                self._search(SEARCH, new, self.people.asked_about(index), nothing=True),
                self._list(LIST, new, nothing=True),
            ]
        self.answers.ask(asked)

    def _delete_of(self, indexes: list[int]) -> list[Shown | None]:
        """Let users delete everything; None where that was no success."""
        sent = [
            Asking(DELETE, index, Sent("delete_all", self._name(index)), self.own(index)) for index in indexes
        ]
        return self.answers.ask(sent)

    def _sample(self, indexes: list[int], here: set[int]) -> list[int]:
        """Let a sample delete everything, and look at it and at its bystanders; return who has deleted."""
        done = [
            index for index, shown in zip(indexes, self._delete_of(indexes), strict=True) if shown is not None
        ]
        self._look_gone(DELETE, done)
        beside = {
            other
            for index in done
            for other in (self.people.partner(index), self.people.neighbour(index))
            if other in here and other not in done
        }
        seen = self._settled(sorted(beside), partial(self._list, DELETE), self._has_own)
        for index, shown in seen.items():
            if shown is not None and self._has_own(index, shown):
                self.tally.of(DELETE).controls += 1
            elif shown is not None:
                self._bereaved(index, next(each for each in done if index in self._beside(each)), shown)
        return done

    def _return(self, indexes: list[int]) -> set[int]:
        """Let users who have deleted everything store other facts; return those who did not see them."""
        for index in indexes:
            self._own.pop(index, None)
        self._again |= {*indexes}
        unsettled = self._add(indexes)
        return unsettled | self._unread([index for index in indexes if index not in unsettled])

    def _beside(self, index: int) -> tuple[int, int]:
        return self.people.partner(index), self.people.neighbour(index)

    def _look_gone(self, check: ExpectedCheck, indexes: list[int]) -> None:
        """Let users look who have deleted everything: in the list, and with the words of a fact of theirs."""
        for op, ask in (
            (Operation.GET_ALL, partial(self._list, check)),
            (Operation.SEARCH, partial(self._search_own, check)),
        ):
            seen = self._settled(indexes, ask, lambda _, shown: not shown)
            for index, shown in seen.items():
                deleted = frozenset(self.own(index).values())
                if shown and shown & deleted:
                    self._left_over(check, index, op, deleted, shown)

    # --- the last look ---------------------------------------------------------------------------------

    def look(self) -> Stored:
        """Let every user of the range look for the last time, and delete what the range has stored."""
        stored = self.unit.stored
        here = [index for index in self.users if index not in stored.unsettled]
        age = self.answers.now() - stored.at
        seen = self._settled(here, partial(self._list, LAST), self._has_own)
        for index, shown in seen.items():
            if shown is not None and self._has_own(index, shown):
                self.tally.of(LAST).controls += 1
            elif shown is not None:
                self._lost(index, shown, age)
            deleted = self._deleted(index)
            if shown and shown & deleted:
                self._left_over(LAST, index, Operation.GET_ALL, deleted, shown)
        self.answers.ask([self._list(LAST, index) for index in stored.unsettled])
        again = [index for index in here if self.unit.witness or index % _LOOKS_AGAIN_OF == 0]
        users = self.people.question.users
        self.answers.ask(
            [
                self._search(LAST, index, self.people.asked_about(self.people.stranger(index, users)))
                for index in again
            ]
        )
        self.delete()
        return Stored()

    def _deleted(self, index: int) -> Shown:
        """What a user stored first, and deleted before storing other facts."""
        none: Shown = frozenset()
        return self.people.canaries(self.unit.attempt, index) if index in self._again else none

    def delete(self) -> None:
        """Delete all that the range has stored, and look whether a sample of it is gone."""
        session, names = self.hands.session, [self._name(index) for index in self.users]
        session.take_up(CLEANING_REQUESTS * len(names))
        with session.turn(), session.cleaning():
            got = session.call_many([Sent("delete_all", name) for name in names])
        left = [
            self._name(index)
            for index, one in zip(self.users, got, strict=True)
            if one.error is not None and not self._holds_nothing(index, one.error)
        ]
        self.hands.leftovers += map(show, left)
        if left:
            self.hands.journal.done(name for name in names if name not in {*left})
        else:
            span = self.people.span(self.unit.attempt, self.unit.first, self.unit.count)
            self.hands.journal.done_span(span)
        if self.unit.number >= 0:
            sample = [index for index in self.users if index % DELETED_OF == 0]
            self._look_gone(DELETE, [index for index in sample if self._name(index) not in {*left}])

    def _holds_nothing(self, index: int, error: Exception) -> bool:
        """Whether a delete was refused to a user who could store nothing that is known of."""
        return isinstance(error, Refused) and index in self.unit.stored.unsettled

    # --- scenes ----------------------------------------------------------------------------------------

    def _scene(
        self, check: ExpectedCheck, index: int, stored: Shown | None = None
    ) -> tuple[Scene, tuple[int, int]]:
        """A user who has stored these facts, or all own ones, and read them back."""
        scene = Scene(self.people, self.answers.eyes, check.check)
        who = (self.unit.attempt, index)
        facts = sorted(canary.fact for canary in stored or self.own(index).values())
        at = self.unit.stored.at or self.answers.now()
        scene.add(who, facts, at)
        scene.settled(who, facts, at)
        return scene, who

    def _shown(
        self, scene: Scene, who: tuple[int, int], shown: Shown, op: Operation = Operation.GET_ALL
    ) -> None:
        """The user's list, or what a search found, with these facts."""
        number = self.people.number(*who)
        mine = sorted(canary.fact for canary in shown if canary.user == number)
        rows = [Memory(None, self.people.text(*who, fact)) for fact in mine]
        query = self._chosen(who[1])[0] if op is Operation.SEARCH else None
        scene.asked(who, op, rows, self.answers.now(), query)

    def _left_over(
        self, check: ExpectedCheck, index: int, op: Operation, deleted: Shown, shown: Shown
    ) -> None:
        scene, who = self._scene(check, index, deleted)
        scene.deed(who, Operation.DELETE_ALL, self.answers.now())
        self._shown(scene, who, shown & deleted, op)
        self.answers.conclude(check, index, scene, "deleted facts still showed")

    def _bereaved(self, index: int, deleter: int, shown: Shown) -> None:
        scene, who = self._scene(DELETE, index)
        other = (self.unit.attempt, deleter)
        scene.add(other, range(self.people.size(deleter)), self.answers.now())
        scene.deed(other, Operation.DELETE_ALL, self.answers.now())
        self._shown(scene, who, shown)
        self.answers.conclude(DELETE, index, scene, "a bystander of a delete lost facts")

    def _lost(self, index: int, shown: Shown, age: float) -> None:
        scene, who = self._scene(LAST, index)
        self._shown(scene, who, shown)
        self.answers.conclude(LAST, index, scene, "a user lost facts by the last look", age=age)
