"""Every two values of a call together: which call, with what, by a user in which state, beside whom.

A covering design chooses few calls in which every such pair occurs, or every three values if more is asked.
Each is made by a user of its own, who was brought into the state before; at the end, everybody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

from isolation_tests.coverage import calls as kinds
from isolation_tests.coverage.calls import Call
from isolation_tests.coverage.design import covering
from isolation_tests.coverage.space import is_asked_once, possible
from isolation_tests.model import Operation, Plan, Step
from isolation_tests.plans.cells import (
    OVERLAP,
    REOPEN,
    TOPIC,
    Cell,
    Material,
    Offer,
    add,
    delete_all,
    list_all,
    ordinary,
    search,
    settle,
)
from isolation_tests.plans.offers.moves import (
    ABSENT_KEY,
    BLANKS,
    MAY_SHOW,
    REFERENCES,
    SHARED_KEY,
    VALUES,
    Draft,
    ask_oddly,
    look,
)

_PARTS = 3
"""In how many plans the calls of each kind of overlap are asked."""
_BYSTANDER = 0
"""Who has facts from the start, and writes between the others' calls."""


def askable(capabilities: frozenset[str], *, disposable: bool) -> tuple[Call, ...]:
    """All calls that plans of this kind can ask of a target."""
    calls = possible(capabilities, disposable=disposable)
    return tuple(call for call in calls if not is_asked_once(call))


def design(material: Material) -> tuple[Call, ...]:
    """Those of them that are asked, because every pair of values occurs in these few."""
    return covering(askable(material.capabilities, disposable=material.disposable), material.ways)


def _plan(part: int, overlap: str, material: Material) -> Plan:
    """One of the parts of all the calls that overlap in one way."""
    own = material.disposable
    offer = Offer(material.capabilities, material.owner_keys, destructive=own, shared=not own)
    draft = Draft(Random(material.seed).choice, offer, material.people)  # noqa: S311 - values, not secrets
    scenes = Scenes(draft)
    draft.steps += [*_stored(draft, _BYSTANDER), *_stored(draft, scenes.arrive())]
    calls = [call for call in design(material) if call.overlap == overlap]
    scenes.play(calls[part::_PARTS], reopens=overlap == kinds.REOPENED)
    newcomer = scenes.arrive()
    for user in range(newcomer + 1):
        look(draft, user)
    return Plan(
        name=f"every-pair-{overlap.replace(' ', '-')}",
        anomaly=_ANOMALIES[overlap],
        users=tuple(ordinary(number) for number in range(newcomer + 1)),
        facts=tuple(draft.facts),
        steps=tuple(draft.steps),
        needs=_NEEDS[overlap],
    )


class Scenes:
    """Adds the calls to a plan, each by a user of its own. last: the last of the users that a plan has."""

    def __init__(self, draft: Draft, last: int = _BYSTANDER) -> None:
        self._draft = draft
        self.last = last

    def arrive(self) -> int:
        """A user whom nobody has seen before."""
        self.last += 1
        return self.last

    def play(self, calls: Sequence[Call], *, reopens: bool = False) -> None:
        """Prepare and make each call; where they come after reopening, prepare all of them first."""
        if not reopens:
            for call in calls:
                self._make(call, self._prepare(call.user, storing=call.call == Operation.ADD))
            return
        ready = [(call, self._prepare(call.user, storing=False)) for call in calls]
        self._draft.steps += [settle(user) for user in self._draft.written]
        self._draft.steps.append(Step(op=Operation.REOPEN, user=_BYSTANDER))
        for call, actor in ready:
            self._interpose()
            self._make(call, actor)

    def _interpose(self) -> None:
        """A write in between, so that only a successor comes right after one who left."""
        self._draft.steps.append(add(_BYSTANDER, self._draft.fact(_BYSTANDER)))

    def _prepare(self, state: str, *, storing: bool) -> int:
        """Bring a user into the state, as far as the call itself does not; return the user."""
        self._interpose()
        draft, user = self._draft, self.arrive()
        if state == kinds.SUCCESSOR:
            leaver, user = user, self.arrive()
            draft.steps += [*_stored(draft, leaver), delete_all(leaver)]
            draft.steps += [] if storing else _stored(draft, user)
        if state in (kinds.HAS_FACTS, kinds.HAS_DELETED, kinds.CAME_BACK):
            draft.steps += _stored(draft, user)
        if state == kinds.HAS_DELETED:
            draft.steps += _stored(draft, user)
            first = draft.written[user][0]
            one = draft.offers("delete")
            draft.steps.append(Step(op=Operation.DELETE, user=user, fact=first) if one else delete_all(user))
        if state == kinds.CAME_BACK:
            draft.steps += [delete_all(user), *_stored(draft, user)]
        return user

    def _make(self, call: Call, actor: int) -> None:
        """The call, beside the bystander's if they overlap; then both look."""
        draft = self._draft
        step = _MAKERS[call.call](draft, actor, call.value)
        if call.overlap == kinds.OVERLAPPING:
            draft.steps += [
                list_all(_BYSTANDER, lane=0),
                add(_BYSTANDER, draft.fact(_BYSTANDER), lane=0),
                step.model_copy(update={"lane": 1}),
            ]
        else:
            draft.steps.append(step)
        # At once, before anybody else deletes: what is missing now was lost by this call.
        draft.steps.append(settle(actor) if actor in draft.written else list_all(actor))
        draft.steps.append(list_all(_BYSTANDER))
        if call.user == kinds.NEW and call.call != Operation.ADD:
            draft.steps += _stored(draft, actor)


