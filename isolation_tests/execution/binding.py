"""Binds a plan to fresh names: who its users are in this run, and with what each step's call is made."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from isolation_tests.execution.journal import Journal
from isolation_tests.model import (
    BY_ID,
    WORD,
    BoundUser,
    Operation,
    Plan,
    Step,
    UserNumber,
    UserSpec,
    reference,
)
from isolation_tests.model.world import World
from isolation_tests.testdata.canaries import Canary, Mint
from isolation_tests.testdata.facts import made_up_word
from isolation_tests.testdata.relations import bind as bind_name

Arguments = tuple[list[Any], dict[str, Any]]
"""A call's positional arguments after the user, and those by keyword."""
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COUNTED_DIGITS = 10
_SURE_DIGITS, _SURE_LETTERS = 19, 16
"""How long the random part of an id is that misses every other: one of 10 to the 13 has it by chance."""


@dataclass
class Lease:
    """A worker's supply of fresh names: `iso-<run>-<n>`, of one length, so that none prefixes another.

    run_id: short text shared by all workers. worker: 0..255, part of every name and canary. journal: where
    names are recorded; None records nothing.
    """

    run_id: str
    worker: int
    mint: Mint
    journal: Journal | None = None
    halted: bool = False
    """Whether this worker must not write or delete any more."""
    ids: set[str] = field(default_factory=set)
    """The ids of memories that the run's users were given, and those that are surely nobody's."""
    _counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def base(self) -> tuple[str, int]:
        """A fresh base name and a fresh number that carries the run and the worker too."""
        n = next(self._counter)
        return f"{self._prefix}{self.worker:02x}{n:06x}", int(f"{self._digits}{n:06d}")

    @property
    def _prefix(self) -> str:
        return f"iso-{self.run_id}-"

    @property
    def _digits(self) -> str:
        """What every number of this worker begins with."""
        run_number = int(hashlib.sha256(self.run_id.encode()).hexdigest()[:8], 16) % 900_000 + 100_000
        return f"{run_number}{self.worker:03d}"

    def made(self, name: object) -> bool:
        """Whether a name carries the run's id, or the nine digits that only this worker's numbers have."""
        if isinstance(name, bool) or not isinstance(name, str | int | float):
            return False
        return self._prefix in str(name) or self._digits in str(name)

    def addresses_own(self, id: object) -> bool:
        """Whether an id is one that the run was given or drew, or such a one with punctuation around it."""
        text = str(id)
        if text in self.ids:
            return True
        within = (known for known in self.ids if known in text)
        around = (re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", "", text) for known in within)
        return any(re.search(r"\w", rest) is None for rest in around)

    def halt(self) -> None:
        """From now on, this worker writes and deletes nothing; nobody cleans up after the run by himself."""
        self.halted = True
        if self.journal is not None:
            self.journal.halt()

    def record(self, names: Iterable[Any]) -> None:
        """Write names to the journal, before their first use; raises `JournalProblem` if that fails."""
        if self.journal is not None:
            self.journal.lease(names)

    def release(self, names: Iterable[Any]) -> None:
        """Write to the journal that nothing is stored under these names any more."""
        if self.journal is not None:
            self.journal.done(names)

    def number(self) -> UserNumber:
        """A user number that is unique in the run; it is part of the user's canaries."""
        return UserNumber((self.worker << 32) | next(self._counter))


@dataclass(frozen=True, slots=True)
class Binding:
    """A plan's translation into one run: who its users are, and what its facts and queries say.

    fresh: the first user's fresh number, which is in every key: somebody's memory in a store that takes all
    users' keys for one could have a key without it.
    """

    plan: Plan
    users: tuple[BoundUser, ...]
    mint: Mint
    fresh: int
    ids: set[str] = field(default_factory=set)
    disposable: bool = True

    def canary(self, fact: int) -> str:
        """The text that marks a fact as its first owner's."""
        owner = self.users[self.plan.facts[fact].owners[0]]
        return self.mint.token(Canary(owner.number, fact))

    def text(self, fact: int) -> str:
        """What is written for a fact, its canary within."""
        return self.worded(self.plan.facts[fact].text).replace("{canary}", self.canary(fact))

    def worded(self, text: str) -> str:
        """The text with the made-up words of this run; what an earlier one has left behind has others."""
        return WORD.sub(lambda found: made_up_word(f"{self.fresh} {found[1]}"), text)

    def query(self, step: Step) -> str:
        """What a search asks for; nobody asks with a foreign canary, which a system may well echo."""
        if step.query is not None:
            return self.worded(step.query)
        fact = step.fact or 0
        if step.user in self.plan.facts[fact].owners:
            return self.text(fact)
        return self.worded(self.plan.facts[fact].text).replace("{canary}", "")

    def fill(self, value: Any, ids: Callable[[int], str | None]) -> Any:
        """Replace "@1" by user 1's name, "#0" by fact 0's canary and "~0" by its id, anywhere in a value.

        ids: gives the id of a fact. Raises `LookupError` for a fact that has none yet.
        """
        if isinstance(value, dict):
            return {key: self.fill(inner, ids) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(inner, ids) for inner in value]
        if (named := reference(value)) is None:
            return value
        kind, index = named
        if kind == "~":
            if (known := ids(index)) is None:
                raise LookupError(f"fact {index} has no id yet")
            return known
        return self.users[index].name if kind == "@" else self.canary(index)

    def written(self, step: Step) -> str:
        """What an add or an update stores."""
        return self.text(step.fact or 0) if step.text is None else step.text

    def arguments(
        self, number: int, step: Step, world: World, cursors: Mapping[int, str]
    ) -> Arguments | None:
        """The call's arguments after the user; None where an earlier refusal leaves nothing to call with.

        world: knows the ids that users were given. cursors: by the step whose answer they came with.
        """
        try:
            keywords = self._keywords(step, world)
        except LookupError:
            return None
        if step.op in BY_ID:
            wanted = self._id(number, step, world)
            texts = [self.written(step)] if step.op is Operation.UPDATE else []
            return None if wanted is None else ([wanted, *texts], keywords)
        if step.op is Operation.PAGE and step.cursor is not None:
            return ([cursors[step.cursor]], keywords) if step.cursor in cursors else None
        return self._positional(step), keywords

    def _keywords(self, step: Step, world: World) -> dict[str, Any]:
        """The keywords of a call; raises `LookupError` where they name a fact that was never stored."""
        keywords: dict[str, Any] = {"limit": step.limit} if step.op is Operation.SEARCH else {}
        if step.op is Operation.ADD and step.key is not None:
            keywords["key"] = step.key.replace("{base}", str(self.fresh))
        for name in ("metadata", "filters"):
            if getattr(step, name) is not None:
                keywords[name] = self.fill(getattr(step, name), partial(world.id_of, step.user))
        return keywords

    def _positional(self, step: Step) -> list[Any]:
        """The arguments after the user, of a call that goes by no id and by no cursor."""
        if step.op is Operation.ADD:
            return [self.written(step)]
        if step.op is Operation.SEARCH:
            return [self.query(step)]
        if step.op is Operation.INTRUDE and step.victim is not None:
            return [self.users[step.victim].name, step.how]
        return [None] if step.op is Operation.PAGE else []

    def _id(self, number: int, step: Step, world: World) -> str | None:
        """The id with which a by-id call is made; None where the fact was never stored."""
        real = world.id_of(step.user, step.fact if step.replaces is None else step.replaces)
        if real is None:
            return None
        if step.id_form is not None:
            return step.id_form.replace("{id}", real)
        return self._nobodys(real, self.users[step.user].number + number) if step.absent else real

    def _nobodys(self, real: str, seed: int) -> str | None:
        """An id that no memory has; None where a store of strangers may have any of its shape."""
        drawn = look_alike(real, seed) if self.disposable else surely_nobodys(real, seed)
        if drawn is not None:
            self.ids.add(drawn)
        return drawn


def bind(
    plan: Plan, lease: Lease, usual: Mapping[str, Any] | None = None, *, disposable: bool = True
) -> Binding:
    """Give every user of a plan a name and a number that nobody had before.

    usual: the values of further axes for users of whom the plan says none; None if there are no such axes.
    disposable: the store holds nobody else's memories.
    """
    values = [each for user in plan.users for each in (user.scope or {}).values() if each is not None]
    bases = {group: lease.base() for group in sorted({each.group for each in (*plan.users, *values)})}
    users = tuple(
        BoundUser(
            number=lease.number(),
            name=bind_name(user, *bases[user.group]),
            type=user.type,
            scope=_bound_scope(user, bases, usual),
        )
        for user in plan.users
    )
    return Binding(plan, users, lease.mint, bases[plan.users[0].group][1], lease.ids, disposable)


def _bound_scope(
    user: UserSpec, bases: Mapping[int, tuple[str, int]], usual: Mapping[str, Any] | None
) -> dict[str, object] | None:
    """The values of further axes that calls of this user pass; None if there are no such axes."""
    if user.scope is None:
        return None if usual is None else dict(usual)
    given = ((axis, spec) for axis, spec in user.scope.items() if spec is not None)
    return {axis: bind_name(spec, *bases[spec.group]) for axis, spec in given}


def look_alike(real: str, seed: int) -> str:
    """A random id of the same shape that misses every existing one: only the id's last part is drawn anew.

    Digits stay digits, hex stays hex, letters stay letters that any common alphabet of ids has.
    """
    chance = random.Random(f"{seed}{real}")  # noqa: S311 - only has to miss existing ids
    if (place := _last_part(real)) is None:
        return f"{real}7"
    start, end = place
    drawn = _drawn_part(real[start:end], chance)
    return real[:start] + drawn + real[end:]


def surely_nobodys(real: str, seed: int) -> str | None:
    """As `look_alike`, an id that misses whatever there is, also where others' memories are, or None.

    So much of it has to be left to chance. A part that is too short is drawn longer; where all of the id is a
    number, for which a longer one may be an error, there is none.
    """
    if (place := _last_part(real)) is None:
        return None
    start, end = place
    part = real[start:end]
    enough = _SURE_DIGITS if part.isdigit() else _SURE_LETTERS
    if len(part) >= enough:
        return look_alike(real, seed)
    longer = real[:start] + (part * enough)[:enough] + real[end:]
    return None if real.isdigit() else look_alike(longer, seed)


def _last_part(id: str) -> tuple[int, int] | None:
    """Where the part of an id begins and ends that is drawn anew."""
    matches = [*UUID.finditer(id)] or [*re.finditer(r"[0-9A-Za-z]+", id)]
    return matches[-1].span() if matches else None


def _drawn_part(part: str, chance: random.Random) -> str:
    hexadecimal = not part.isdigit() and re.fullmatch(r"[0-9a-f-]+|[0-9A-F-]+", part) is not None
    if part.isdigit() and len(part) < _COUNTED_DIGITS:
        # A counter: far above what any store has reached, and still a 32-bit number.
        return "20" + _draw("0123456789", 8, chance)
    keep = {14, 19} if "-" in part else set(range(2)) if len(part) >= _COUNTED_DIGITS else set[int]()
    drawn = "".join(c if i in keep else _other(c, chance, hexadecimal) for i, c in enumerate(part))
    return drawn if drawn != part else drawn + drawn[-1]


def _other(char: str, chance: random.Random, hexadecimal: bool) -> str:  # noqa: FBT001
    if char == "-":
        return char
    if hexadecimal:
        return _draw("0123456789ABCDEF" if char.isupper() else "0123456789abcdef", 1, chance)
    if char.isdigit():
        return _draw("234567", 1, chance)
    letters = "ABCDEFGHJKMNPQRSTVWXYZ"
    return _draw(letters if char.isupper() else letters.lower(), 1, chance)


def _draw(alphabet: str, count: int, chance: random.Random) -> str:
    return "".join(chance.choice(alphabet) for _ in range(count))
