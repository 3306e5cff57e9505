"""The users of a scale run: each is a pure function of seed and index, so that nothing is remembered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from isolation_tests.execution.spans import Span
from isolation_tests.model import UserNumber, UserSpec
from isolation_tests.reporting.evidence.scale import DECILES, ScaleQuestion
from isolation_tests.testdata.canaries import Canary, Mint
from isolation_tests.testdata.facts import People
from isolation_tests.testdata.relations import RELATIONS, Relation

__all__ = ["MOST_ATTEMPTS", "Population", "relations_for"]

MOST_ATTEMPTS = 128
"""How often a process may take up one range again."""
_FIRST_ATTEMPT = 128
"""The first byte of names and canaries; lower ones belong to the processes of the suite's own plans."""
_TEXTS = 997
_LONGEST_FORM = 30
_MASK = 2**64 - 1
_SIZES, _FACT, _STRANGER, _TOPIC = 1, 2, 3, 4
DELETED_OF = 50
"""One in so many users deletes everything, beside bystanders."""
NEWCOMER_OF = 16
"""Beside one in so many users, a newcomer looks who has stored nothing."""


def relations_for(aliases: Collection[str]) -> tuple[Relation, ...]:
    """The relations between the names of a pair: those that name the run and that the target keeps apart."""
    return tuple(
        each
        for each in RELATIONS
        if not each.hostile
        and {each.a_type, each.b_type} == {"str"}
        and all("{base}" in form and "{n}" not in form for form in (each.a, each.b))
        and max(len(each.a), len(each.b)) <= _LONGEST_FORM
        and "\0" not in each.a
        and each.name not in aliases
    )


def _mixed(seed: int, index: int, use: int) -> int:
    """A number of 64 bits that looks random, from a seed, an index and what it is for (SplitMix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + use * 0x8CB92BA72F3D8DD7) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@dataclass(frozen=True)
class Population:
    """The users of one process's run: who they are, what they store and whom they probe.

    A user's name and canaries also depend on the run and on the attempt at its range, so that nothing of an
    earlier attempt is taken for its own. An index from `question.users` on is a newcomer's.
    """

    question: ScaleQuestion
    run_id: str
    mint: Mint
    relations: tuple[Relation, ...]

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        people = People(self.question.seed)
        return tuple(people.fact() for _ in range(_TEXTS))

    @cached_property
    def _asked(self) -> tuple[str, ...]:
        """Each text without its canary: what somebody else may know to ask for."""
        return tuple(text.replace("{canary}", "") for text in self._texts)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The templates of the names in turn; two in a row are of one pair."""
        return tuple(form for each in self.relations for form in (each.a, each.b))

    def relation(self, index: int) -> str:
        """How the names of a user and of the other one of the pair are related."""
        return self.relations[index % len(self.forms) // 2].name

    def span(self, attempt: int, first: int, count: int) -> Span:
        """The names of a range of users."""
        return Span(base=self._base(attempt), first=first, count=count, forms=self.forms)

    def _base(self, attempt: int) -> str:
        return f"iso-{self.run_id}-{_FIRST_ATTEMPT + attempt:02x}"

    def name(self, attempt: int, index: int) -> str:
        """A user's name."""
        return self.forms[index % len(self.forms)].replace("{base}", f"{self._base(attempt)}{index // 2:08x}")

    def spec(self, index: int, group: int) -> UserSpec:
        """A user as a plan names it; both of a pair have one group."""
        return UserSpec(template=self.forms[index % len(self.forms)], group=group)

    def number(self, attempt: int, index: int) -> UserNumber:
        """A user's number, which its canaries carry."""
        return UserNumber((_FIRST_ATTEMPT + attempt) << 32 | index)

    def whose(self, number: UserNumber) -> tuple[int, int] | None:
        """The attempt and the index of the user with a number; None if another plan of the run has it."""
        attempt = (number >> 32) - _FIRST_ATTEMPT
        return (attempt, number & 0xFFFFFFFF) if attempt >= 0 else None

    def size(self, index: int) -> int:
        """How many facts a user stores; with sizes by Zipf's law, s or more with a chance of 1 in s."""
        most = self.question.facts
        if self.question.sizes == "equal":
            return most
        return min(most, _MASK // (_mixed(self.question.seed, index, _SIZES) | 1))

    def _topic(self, index: int, fact: int) -> int:
        return _mixed(self.question.seed, index * 65_536 + fact, _FACT) % _TEXTS

    def template(self, index: int, fact: int) -> str:
        """A fact's text, with a place for its canary."""
        return self._texts[self._topic(index, fact % self.size(index))]

    def text(self, attempt: int, index: int, fact: int) -> str:
        """What a user stores."""
        token = self.mint.token(Canary(self.number(attempt, index), fact))
        return self.template(index, fact).replace("{canary}", token)

    def facts(self, index: int, *, again: bool = False) -> range:
        """The facts that a user stores at first, or again after having deleted everything."""
        size = self.size(index)
        return range(size, 2 * size) if again else range(size)

    def canaries(self, attempt: int, index: int, *, again: bool = False) -> frozenset[Canary]:
        """The canaries of these facts."""
        number = self.number(attempt, index)
        return frozenset(Canary(number, fact) for fact in self.facts(index, again=again))

    def asked_about(self, index: int) -> str:
        """The words of one of a user's facts, without the canary, which nobody else can know."""
        return self._asked[self._topic(index, self.chosen(index))]

    def chosen(self, index: int) -> int:
        """The fact of a user that searches are for."""
        return _mixed(self.question.seed, index, _TOPIC) % self.size(index)

    def stranger(self, index: int, among: int) -> int:
        """A user at random, of the first `among`, who is not this one."""
        other = _mixed(self.question.seed, index, _STRANGER) % max(1, among)
        return other if other != index else self.partner(index)

    def partner(self, index: int) -> int:
        """The other user of a pair with related names; of the last one without, the one before."""
        return index ^ 1 if index ^ 1 < self.question.users else index - 1

    def neighbour(self, index: int) -> int:
        """A user whose name differs in its last digit: of the next pair, or of the one before."""
        return index + 2 if index + 2 < self.question.users else max(0, index - 2)

    def probed(self, index: int) -> int:
        """Whom a user's probe is about: the pair's other one, a neighbour, or anybody who came before."""
        kind = index // 2 % 4
        if kind == 0:
            return self.partner(index)
        return self.neighbour(index) if kind == 1 else self.stranger(index, index)

    def deletes(self, index: int) -> bool:
        """Whether a user is of the sample that deletes everything: some, and one of each range at least."""
        return index % DELETED_OF == DELETED_OF // 7 or index % self.question.size == 1

    def newcomer(self, index: int) -> int | None:
        """The index of the newcomer who looks beside a user, if there is one."""
        return self.question.users + index if index % NEWCOMER_OF == 3 else None

    def decile(self, index: int) -> int:
        """The tenth of all users that a user comes in."""
        return index * DECILES // self.question.users
