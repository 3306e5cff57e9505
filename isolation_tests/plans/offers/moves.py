"""Moves: what one user can do with all that an adapter offers, with ordinary and odd values.

A move is one call, or a few that only make sense together. None changes a memory by another user's id, and
none names an owner in metadata: laws of their own ask that, and after such a call nobody can tell who lost
what to whom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.model import BY_ID, FactSpec, Operation, Step
from isolation_tests.plans.cells import TOPIC, Offer, add, delete_all, list_all, search, settle
from isolation_tests.testdata.facts import People

WRITERS, SUCCESSOR, NEWCOMER = 3, 3, 4
"""How many users write from the start; who comes when another leaves; who stores nothing and only looks."""
BULK = 12
"""More than a page of ten."""
LIMITS = (1, 3, 5, 100)
WAIT_SECONDS = 0.02

SHARED_KEY = "note"
BLANKS = ("", " ", "\t\n", "\u00a0", "...", "?!", "\x00", "\u200b")
"""Texts in which there is nothing to find."""
AROUND = (
    "{}\x00",
    "{}\u200b\u202e",
    "\r\n{}\r\n",
    "'; -- {}",
    "<b>{}</b>",
    "%s{}%",
    "{} " + "lorem ipsum " * 400,
)
"""What surrounds a canary in an odd text."""
IDS = (
    "",
    " ",
    "*",
    "%",
    "null",
    "None",
    "0",
    "-1",
    "../{id}",
    "{id}/",
    "{id} ",
    "{id}%",
    "{id},{id}",
    "{id}'--",
)
NOBODYS_IDS = tuple(form for form in IDS if "{id}" in form or not any(map(str.isalnum, form)))
"""Those of them that are no memory's of somebody outside the run."""
QUERIES = ("", " ", "*", "%", '"', "NOT", "x OR {}", "{} OR x", '"{}"', "{}*", "NOT x {}", "\x00")
"""What is searched for; `{}` is a word of another user's memory."""
ABSENT_KEY = "nobody_has_this"
"""A key of metadata that nobody uses; many systems take no others than such plain ones."""
VALUES: tuple[Any, ...] = (None, "", [], {}, False, "*", "%", 0)
REFERENCES = ("links", "parent_id", "related", "ref", "source", "reply_to", "memory_id", "id")


@dataclass
class Draft:
    """A plan in the making.

    choose: chooses one of several values, the first of which is the simplest. written: by user, the facts
    that the user stored. odd: the facts whose text is odd, so that a search for it is odd too.
    """

    choose: Callable[[Sequence[Any]], Any]
    offer: Offer
    people: People
    facts: list[FactSpec] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    written: dict[int, list[int]] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)

    def fact(self, user: int, text: str | None = None) -> int:
        """A new fact of the user."""
        self.facts.append(FactSpec(text=text or self.people.fact(), owners=(user,)))
        self.written.setdefault(user, []).append(len(self.facts) - 1)
        return len(self.facts) - 1

    def odd_fact(self, user: int) -> int:
        """A new fact of the user whose canary stands in an odd text."""
        fact = self.fact(user, self.choose(AROUND).replace("{}", "{canary} kept"))
        self.odd.add(fact)
        return fact

    def own(self, user: int) -> int:
        """One of the user's facts, the latest first."""
        return int(self.choose(self.written[user][::-1]))

    def foreign(self, user: int) -> int:
        """One of the others' facts."""
        return int(
            self.choose([fact for other, facts in self.written.items() if other != user for fact in facts])
        )

    def odd_id(self) -> str:
        """A form of an id; in a store of strangers, one that is nobody's."""
        return str(self.choose(NOBODYS_IDS if self.offer.shared else IDS))

    def offers(self, *names: str) -> bool:
        """Whether the target has all of these capabilities."""
        return self.offer.capabilities.issuperset(names)


Move = Callable[[Draft, int], Sequence[Step]]
"""What a user does: draws what it needs and gives the steps."""


def _store(draft: Draft, user: int) -> Sequence[Step]:
    return [add(user, draft.fact(user))]


def _store_keyed(draft: Draft, user: int) -> Sequence[Step]:
    """A key that every user of the plan uses, each for a memory of their own."""
    return [add(user, draft.fact(user), key=f"{SHARED_KEY}-{{base}}")]


def _store_tagged(draft: Draft, user: int) -> Sequence[Step]:
    """Metadata that all users share, and a note that only this memory has."""
    fact = draft.fact(user)
    return [add(user, fact, metadata={**TOPIC, "note": f"#{fact}"})]


def store_linked(draft: Draft, user: int) -> Sequence[Step]:
    """Metadata that names another user's memory under a usual key, as a text and in a list."""
    foreign, key = f"~{draft.foreign(user)}", draft.choose(REFERENCES)
    return [add(user, draft.fact(user), metadata={key: link}, odd=True) for link in (foreign, [foreign])]


def _store_blank(draft: Draft, user: int) -> Sequence[Step]:
    return [Step(op=Operation.ADD, user=user, text=draft.choose(BLANKS), odd=True)]


