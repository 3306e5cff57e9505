"""Words: one that only others have stored finds what one that nobody has stored finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from isolation_tests.model import FactSpec, Operation, Plan, Step
from isolation_tests.plans.cells import REOPEN, Cell, Material, add, delete_all, ordinary, search, settle

VIEWER, OTHER = 0, 1
WORDS = 4
"""How many words the other's fact has that the viewer asks for: more than are near to a text by chance."""
_FIRST, _LATER, _LAST, _FOREIGN, _NEW = range(5)
"""The facts: the viewer's three, the one with the words, and one that may take its place."""


def _kept(_: Material) -> list[Step]:
    """The other's fact stays."""
    return [add(VIEWER, _LATER)]


def _left(_: Material) -> list[Step]:
    """The other leaves, and the viewer's next row may take the place."""
    return [delete_all(OTHER), settle(OTHER, hold=True), add(VIEWER, _LATER)]


def _deleted(_: Material) -> list[Step]:
    delete = Step(op=Operation.DELETE, user=OTHER, fact=_FOREIGN)
    return [delete, settle(OTHER, hold=True), add(VIEWER, _LATER)]


def _updated(_: Material) -> list[Step]:
    update = Step(op=Operation.UPDATE, user=OTHER, fact=_NEW, replaces=_FOREIGN)
    return [update, settle(OTHER, hold=True), add(VIEWER, _LATER)]


def _both_left(_: Material) -> list[Step]:
    """Both leave, and the viewer comes back first."""
    away = [delete_all(OTHER), delete_all(VIEWER), settle(OTHER, hold=True), settle(VIEWER)]
    return [*away, add(VIEWER, _FIRST), add(VIEWER, _LATER)]


def _rewritten(_: Material) -> list[Step]:
    """The other leaves, and the viewer rewrites a row that was there before."""
    update = Step(op=Operation.UPDATE, user=VIEWER, fact=_LATER, replaces=_FIRST)
    return [delete_all(OTHER), settle(OTHER, hold=True), update]


def _same_key(_: Material) -> list[Step]:
    """The other leaves, and the viewer stores under the key that the other had."""
    return [delete_all(OTHER), settle(OTHER, hold=True), add(VIEWER, _LATER, key=_KEY)]


def _opened_again(material: Material) -> list[Step]:
    return [*_left(material), Step(op=Operation.REOPEN, user=VIEWER)]


_KEY = "{base}-label"
_SITUATIONS: dict[str, tuple[Callable[[Material], list[Step]], tuple[str, ...]]] = {
    "kept": (_kept, ()),
    "left": (_left, ()),
    "deleted": (_deleted, ("delete",)),
    "updated": (_updated, ("update",)),
    "both-left": (_both_left, ()),
    "rewritten": (_rewritten, ("update",)),
    "same-key": (_same_key, ("key",)),
    "reopened": (_opened_again, (REOPEN,)),
}


def _asked(words: Sequence[str]) -> list[Step]:
    return [search(VIEWER, query=word) for word in words]


def _plan(situation: str, material: Material) -> Plan:
    """The viewer asks for words before anybody has stored them, and again when another has, or had.

    Words that nobody ever stores are asked for around them, so that a search which always finds something, or
    finds by chance, shows.
    """
    act, needs = _SITUATIONS[situation]
    people = material.people
    made_up = [f"{{word{number}}}" for number in range(4 * WORDS)]
    foreign, unknown = made_up[:WORDS], made_up[WORDS:]
    key = {"key": _KEY} if situation == "same-key" else {}
    texts = [people.fact() for _ in range(3)]
    return Plan(
        name=f"words-{situation}",
        anomaly="S4",
        users=(ordinary(VIEWER), ordinary(OTHER)),
        facts=(
            *(FactSpec(text=text, owners=(VIEWER,)) for text in texts),
            FactSpec(text=people.fact_with(foreign), owners=(OTHER,)),
            FactSpec(text=people.fact(), owners=(OTHER,)),
        ),
        needs=needs,
        steps=(
            add(VIEWER, _FIRST),
            settle(VIEWER, _FIRST),
            *_asked((*foreign, *unknown[:WORDS])),
            add(OTHER, _FOREIGN, **key),
            settle(OTHER, _FOREIGN),
            *act(material),
            add(VIEWER, _LAST),
            settle(VIEWER, _LAST),
            *_asked((*unknown[WORDS : 2 * WORDS], *foreign, *unknown[2 * WORDS :], *foreign, *unknown)),
        ),
    )


WORD_CELLS = [
    Cell(f"S4-words-{name}", "S4", partial(_plan, name), quick=name == "left", needs=needs)
    for name, (_, needs) in _SITUATIONS.items()
]
