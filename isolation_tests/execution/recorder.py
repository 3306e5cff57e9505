"""Records what a call answered as parts of an event, with no text in it that this run did not write."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.adapter import Indeterminate, Memory, Page, Refused
from isolation_tests.core.errors import spoken
from isolation_tests.core.masking import masked_text
from isolation_tests.execution.binding import UUID
from isolation_tests.execution.contract import BrokenContract
from isolation_tests.execution.plan_run import PlanRun
from isolation_tests.execution.redaction import foreign, own_words, place_of, unsaid
from isolation_tests.execution.session import TimeLimit
from isolation_tests.model import Actor, BoundUser, Operation, Row, Sighting, Step
from isolation_tests.testdata.canaries import Found, Mint, leaves

ERROR_TEXT_LENGTH = 300
MOST_FIELDS = 40
SHORTEST_TOLD_ID = 8
"""A shorter id may stand in any text by chance."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Turns answers and errors into the parts of an event.

    error_texts: the target's error texts may be told, because its file says that nobody else's data is in it.
    ids: takes in the ids of memories that this run has written.
    """

    mint: Mint
    error_texts: bool
    ids: set[str] = field(default_factory=set)

    def answer(self, run: PlanRun, step: Step, op: Operation, answer: Any) -> dict[str, Any]:
        """The rows or the number (a boolean as 0 or 1) that a call answered, and whether it gave a cursor."""
        if answer is None:
            return {}
        if op is Operation.COUNT or isinstance(answer, bool):
            return {"number": int(answer)}
        if isinstance(answer, Page):
            rows = self._rows(run, step, answer.items)
            return {"rows": rows, "cursor": answer.cursor is not None}
        return {"rows": self._rows(run, step, answer)}

    def shows_others(self, run: PlanRun, step: Step, answer: Any) -> bool:
        """Whether an answer to an add holds a fact that is not the caller's."""
        own, scan = run.binding.users[step.user].number, self.mint.scan
        return any(
            found.canary.user != own
            for row in answer or ()
            for found in (*scan(row.text, "text"), *scan(row.id, "id"), *scan(row.raw, "raw"))
        )

    def _rows(self, run: PlanRun, step: Step, rows: Iterable[Memory]) -> tuple[Row, ...]:
        compared = run.binding.plan.viewer == step.user
        return tuple(self._row(run, row, compared=compared) for row in rows)

    def _row(self, run: PlanRun, row: Memory, *, compared: bool) -> Row:
        scan = self.mint.scan
        found = [*scan(row.text, "text"), *scan(row.id, "id"), *scan(row.raw, "raw")]
        sightings = _sightings(run, found)
        ours = any(sighting.where == "text" for sighting in sightings)
        if sightings and row.id is not None:
            self.ids.add(row.id)
        return Row(
            id=row.id if sightings else None,
            text=own_words(row.text, self._written(run, row.text, sightings)) if ours else foreign(row.text),
            sightings=sightings,
            fields=self._fields(run, row) if ours and compared else {},
        )

    def _written(self, run: PlanRun, text: str, sightings: Iterable[Sighting]) -> list[str]:
        """What a text may hold of the run's own: its plan's facts, and the canaries of any plan.

        A fact holds its canary, so only those that were sighted can be there.
        """
        facts = {sighting.fact for sighting in sightings if sighting.user is not None}
        return [*map(run.binding.text, sorted(facts)), *map(self.mint.token, self.mint.find(text))]

    def _fields(self, run: PlanRun, row: Memory) -> dict[str, str | float]:
        """Every value of a row, comparable with that of another run."""
        known = run.ids() | ({row.id} if row.id else set())
        ids = {id for id in known if len(id) >= SHORTEST_TOLD_ID}
        told = itertools.chain(leaves(row.text, "text"), leaves(row.raw, "raw"))
        return {
            path: leaf if isinstance(leaf, float) else f"~{_digest(self._symbolic(run, leaf, ids))}"
            for leaf, path in itertools.islice(told, MOST_FIELDS)
            if leaf not in known and (not isinstance(leaf, float) or math.isfinite(leaf))
        }

    def _symbolic(self, run: PlanRun, text: str, ids: Iterable[str]) -> str:
        """A text with the names, ids and canaries of this run replaced by what they stand for."""
        symbols = {
            str(user.name): f"<user {i}>" for i, user in enumerate(run.binding.users) if _tellable(user)
        }
        symbols |= dict.fromkeys(ids, "<id>")
        numbers = {user.number: index for index, user in enumerate(run.binding.users)}
        for canary in self.mint.find(text):
            owner = numbers.get(canary.user)
            symbol = "<canary>" if owner is None else f"<canary {canary.fact}>"
            text = re.sub(self.mint.token(canary), symbol, text, flags=re.IGNORECASE)
        for name, symbol in sorted(symbols.items(), key=lambda item: -len(item[0])):
            text = text.replace(name, symbol)
        return UUID.sub("<id>", text)

    def error(
        self, run: PlanRun, actor: Actor, error: BaseException | None, addressed: str | None
    ) -> dict[str, Any]:
        """What an error says, which of this run's facts are in it, and whom of other groups it names."""
        if error is None:
            return {}
        text = spoken(error)
        # A related name may be no more than the caller's own, trimmed or folded.
        told = tuple(
            index
            for index, user in enumerate(run.binding.users)
            if run.binding.plan.users[index].group != run.binding.plan.users[actor].group
            and _tellable(user)
            and str(user.name) in text
        )
        text = self._symbolic(run, text, run.ids() | ({addressed} if addressed else set()))
        ours = isinstance(error, BrokenContract | TimeLimit) or getattr(error, "told", False)
        shown = self.error_texts or ours
        # A refusal is compared with others, which may come from another line.
        place = "" if isinstance(error, Refused | Indeterminate) else place_of(error)
        return {
            "error_kind": type(error).__name__,
            "error": masked_text(text)[:ERROR_TEXT_LENGTH] if shown else unsaid(text, place),
            "sightings": _sightings(run, self.mint.scan(error, "error")),
            "names": told,
        }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def _sightings(run: PlanRun, found: Iterable[Found]) -> tuple[Sighting, ...]:
    index = {user.number: number for number, user in enumerate(run.binding.users)}
    seen = [Sighting(user=index.get(f.canary.user), fact=f.canary.fact, where=f.where) for f in found]
    return tuple(dict.fromkeys(seen))


def _tellable(user: BoundUser) -> bool:
    """Whether the name is one that only this run can have made, so that its sight proves something."""
    return isinstance(user.name, str) and user.name.startswith("iso-")