def _store_odd(draft: Draft, user: int) -> Sequence[Step]:
    return [add(user, draft.odd_fact(user), odd=True)]


def store_near(draft: Draft, user: int) -> Sequence[Step]:
    """A text that differs from another user's by its canary only."""
    near = draft.foreign(user)
    fact = draft.fact(user, draft.facts[near].text)
    draft.odd |= {fact} if near in draft.odd else set()
    return [add(user, fact, odd=near in draft.odd)]


def _store_many(draft: Draft, user: int) -> Sequence[Step]:
    return [add(user, draft.fact(user)) for _ in range(BULK)]


def _replace(draft: Draft, user: int) -> Sequence[Step]:
    old = draft.own(user)
    return [Step(op=Operation.UPDATE, user=user, fact=draft.fact(user), replaces=old)]


def _replace_blank(draft: Draft, user: int) -> Sequence[Step]:
    old = draft.own(user)
    return [Step(op=Operation.UPDATE, user=user, replaces=old, text=draft.choose(BLANKS), odd=True)]


def _remove(draft: Draft, user: int) -> Sequence[Step]:
    return [Step(op=Operation.DELETE, user=user, fact=draft.own(user))]


def _remove_odd(draft: Draft, user: int) -> Sequence[Step]:
    fact = draft.own(user)
    return [Step(op=Operation.DELETE, user=user, fact=fact, id_form=draft.choose(IDS), odd=True)]


def _remove_each(draft: Draft, user: int) -> Sequence[Step]:
    """All own memories, one by one."""
    return [Step(op=Operation.DELETE, user=user, fact=fact) for fact in draft.written[user]]


def _remove_all(_: Draft, user: int) -> Sequence[Step]:
    return [delete_all(user)]


def _bring_back(draft: Draft, user: int) -> Sequence[Step]:
    """A memory that is found, deleted, stored again with the same text, and searched with the same limit."""
    fact, limit = draft.own(user), draft.choose(LIMITS)
    one = [Step(op=Operation.DELETE, user=user, fact=fact)] if draft.offers("delete") else [delete_all(user)]
    found = settle(user, fact, limit=limit, odd=fact in draft.odd)
    return [found, *one, add(user, fact), found]


def _come_back(draft: Draft, user: int) -> Sequence[Step]:
    """A user who left entirely comes back under the same name."""
    return [delete_all(user), add(user, draft.fact(user))]


def leave_to_successor(draft: Draft, user: int) -> Sequence[Step]:
    """A user leaves, and one who was never seen before comes right after."""
    return [delete_all(user), add(SUCCESSOR, draft.fact(SUCCESSOR))]


def _ask(draft: Draft, user: int) -> Sequence[Step]:
    fact = draft.own(user)
    return [search(user, fact, limit=draft.choose(LIMITS), odd=fact in draft.odd)]


def _ask_for_foreign(draft: Draft, user: int) -> Sequence[Step]:
    return [for_foreign(draft, user, draft.choose(LIMITS))]


def for_foreign(draft: Draft, user: int, limit: int) -> Step:
    """A search for another user's text, without the canary, which a system may well echo."""
    fact = draft.foreign(user)
    text = draft.facts[fact].text.replace("{canary}", "")
    return search(user, query=text, limit=limit, odd=fact in draft.odd)


def ask_oddly(draft: Draft, user: int) -> Sequence[Step]:
    """A query that means something to a system's search."""
    words = draft.facts[draft.foreign(user)].text.replace("{canary}", " ").split()
    return [search(user, query=draft.choose(QUERIES).replace("{}", max(words, key=len)), odd=True)]


def _ask_by_topic(draft: Draft, user: int) -> Sequence[Step]:
    """The filter that everybody uses."""
    read = draft.choose([list_all(user), search(user, draft.own(user))])
    return [read.model_copy(update={"filters": dict(TOPIC)})]


def _ask_filtered(draft: Draft, user: int) -> Sequence[Step]:
    """In both reads: a filter without a value, of a key that nobody has, or of another user."""
    other = draft.choose([one for one in range(WRITERS) if one != user])
    keys = (ABSENT_KEY, *draft.offer.owner_keys[:2])
    filters: dict[str, Any] = draft.choose(
        [
            {},
            *({"topic": value} for value in VALUES),
            *({key: None} for key in keys),
            {draft.choose(keys): draft.choose(VALUES)},
            {**TOPIC, draft.choose(keys): f"@{other}"},
            {**TOPIC, ABSENT_KEY: None},
        ]
    )
    reads = (list_all(user), search(user, draft.own(user)))
    return [read.model_copy(update={"filters": filters, "odd": True}) for read in reads]


def _list(_: Draft, user: int) -> Sequence[Step]:
    return [list_all(user)]


def _reading_own(op: Operation) -> Move:
    return lambda draft, user: [Step(op=op, user=user, fact=draft.own(user))]


def _reading(op: Operation) -> Move:
    return lambda _, user: [Step(op=op, user=user)]


def _read_foreign(draft: Draft, user: int) -> Sequence[Step]:
    op = Operation(draft.choose([way for way in ("get", "history") if draft.offers(way)]))
    return [Step(op=op, user=user, fact=draft.foreign(user))]