def _stored(draft: Draft, user: int) -> list[Step]:
    return [add(user, draft.fact(user)), settle(user)]


def _foreign_text(draft: Draft) -> str:
    """A text of the bystander's, none of which is odd."""
    return draft.facts[draft.written[_BYSTANDER][-1]].text


def _added(draft: Draft, user: int, value: str) -> Step:
    """The user stores something of this kind."""
    if value == kinds.EMPTY_TEXT:
        return Step(op=Operation.ADD, user=user, text=draft.choose(BLANKS), odd=True)
    if value == kinds.ODD_TEXT:
        return add(user, draft.odd_fact(user), odd=True)
    if value == kinds.FOREIGN_TEXT:
        return add(user, draft.fact(user, _foreign_text(draft)))
    foreign = draft.foreign(user)
    more: dict[str, Any] = {
        kinds.METADATA: {"metadata": dict(TOPIC)},
        kinds.LINK: {"metadata": {draft.choose(REFERENCES): f"~{foreign}"}, "odd": True},
        kinds.OWN_KEY: {"key": f"{SHARED_KEY}-{{base}}"},
    }
    return add(user, draft.fact(user), **more.get(value, {}))


def _replaced(draft: Draft, user: int, value: str) -> Step:
    old = draft.own(user)
    if value == kinds.EMPTY_TEXT:
        return Step(op=Operation.UPDATE, user=user, replaces=old, text=draft.choose(BLANKS), odd=True)
    odd = value == kinds.ODD_TEXT
    new = draft.odd_fact(user) if odd else draft.fact(user)
    absent = value == kinds.UNKNOWN_ID
    return Step(op=Operation.UPDATE, user=user, fact=new, replaces=old, odd=odd, absent=absent)


def _searched(draft: Draft, user: int, value: str) -> Step:
    """A user without facts asks for something that nobody has stored."""
    own = draft.written.get(user)
    plain = (
        search(user, own[-1], odd=own[-1] in draft.odd)
        if own
        else search(user, query=draft.people.neutral_query())
    )
    special = {
        kinds.FOREIGN_TEXT: search(user, query=_foreign_text(draft).replace("{canary}", "")),
        kinds.ODD_QUERY: ask_oddly(draft, user)[0],
        kinds.SMALL_LIMIT: plain.model_copy(update={"limit": draft.choose((1, 3, 5))}),
    }
    return special.get(value) or _filtered(draft, plain, value)


def _listed(draft: Draft, user: int, value: str) -> Step:
    return _filtered(draft, list_all(user), value)


def _filtered(draft: Draft, read: Step, value: str) -> Step:
    """The read with a filter of this kind; without one if it is no kind of filter."""
    odd: dict[str, Any] = {draft.choose(("topic", ABSENT_KEY)): draft.choose(VALUES)}
    filters: dict[str, dict[str, Any]] = {
        kinds.FILTER: dict(TOPIC),
        kinds.EMPTY_FILTER: {},
        kinds.ODD_FILTER: odd,
        kinds.FOREIGN_NAME: {draft.choose(draft.offer.owner_keys or ("user",)): f"@{_BYSTANDER}"},
    }
    if value not in filters:
        return read
    return read.model_copy(update={"filters": filters[value], "odd": value != kinds.FILTER})


def _by_id(op: Operation) -> Callable[[Draft, int, str], Step]:
    """A call by an own id; by another's, or a form of it, where the value asks for it or nothing is own."""

    def make(draft: Draft, user: int, value: str) -> Step:
        foreign = value == kinds.FOREIGN_ID or user not in draft.written
        fact = draft.foreign(user) if foreign else draft.own(user)
        odd, absent = value == kinds.ODD_ID, value == kinds.UNKNOWN_ID
        form = draft.odd_id() if odd else None
        return Step(op=op, user=user, fact=fact, id_form=form, odd=odd, absent=absent)

    return make


def _plainly(op: Operation) -> Callable[[Draft, int, str], Step]:
    return lambda _, user, __: Step(op=op, user=user)


_MAKERS: dict[str, Callable[[Draft, int, str], Step]] = {
    "add": _added,
    "update": _replaced,
    "search": _searched,
    "get_all": _listed,
    **{op.value: _by_id(op) for op in (Operation.GET, Operation.HISTORY, Operation.DELETE)},
    **{
        op.value: _plainly(op)
        for op in (
            Operation.DELETE_ALL,
            Operation.COUNT,
            Operation.EXPORT,
            Operation.PAGE,
            Operation.MAINTAIN,
        )
    },
}
_NEEDS: dict[str, tuple[str, ...]] = {
    kinds.ALONE: (),
    kinds.OVERLAPPING: (OVERLAP,),
    kinds.REOPENED: (REOPEN,),
}
_ANOMALIES = {kinds.ALONE: "S1", kinds.OVERLAPPING: "C1", kinds.REOPENED: "D4"}
EVERY_PAIR_CELLS = [
    Cell(
        f"{overlap.replace(' ', '-')}-{part + 1}",
        _ANOMALIES[overlap],
        partial(_plan, part, overlap),
        quick=False,
        needs=needs,
        also=MAY_SHOW,
    )
    for overlap, needs in _NEEDS.items()
    for part in range(_PARTS)
]
