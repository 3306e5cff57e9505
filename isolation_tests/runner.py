"""Binds a plan to fresh names, performs it on a session, records the history, cleans up.

Positive facts are waited for within the target's consistency budget; every poll is recorded. No text
that this run did not write enters a history.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from isolation_tests import names
from isolation_tests.adapter import CORE_METHODS, Indeterminate, Memory, Page, Refused
from isolation_tests.canaries import Canary, Found, Mint, leaves
from isolation_tests.contract import BrokenContract, police
from isolation_tests.model import (
    BY_ID,
    WRITING,
    BoundUser,
    Event,
    History,
    Operation,
    Outcome,
    Plan,
    Row,
    Sighting,
    Step,
    Volatile,
)
from isolation_tests.session import GivenUp, Session, TimeLimit

FIRST_POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 2.0
LONGEST_HOLD_SECONDS = 5.0
START_SECONDS = 60.0
ERROR_TEXT_LENGTH = 300
MOST_FIELDS = 40
SHORTEST_TOLD_ID = 8
"""A shorter id may stand in any text by chance."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COUNTED_DIGITS = 10


@dataclass
class Lease:
    """A worker's supply of fresh names: `iso-<run>-<n>`, of one length, so that none prefixes another.

    run_id: short text shared by all workers. worker: 0..255, part of every name and canary.
    """

    run_id: str
    worker: int
    mint: Mint
    _counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def base(self) -> tuple[str, int]:
        """A fresh base name and a fresh number that carries the run and the worker too."""
        n = next(self._counter)
        run_number = int(hashlib.sha256(self.run_id.encode()).hexdigest()[:8], 16) % 900_000 + 100_000
        return f"iso-{self.run_id}-{self.worker:02x}{n:06x}", int(f"{run_number}{self.worker:03d}{n:06d}")

    def number(self) -> int:
        """A user number that is unique in the run; it is part of the user's canaries."""
        return (self.worker << 32) | next(self._counter)


