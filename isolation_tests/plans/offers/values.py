"""Every value that a call is asked with, once: blank and odd texts, filters, links, ids, queries and limits.

What one value alone sets off shows here on every run, and not only where a drawn plan comes upon it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import Any

from isolation_tests.model import Plan, Step
from isolation_tests.plans.cells import TOPIC, Cell, Material, Offer, add, list_all, ordinary, settle
from isolation_tests.plans.offers.moves import CHOICES, MAY_SHOW, NEWCOMER, WRITERS, Choice, Draft, look

_MOST = 16
"""A longer list is not one of values, but of what the users have stored so far."""


@dataclass
class _Bags:
    """Gives every value of each draw of a move once, in random order, before it gives any again.

    Draws are told apart by their place in the move. left: the values that are still to come, by place.
    """

    random: Random
    left: dict[int, list[int]] = field(default_factory=dict)
    emptied: set[int] = field(default_factory=set)
    place: Iterator[int] = field(default_factory=count)

    def choose(self, values: Sequence[Any]) -> Any:
        """The next value."""
        if len(values) > _MOST:
            return self.random.choice(values)
        place = next(self.place)
        bag = self.left.setdefault(place, [])
        if not bag:
            bag += self.random.sample(range(len(values)), len(values))
        number = bag.pop()
        if not bag:
            self.emptied.add(place)
        return values[number % len(values)]


def _plan(material: Material, *, reads: bool, wide: bool = False) -> Plan:
    """Every move with all of its values; after each, its user and another one look."""
    offer = Offer(
        material.capabilities, material.owner_keys, destructive=False, shared=not material.disposable
    )
    random = Random(material.seed)  # noqa: S311 - values, not secrets
    draft = Draft(random.choice, offer, material.people)
    tagged = {"metadata": dict(TOPIC)} if draft.offers("metadata") else {}
    for user in range(WRITERS):
        draft.steps += [add(user, draft.fact(user), **tagged), settle(user, draft.own(user), limit=1)]
    for choice in CHOICES:
        fits = offer.capabilities.issuperset(choice.needs) and not choice.plain
        if fits and (choice.reads, choice.wide) == (reads, wide):
            draft.steps += _with_all_values(draft, choice, random)
    for user in (*draft.written, NEWCOMER):
        look(draft, user)
    return Plan(
        name=f"values-{'removed' if wide else 'read' if reads else 'written'}",
        anomaly="S1",
        users=tuple(ordinary(number) for number in range(NEWCOMER + 1)),
        facts=tuple(draft.facts),
        steps=tuple(draft.steps),
    )


def _with_all_values(draft: Draft, choice: Choice, random: Random) -> Iterator[Step]:
    """The move again and again, by all writers in turn, until it was made with each of its values."""
    bags = _Bags(random)
    for time in range(1 if choice.many else _MOST):
        user = time % WRITERS
        bags.place = count()
        draft.choose = bags.choose
        yield from choice.move(draft, user)
        yield from (list_all(user), list_all((user + 1) % WRITERS))
        if bags.emptied >= bags.left.keys():
            break
    draft.choose = random.choice


VALUE_CELLS = [
    Cell("written", "S1", partial(_plan, reads=False), also=MAY_SHOW),
    Cell("read", "S1", partial(_plan, reads=True), also=MAY_SHOW),
    Cell("removed", "D1", partial(_plan, reads=False, wide=True), needs=("delete",), also=MAY_SHOW),
]