def _read_odd(draft: Draft, user: int) -> Sequence[Step]:
    form = draft.odd_id()
    return [
        Step(op=Operation.GET, user=user, fact=fact, id_form=form, odd=True)
        for fact in (draft.own(user), draft.foreign(user))
    ]


def _tidy(_: Draft, user: int) -> Sequence[Step]:
    return [Step(op=Operation.MAINTAIN, user=user)]


def _wait(_: Draft, user: int) -> Sequence[Step]:
    return [list_all(user, pause=WAIT_SECONDS)]


@dataclass(frozen=True, slots=True)
class Choice:
    """A move with the capabilities that it needs.

    plain: whether it is one ordinary call. reads: whether it reads, or writes what waits. wide: whether it
    may reach everybody by what it is meant to do. many: whether it makes many calls.
    """

    move: Move
    needs: tuple[str, ...] = ()
    plain: bool = False
    reads: bool = False
    wide: bool = False
    many: bool = False


CHOICES = (
    Choice(_store, plain=True),
    Choice(_list, reads=True, plain=True),
    Choice(_ask, reads=True, plain=True),
    Choice(_ask_for_foreign, reads=True),
    Choice(_ask_by_topic, ("filters",), reads=True),
    Choice(_ask_filtered, ("filters",), reads=True),
    Choice(_remove_all, plain=True),
    Choice(_remove, ("delete",), plain=True),
    Choice(_replace, ("update",), plain=True),
    *(
        Choice(_reading(op), (op.value,), plain=True, reads=True)
        for op in (Operation.COUNT, Operation.EXPORT, Operation.PAGE)
    ),
    Choice(_reading_own(Operation.GET), ("get",), plain=True, reads=True),
    Choice(_reading_own(Operation.HISTORY), ("history",), plain=True, reads=True),
    Choice(_store_keyed, ("key",), plain=True),
    Choice(_store_tagged, ("metadata",)),
    Choice(store_linked, ("metadata",)),
    Choice(store_near),
    Choice(_store_blank),
    Choice(_store_odd),
    Choice(_store_many, many=True),
    Choice(_bring_back, reads=True),
    Choice(_come_back),
    Choice(leave_to_successor),
    Choice(_remove_each, ("delete",), many=True),
    Choice(_remove_odd, ("delete",), wide=True),
    Choice(_replace_blank, ("update",)),
    Choice(ask_oddly, reads=True),
    Choice(_read_foreign, ("get",), reads=True),
    Choice(_read_odd, ("get",), reads=True),
    Choice(_tidy, ("maintain",), reads=True, wide=True),
    Choice(_wait, reads=True),
)


MAY_SHOW = (
    *("S1", "S2", "S4", "S5", "S6", "O1", "O2", "O3", "O4", "O5", "O6", "O7", "D1", "D2", "D3", "D4"),
    *("M1", "M2", "M3", "M4", "M5", "C1", "C2", "K1", "K2", "X1", "X2", "X3", "X5", "completeness"),
)
"""The anomalies that plans of moves can show; names have plans of their own."""


def with_steady_ids(draft: Draft, viewer: int) -> list[Step]:
    """The steps in which the viewer deletes nothing, and passes no id but those of their own memories.

    What they would store again after a delete is left out, too.
    A system may give an id again. Whose memory it is then depends on who else is there, and nobody's data
    crosses: runs with and without the others can't be compared by it.
    """
    stored: set[int] = set()

    def is_steady(step: Step) -> bool:
        if step.op in (Operation.DELETE, Operation.DELETE_ALL):
            return False
        if step.op is Operation.ADD and step.fact is not None:
            again = step.fact in stored
            stored.add(step.fact)
            return not again
        addressed = step.fact if step.replaces is None else step.replaces
        own = addressed is not None and viewer in draft.facts[addressed].owners
        return step.op not in BY_ID or (own and step.id_form is None)

    return [step for step in draft.steps if step.user != viewer or is_steady(step)]


def look(draft: Draft, user: int, *, foreign_ids: bool = True) -> None:
    """The user looks on every surface, and for the others' facts too; by their ids only if `foreign_ids`."""
    own, steps = draft.written.get(user, [])[-1:], draft.steps
    steps += [settle(user) if own else list_all(user), for_foreign(draft, user, LIMITS[-1])]
    steps += [search(user, fact, limit=1, odd=fact in draft.odd) for fact in own]
    steps += [Step(op=Operation(way), user=user) for way in ("count", "export") if draft.offers(way)]
    if draft.offers("page"):
        steps.append(Step(op=Operation.PAGE, user=user))
        steps.append(Step(op=Operation.PAGE, user=user, cursor=len(steps) - 1))
    if draft.offers("get"):
        foreign = [draft.foreign(user)] if foreign_ids else []
        steps += [Step(op=Operation.GET, user=user, fact=fact) for fact in (*own, *foreign)]
    if draft.offers("history"):
        steps += [Step(op=Operation.HISTORY, user=user, fact=fact) for fact in own]