@dataclass
class _Bound:
    """A plan bound to names, and what the runner has to remember while performing it."""

    plan: Plan
    users: list[BoundUser]
    mint: Mint
    ids: dict[tuple[int, int], str] = field(default_factory=dict)
    cursors: dict[int, str] = field(default_factory=dict)
    live: dict[int, set[int]] = field(default_factory=dict)
    gone: dict[int, set[int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def id_of(self, user: int, fact: int | None) -> str | None:
        """The id that the user was given for a fact; else the latest that anybody was given for it."""
        given = {owner: id for (owner, known), id in self.ids.items() if known == fact}
        return given.get(user) or next(reversed(given.values()), None)

    def canary(self, fact: int) -> str:
        owner = self.users[self.plan.facts[fact].owners[0]]
        return self.mint.token(Canary(owner.number, fact))

    def text(self, fact: int) -> str:
        return self.plan.facts[fact].text.replace("{canary}", self.canary(fact))

    def query(self, step: Step) -> str:
        """What a search asks for; nobody asks with a foreign canary, which a system may well echo."""
        if step.query is not None:
            return step.query
        fact = step.fact or 0
        if step.user in self.plan.facts[fact].owners:
            return self.text(fact)
        return self.plan.facts[fact].text.replace("{canary}", "")

    def fill(self, value: Any) -> Any:
        """Replace "@1" by user 1's name and "#0" by fact 0's canary, anywhere in a JSON value."""
        if isinstance(value, dict):
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(inner) for inner in value]
        if isinstance(value, str) and (match := re.fullmatch(r"([@#])(\d+)", value)):
            index = int(match[2])
            return self.users[index].name if match[1] == "@" else self.canary(index)
        return value


class Runner:
    """Performs plans on one session; one runner per worker.

    open_more: opens the target once more, for plans in which each lane has an opening of its own. open_twin:
    opens the target that is declared to reach the same store in another way. volatile: what the target
    declares to be another each time, kept in each history.
    """

    def __init__(
        self,
        session: Session,
        lease: Lease,
        *,
        consistency: float,
        disposable: bool,
        began: float,
        open_more: Callable[[], Session],
        open_twin: Callable[[], Session] | None = None,
        volatile: Volatile | None = None,
    ) -> None:
        self._session, self._lease, self._open = session, lease, open_more
        self._open_twin, self._volatile = open_twin, volatile
        self._twin: Session | None = None
        self._handles: list[Session] = []
        self._opening = threading.Lock()
        self._consistency, self._disposable, self._began = consistency, disposable, began
        self.leftovers: list[str] = []

    def run(self, plan: Plan) -> History:
        """Perform the plan once under fresh names and clean up, whatever happens."""
        bound = self._bind(plan)
        try:
            for overlapping, block in itertools.groupby(enumerate(plan.steps), _overlaps):
                if overlapping:
                    self._perform_together(bound, list(block))
                else:
                    for number, step in block:
                        self._perform(bound, number, step)
        finally:
            self._clean(bound)
        return History(
            plan=plan,
            users=tuple(bound.users),
            events=tuple(bound.events),
            consistency=self._consistency,
            volatile=self._volatile,
        )

    def blocked(self, plan: Plan) -> str | None:
        """Why this target may not be asked this plan, or None.

        Hostile values never write to a stranger's store.
        """
        if self._disposable:
            return None
        for step in plan.steps:
            if step.op in WRITING and plan.users[step.user].hostile:
                return (
                    f"{step.op} as a hostile user name could reach data this run did not make; "
                    "say `disposable = true` in the target's file if the store may be destroyed"
                )
        return None

    def _bind(self, plan: Plan) -> _Bound:
        bases = {group: self._lease.base() for group in sorted({user.group for user in plan.users})}
        users = [
            BoundUser(number=self._lease.number(), name=names.bind(user, *bases[user.group]), type=user.type)
            for user in plan.users
        ]
        return _Bound(plan, users, self._lease.mint)

    def _perform_together(self, bound: _Bound, block: list[tuple[int, Step]]) -> None:
        """Perform each lane's steps in order, all lanes at once, from one starting line."""
        lanes: dict[int, list[tuple[int, Step]]] = {}
        for number, step in block:
            lanes.setdefault(step.lane or 0, []).append((number, step))
        start = threading.Barrier(len(lanes))
        first = len(bound.events)

        def drive(steps: list[tuple[int, Step]]) -> None:
            start.wait(START_SECONDS)
            for number, step in steps:
                time.sleep(step.pause)
                self._perform(bound, number, step)

        with ThreadPoolExecutor(len(lanes)) as drivers:
            for done in [drivers.submit(drive, steps) for steps in lanes.values()]:
                done.result()
        # A lane may be held up between the end of a call and its record.
        bound.events[first:] = sorted(bound.events[first:], key=lambda event: event.ended)

    def _perform(self, bound: _Bound, number: int, step: Step) -> None:
        if self._session.lost:
            return
        if step.op is Operation.SETTLE:
            self._settle(bound, number, step)
            return
        arguments = self._arguments(bound, number, step)
        if arguments is not None:
            event = self._call(bound, number, step, step.op, arguments)
            self._remember(bound, step, event)

    def _arguments(self, bound: _Bound, number: int, step: Step) -> tuple[list[Any], dict[str, Any]] | None:
        """The call's arguments after the user; None where an earlier refusal leaves nothing to call with."""
        keywords: dict[str, Any] = {}
        for name in ("metadata", "filters"):
            if getattr(step, name) is not None:
                keywords[name] = bound.fill(getattr(step, name))
        if step.op in BY_ID:
            fact = step.fact if step.replaces is None else step.replaces
            real = bound.id_of(step.user, fact)
            if real is None:
                return None
            wanted = _look_alike(real, bound.users[step.user].number + number) if step.absent else real
            positional: list[Any] = [wanted]
            if step.op is Operation.UPDATE:
                positional.append(bound.text(step.fact or 0))
            return positional, keywords
        if step.op is Operation.ADD:
            if step.key is not None:
                keywords["key"] = step.key.replace("{base}", str(bound.users[0].number))
            return [bound.text(step.fact or 0)], keywords
        if step.op is Operation.SEARCH:
            return [bound.query(step)], {"limit": step.limit, **keywords}
        if step.op is Operation.INTRUDE and step.victim is not None:
            return [bound.users[step.victim].name, step.how], keywords
        if step.op is Operation.PAGE:
            if step.cursor is not None and step.cursor not in bound.cursors:
                return None
            return [None if step.cursor is None else bound.cursors[step.cursor]], keywords
        return [], keywords

    def _call(
        self,
        bound: _Bound,
        number: int,
        step: Step,
        op: Operation,
        arguments: tuple[list[Any], dict[str, Any]],
        *,
        poll: bool = False,
    ) -> Event:
        positional, keywords = arguments
        user = None if step.spoiled else bound.users[step.user].name
        started = time.monotonic() - self._began
        outcome, answer, error = self._try(self._reach(number, step), op, user, positional, keywords)
        event = Event(
            step=number,
            op=op,
            user=step.user,
            outcome=outcome,
            started=round(started, 6),
            ended=round(time.monotonic() - self._began, 6),
            worker=f"w{self._lease.worker}" if step.lane is None else f"w{self._lease.worker}-{step.lane}",
            poll=poll,
            **self._answer(bound, number, step, op, answer),
            **self._error(bound, step.user, error, positional[0] if op in BY_ID else None),
        )
        bound.events.append(event)
        return event

    def _reach(self, number: int, step: Step) -> Callable[..., Any]:
        """The session's call on the lane that the step runs in."""
        if step.lane is None:
            return self._session.call
        lane = {"thread": 1 + step.lane, "pool": 1 + (number + step.lane) % 2}.get(step.on, 0)
        return partial(self._opening_of(step).call, lane=lane, give_up=step.give_up)

    def _opening_of(self, step: Step) -> Session:
        if step.on == "twin":
            return self._other()
        return self._handle(step.lane or 0) if step.on == "handle" else self._session

    def _other(self) -> Session:
        """The target's twin, kept open for the runs to come."""
        with self._opening:
            if self._twin is None:
                self._twin = (self._open_twin or self._open)()
            return self._twin

    def _handle(self, number: int) -> Session:
        """One more opening of the target, kept for the runs to come."""
        with self._opening:
            while len(self._handles) <= number:
                self._handles.append(self._open())
            return self._handles[number]

    def close(self) -> None:
        """Close the further openings of the target."""
        for session in (*self._handles, *([] if self._twin is None else [self._twin])):
            session.close()

    @staticmethod
    def _try(
        reach: Callable[..., Any], op: Operation, user: Any, positional: list[Any], keywords: dict[str, Any]
    ) -> tuple[Outcome, Any, BaseException | None]:
        try:
            raw = reach(op.value, user, *positional, **keywords)
            return Outcome.OK, police(op, raw, limit=keywords.get("limit", 0)), None
        except Refused as error:
            return Outcome.REFUSED, None, error
        except (Indeterminate, GivenUp) as error:
            return Outcome.INDETERMINATE, None, error
        except NotImplementedError as error:
            return Outcome.ERROR if op.value in CORE_METHODS else Outcome.UNSUPPORTED, None, error
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is its ERROR, and is recorded
            return Outcome.ERROR, None, error

    def _answer(self, bound: _Bound, number: int, step: Step, op: Operation, answer: Any) -> dict[str, Any]:
        if answer is None:
            return {}
        if op is Operation.COUNT:
            return {"number": answer}
        if isinstance(answer, Page):
            if answer.cursor is not None:
                bound.cursors[number] = answer.cursor
            rows = self._rows(bound, step, answer.items)
            return {"rows": rows, "cursor": answer.cursor is not None}
        return {"rows": self._rows(bound, step, answer)}

    def _rows(self, bound: _Bound, step: Step, rows: Iterable[Memory]) -> tuple[Row, ...]:
        compared = bound.plan.viewer == step.user
        return tuple(self._row(bound, row, compared=compared) for row in rows)

    def _row(self, bound: _Bound, row: Memory, *, compared: bool) -> Row:
        scan = self._lease.mint.scan
        found = [*scan(row.text, "text"), *scan(row.id, "id"), *scan(row.raw, "raw")]
        sightings = _sightings(bound, found)
        ours = any(sighting.where == "text" for sighting in sightings)
        return Row(
            id=row.id if sightings else None,
            text=row.text if ours else f"[{len(row.text)} characters that this run did not write]",
            sightings=sightings,
            fields=self._fields(bound, row) if ours and compared else {},
        )

    def _fields(self, bound: _Bound, row: Memory) -> dict[str, str | float]:
        """Every value of a row, comparable with that of another run."""
        known = {id for id in (*bound.ids.values(), row.id) if id}
        ids = {id for id in known if len(id) >= SHORTEST_TOLD_ID}
        told = itertools.chain(leaves(row.text, "text"), leaves(row.raw, "raw"))
        return {
            path: leaf if isinstance(leaf, float) else f"~{_digest(self._symbolic(bound, leaf, ids))}"
            for leaf, path in itertools.islice(told, MOST_FIELDS)
            if leaf not in known and (not isinstance(leaf, float) or math.isfinite(leaf))
        }

    def _symbolic(self, bound: _Bound, text: str, ids: Iterable[str]) -> str:
        """A text with the names, ids and canaries of this run replaced by what they stand for."""
        symbols = {str(user.name): f"<user {i}>" for i, user in enumerate(bound.users) if _tellable(user)}
        symbols |= dict.fromkeys(ids, "<id>")
        numbers = {user.number: index for index, user in enumerate(bound.users)}
        for canary in self._lease.mint.find(text):
            owner = numbers.get(canary.user)
            symbol = "<canary>" if owner is None else f"<canary {canary.fact}>"
            text = re.sub(self._lease.mint.token(canary), symbol, text, flags=re.IGNORECASE)
        for name, symbol in sorted(symbols.items(), key=lambda item: -len(item[0])):
            text = text.replace(name, symbol)
        return _UUID.sub("<id>", text)

    def _error(
        self, bound: _Bound, actor: int, error: BaseException | None, addressed: str | None
    ) -> dict[str, Any]:
        if error is None:
            return {}
        text = _spoken(error)
        # A related name may be no more than the caller's own, trimmed or folded.
        told = tuple(
            index
            for index, user in enumerate(bound.users)
            if bound.plan.users[index].group != bound.plan.users[actor].group
            and _tellable(user)
            and str(user.name) in text
        )
        text = self._symbolic(bound, text, {id for id in (*bound.ids.values(), addressed) if id})
        ours = isinstance(error, BrokenContract | TimeLimit)
        withheld = not self._disposable and not ours
        return {
            "error_kind": type(error).__name__,
            "error": f"[text withheld, digest {_digest(text)}]" if withheld else text[:ERROR_TEXT_LENGTH],
            "sightings": _sightings(bound, self._lease.mint.scan(error, "error")),
            "names": told,
        }

    def _remember(self, bound: _Bound, step: Step, event: Event) -> None:
        """Keep what later steps need: stored ids, and which own facts should be there or gone."""
        if event.outcome is not Outcome.OK:
            return
        live = bound.live.setdefault(step.user, set())
        gone = bound.gone.setdefault(step.user, set())
        fact = step.fact
        if step.op is Operation.ADD and fact is not None:
            live.add(fact)
            gone.discard(fact)
            self._keep_id(bound, event, fact)
        elif step.op in (Operation.DELETE_ALL, Operation.MAINTAIN):
            if step.op is Operation.DELETE_ALL:
                gone |= live
            live.clear()
        elif step.op is Operation.DELETE and fact in live:
            live.discard(fact)
            gone.add(fact)
        elif step.op is Operation.UPDATE and step.replaces in live and fact is not None:
            live.discard(step.replaces)
            live.add(fact)
            kept = bound.id_of(step.user, step.replaces)
            if kept is not None:
                bound.ids[step.user, fact] = kept

    def _keep_id(self, bound: _Bound, event: Event, fact: int) -> None:
        for row in event.rows:
            if row.id and any(s.fact == fact and s.user is not None for s in row.sightings):
                bound.ids[event.user, fact] = row.id

    def _settle(self, bound: _Bound, number: int, step: Step) -> None:
        """Poll get_all, then search for `step.fact`, until own facts show (or are gone) or time is up."""
        live, gone = bound.live.get(step.user, set()), bound.gone.get(step.user, set())
        if step.hold:
            time.sleep(min(self._consistency, LONGEST_HOLD_SECONDS))
        if not live and not gone:
            return
        listed = self._poll(bound, number, step, Operation.GET_ALL, ([], {}), live, gone)
        for fact in sorted(live):
            if (step.user, fact) not in bound.ids:
                self._keep_id(bound, listed, fact)
        if step.fact is not None and step.fact in live | gone:
            arguments: tuple[list[Any], dict[str, Any]] = ([bound.text(step.fact)], {"limit": step.limit})
            self._poll(bound, number, step, Operation.SEARCH, arguments, live & {step.fact}, gone)

    def _poll(
        self,
        bound: _Bound,
        number: int,
        step: Step,
        op: Operation,
        arguments: tuple[list[Any], dict[str, Any]],
        due: set[int],
        gone: set[int],
    ) -> Event:
        deadline = time.monotonic() + self._consistency
        pause = FIRST_POLL_SECONDS
        while True:
            event = self._call(bound, number, step, op, arguments, poll=True)
            seen = {sighting.fact for sighting in event.seen() if sighting.user is not None}
            met = due <= seen and not gone & seen
            if met or time.monotonic() >= deadline or self._session.lost:
                bound.events[-1] = event.model_copy(update={"poll": False})
                return bound.events[-1]
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SECONDS)

    def _clean(self, bound: _Bound) -> None:
        """Delete what every user of the plan wrote; what could not be deleted is kept in `leftovers`."""
        wrote = {event.user for event in bound.events if event.op in WRITING}
        stored = {
            event.user
            for event in bound.events
            if event.op in (Operation.ADD, Operation.UPDATE) and event.outcome is not Outcome.REFUSED
        }
        for index in sorted(wrote):
            name = bound.users[index].name
            try:
                self._session.call("delete_all", name)
            except Exception as error:  # noqa: BLE001 - told at the end of the run, never lost
                if index in stored or isinstance(error, TimeLimit):
                    self.leftovers.append(names.show(name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def _overlaps(numbered: tuple[int, Step]) -> bool:
    return numbered[1].lane is not None


def _sightings(bound: _Bound, found: Iterable[Found]) -> tuple[Sighting, ...]:
    index = {user.number: number for number, user in enumerate(bound.users)}
    seen = [Sighting(user=index.get(f.canary.user), fact=f.canary.fact, where=f.where) for f in found]
    return tuple(dict.fromkeys(seen))


def _tellable(user: BoundUser) -> bool:
    """Whether the name is one that only this run can have made, so that its sight proves something."""
    return isinstance(user.name, str) and user.name.startswith("iso-")


def _spoken(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a message that can't be made says nothing
        return ""


def _look_alike(real: str, seed: int) -> str:
    """A random id of the same shape that misses every existing one: only the id's last part is drawn anew.

    Digits stay digits, hex stays hex, letters stay letters that any common alphabet of ids has.
    """
    chance = random.Random(f"{seed}{real}")  # noqa: S311 - only has to miss existing ids
    matches = [*_UUID.finditer(real)] or [*re.finditer(r"[0-9A-Za-z]+", real)]
    if not matches:
        return f"{real}7"
    start, end = matches[-1].span()
    drawn = _drawn_part(real[start:end], chance)
    return real[:start] + drawn + real[end:]


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
