"""Many calls in one hand-off: counted, limited and through the gate; and a journal that knows spans."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.execution.batch import Sent
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.guard import GuardedSession, NotLeased
from isolation_tests.execution.journal import Journal, RunInfo, RunRecord
from isolation_tests.execution.ledger import Ledger
from isolation_tests.execution.meter import CLEANING_REQUESTS, MOST_IN_A_BATCH, Meter, RunEnded
from isolation_tests.execution.session import TimeLimit, open_session
from isolation_tests.execution.spans import Span
from isolation_tests.model import Budget
from isolation_tests.testdata.canaries import Mint

RUN = "ab12cd"
LEASE = Lease(RUN, 0, Mint(bytes(32)))
SPAN = Span(base=f"iso-{RUN}-80", first=4, count=3, forms=("{base}", "{base}-x"))


class Store:
    """A right store; the text "slow" takes a second, and "broken" fails."""

    def __init__(self) -> None:
        self.rows: dict[Any, list[Memory]] = {}

    def add(self, user: Any, text: str) -> list[Memory]:
        if text == "slow":
            time.sleep(1)
        if text == "broken":
            raise ConnectionError(text)
        self.rows.setdefault(user, []).append(Memory(None, text))
        return self.rows[user][-1:]

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return self.get_all(user)[:limit]

    def get_all(self, user: Any) -> list[Memory]:
        return self.rows.get(user, [])

    def delete_all(self, user: Any) -> None:
        self.rows.pop(user, None)


class Later(Store):
    async def get_all(self, user: Any) -> list[Memory]:  # type: ignore[override]  # an async adapter's method
        await asyncio.sleep(0)
        return self.rows.get(user, [])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "ledger")) as opened:
        yield opened


def guarded(store: Store, meter: Meter | None = None, limit: float = 30.0) -> GuardedSession:
    session = open_session(lambda: store, {}, call_limit=limit, name="in-test", meter=meter)
    return GuardedSession(session, LEASE, disposable=False)


def adds(*texts: str) -> list[Sent]:
    return [Sent("add", f"iso-{RUN}-{number:08x}", (text,)) for number, text in enumerate(texts)]


@pytest.mark.parametrize("kind", [Store, Later])
def test_each_call_gets_its_answer_or_what_it_raised(kind: type[Store]) -> None:
    with closing(guarded(kind())) as session:
        got = session.call_many([*adds("a", "broken", "b"), Sent("get_all", f"iso-{RUN}-00000002")])

    assert [type(each.error) for each in got] == [type(None), ConnectionError, type(None), type(None)]
    assert [row.text for row in got[3].answer] == ["b"]
    assert all(each.seconds >= 0 for each in got)


def test_a_call_that_hangs_loses_the_session_in_twice_its_limit() -> None:
    with closing(guarded(Store(), limit=0.2)) as session:
        began = time.monotonic()
        with pytest.raises(TimeLimit):
            session.call_many(adds("a", "slow", "b"))

        assert time.monotonic() - began < 0.9
        assert session.lost


def test_a_batch_that_takes_longer_than_one_call_may_goes_on() -> None:
    with closing(guarded(Store(), limit=1.5)) as session:
        assert len(session.call_many(adds("a", "slow", "slow", "b"))) == 4


def test_no_call_of_a_batch_is_made_if_one_may_not(ledger: Ledger) -> None:
    store = Store()
    with closing(guarded(store)) as session, pytest.raises(NotLeased):
        session.call_many([*adds("a"), Sent("delete_all", "admin")])
    assert not store.rows


def test_a_batch_is_counted_and_sets_aside_what_deletes_again(ledger: Ledger) -> None:
    meter = Meter(ledger, Budget(requests=100), began=time.monotonic())
    with closing(guarded(Store(), meter)) as session:
        session.call_many(adds(*"abcde"), users=5)
        account = ledger.read()
        assert (account.requests, account.calls, account.users) == (5, 5, 5)
        assert account.kept == 5 * CLEANING_REQUESTS
        with pytest.raises(RunEnded):
            session.call_many(adds(*["x"] * 90))
        session.take_up(5 * CLEANING_REQUESTS)
        with session.cleaning():
            session.call_many([Sent("delete_all", call.user) for call in adds(*"abcde")])
        assert ledger.read().kept == 0


def test_a_limited_rate_makes_batches_of_one(ledger: Ledger) -> None:
    free = Meter(ledger, Budget(), began=0.0)
    slow = Meter(ledger, Budget(requests_per_second=100), began=time.monotonic())
    began = time.monotonic()
    with closing(guarded(Store(), slow)) as session:
        session.call_many(adds(*["a"] * 20))

    assert (free.most_at_once, slow.most_at_once) == (MOST_IN_A_BATCH, 1)
    assert time.monotonic() - began >= 0.18


def test_a_journal_knows_the_names_of_a_span_until_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    names = [f"iso-{RUN}-8000000002", f"iso-{RUN}-8000000002-x", f"iso-{RUN}-8000000003"]
    assert [*SPAN.names()] == names
    journal = Journal.begin(RunInfo(run_id=RUN, target="t", name="t"), durable=True)
    journal.lease_span(SPAN)
    journal.done(names[:1])
    record = RunRecord.read(journal.folder)
    assert record is not None
    assert [each.name for each in record.left()] == names[1:]
    journal.done_span(SPAN)
    assert not record.left()
    journal.end()
    assert not journal.folder.exists()
