"""A store that shows each write late, in a time of its own, and performs plans without waiting for anything.

It keeps its users apart. Within the seconds that it declares, each write becomes visible on each surface (the
list, the search, the total, the export, pages, calls by id, histories) at a moment of its own, and stays so.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

from isolation_tests.adapter import Memory, Page, Refused
from isolation_tests.adapters.reference import shared_words
from isolation_tests.execution import filling, runner
from isolation_tests.execution.plan_run import PlanRun
from isolation_tests.execution.runner import Runner
from isolation_tests.model import Step

SURFACES = ("get_all", "search", "count", "export", "page", "id", "history")
_PAGE_SIZE = 10
_UNKNOWN = "There is no such memory."


@dataclass
class Clock:
    """A time that passes only where somebody waits or calls. earlier: what the next look at it says."""

    now: float = field(default_factory=time.monotonic)
    earlier: float | None = None

    def monotonic(self) -> float:
        """The seconds of now."""
        said, self.earlier = self.earlier, None
        return self.now if said is None else said

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Version:
    """What a memory says from some time on, by surface; None: it is deleted."""

    text: str | None
    metadata: Mapping[str, Any]
    since: Mapping[str, float]


@dataclass
class Row:
    """A memory with all that it ever was."""

    id: str
    key: str | None
    versions: list[Version] = field(default_factory=list)

    @property
    def exists(self) -> bool:
        """Whether it was not deleted, whatever is visible."""
        return self.versions[-1].text is not None

    def seen(self, surface: str, now: float) -> list[Version]:
        """The versions that the surface has come to show, the newest last; none of a memory that is gone."""
        shown = [version for version in self.versions if version.since[surface] <= now]
        return shown if shown and shown[-1].text is not None else []


@dataclass
class Lagging:
    """A right store whose writes show late.

    consistency: seconds within which every write shows everywhere. apart: each surface has a time of its own.
    prompt: how likely a write shows at once. answers: an add tells the new memory. takes_blank: a text in
    which there is nothing to find is stored. gists: each text becomes a second memory, of its gist.
    slow: seconds that a call takes at most.
    """

    clock: Clock
    chance: Random
    consistency: float
    apart: bool = True
    prompt: float = 0.5
    answers: bool = True
    takes_blank: bool = True
    gists: bool = False
    slow: float = 0.05
    rows: dict[str, list[Row]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def drawn(cls, clock: Clock, chance: Random, consistency: float) -> Lagging:
        """A store of some kind."""
        return cls(
            clock,
            chance,
            consistency,
            apart=chance.random() < 0.7,
            prompt=chance.choice((0.0, 0.3, 0.7, 0.95)),
            answers=chance.random() < 0.5,
            takes_blank=chance.random() < 0.7,
            gists=chance.random() < 0.2,
            slow=chance.choice((0.0, 0.02, 0.3 * consistency, 2 * consistency)),
        )

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> list[Memory]:
        """Store a text; one key's of the same user replaces it."""
        rows = self._begin(user)
        if not self.takes_blank and not any(map(str.isalnum, text)):
            raise Refused("There is nothing in this text.")
        kept = (row for row in rows if key is not None and row.key == key and row.exists)
        row = next(kept, None)
        if row is None:
            row = Row(self._id(), key)
            rows.append(row)
            if self.gists:
                rows.append(Row(self._id(), None))
                self._write(rows[-1], "A note.", {})
        self._write(row, text, dict(metadata or {}))
        return [Memory(row.id, text)] if self._end() and self.answers else []

    def search(
        self, user: Any, query: str, *, limit: int, filters: Mapping[str, Any] | None = None
    ) -> list[Memory]:
        """The user's memories, those first that share most words with the query."""
        rows = self._shown(user, "search", filters)
        return sorted(rows, key=lambda row: -shared_words(row.text, query))[:limit]

    def get_all(self, user: Any, *, filters: Mapping[str, Any] | None = None) -> list[Memory]:
        """The user's memories."""
        return self._shown(user, "get_all", filters)

    def export(self, user: Any) -> list[Memory]:
        """The user's memories."""
        return self._shown(user, "export")

    def count(self, user: Any) -> int:
        """How many the user has."""
        return len(self._shown(user, "count"))

    def page(self, user: Any, cursor: str | None) -> Page:
        """Some of the user's memories, by how many came before."""
        first, rows = int(cursor or 0), self._shown(user, "page")
        after = first + _PAGE_SIZE
        return Page(rows[first:after], str(after) if after < len(rows) else None)

    def get(self, user: Any, id: str) -> Memory:
        """One of the user's memories."""
        _, versions = self._one(user, id, "id")
        self._end()
        return Memory(id, versions[-1].text or "")

    def history(self, user: Any, id: str) -> list[Memory]:
        """All that one of the user's memories ever was."""
        _, versions = self._one(user, id, "history")
        self._end()
        return [Memory(id, version.text or "") for version in versions]

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text of a memory; without effect on one whose delete does not show yet."""
        row, _ = self._one(user, id, "id")
        if row.exists:
            told = row.versions[-1].metadata if metadata is None else dict(metadata)
            self._write(row, text, told)
        self._end()

    def delete(self, user: Any, id: str) -> None:
        """Delete a memory."""
        row, _ = self._one(user, id, "id")
        if row.exists:
            self._write(row, None, {})
        self._end()

    def delete_all(self, user: Any) -> None:
        """Delete all that the user has, what does not show yet as well."""
        for row in self._begin(user):
            if row.exists:
                self._write(row, None, {})
        self._end()

    def _id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _begin(self, user: Any) -> list[Row]:
        """A user's rows, when a call has reached the store."""
        self.clock.now += self.chance.random() * self.slow
        if not isinstance(user, str) or not user.strip():
            raise Refused("A user is a text that is not blank.")
        return self.rows.setdefault(user, [])

    def _end(self) -> bool:
        self.clock.now += self.chance.random() * self.slow
        return True

    def _write(self, row: Row, text: str | None, metadata: Mapping[str, Any]) -> None:
        """What a surface shows later replaces what it shows before, never the reverse."""
        before = row.versions[-1].since if row.versions else {}
        together = self._moment()
        drawn = {surface: self._moment() if self.apart else together for surface in SURFACES}
        since = {surface: max(moment, before.get(surface, 0.0)) for surface, moment in drawn.items()}
        row.versions.append(Version(text, metadata, since))

    def _moment(self) -> float:
        late = 0.0 if self.chance.random() < self.prompt else self.chance.random() * self.consistency
        return self.clock.now + late

    def _shown(self, user: Any, surface: str, filters: Mapping[str, Any] | None = None) -> list[Memory]:
        rows = self._begin(user)
        if filters is not None and not _understood(filters):
            raise Refused("These filters are not understood.")
        shown = [(row, versions[-1]) for row in rows if (versions := row.seen(surface, self.clock.now))]
        wanted = [
            Memory(row.id, version.text or "")
            for row, version in shown
            if (filters or {}).items() <= version.metadata.items()
        ]
        self._end()
        return wanted

    def _one(self, user: Any, id: str, surface: str) -> tuple[Row, list[Version]]:
        rows = (row for row in self._begin(user) if row.id == id)
        row = next(rows, None)
        versions = [] if row is None else row.seen(surface, self.clock.now)
        if row is None or not versions:
            raise Refused(_UNKNOWN)
        return row, versions


def _understood(filters: Any) -> bool:
    return isinstance(filters, Mapping) and all(isinstance(value, str) for value in filters.values())


@contextmanager
def timed_by(clock: Clock, chance: Random) -> Iterator[None]:
    """Within this, plans are performed in the clock's time, and lanes take turns in any order."""

    def together(self: Runner, run: PlanRun, block: Sequence[tuple[int, Step]]) -> None:
        lanes: dict[int, list[tuple[int, Step]]] = {}
        for number, step in block:
            lanes.setdefault(step.lane or 0, []).append((number, step))
        first, began = len(run.events), clock.now
        ended = dict.fromkeys(lanes, began)
        while waiting := [lane for lane, steps in lanes.items() if steps]:
            lane = chance.choice(waiting)
            number, step = lanes[lane].pop(0)
            # Begun when the lane's last call had ended, so that the others' calls since overlap with it.
            clock.earlier = ended[lane]
            self._perform(run, number, step)
            ended[lane] = clock.now
        clock.earlier = None
        run.order(first)

    with (
        patch.object(runner, "time", clock),
        patch.object(filling, "time", clock),
        patch.object(Runner, "_perform_together", together),
    ):
        yield
