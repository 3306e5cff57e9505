"""Budgets, pauses and the circuit breaker, in front of adapters that count what they are asked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Indeterminate, Memory, Refused
from isolation_tests.core import metering
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.ledger import Ledger
from isolation_tests.execution.meter import FAILURES_IN_A_ROW, SLOW_SECONDS, Meter, RunEnded
from isolation_tests.execution.runner import Runner
from isolation_tests.execution.session import open_session
from isolation_tests.judges.judging import judge
from isolation_tests.model import Budget, FactSpec, History, Operation, Outcome, Plan, Step, UserSpec
from isolation_tests.testdata.canaries import Mint

CARD = "My card number is {canary}."


@dataclass
class Counting:
    """A right system, whose `trouble` may break a call. asked: every call that reached it."""

    trouble: Callable[[int, str], None] = lambda _number, _method: None
    rows: dict[Any, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def _take(self, method: str) -> None:
        self.asked.append(method)
        self.trouble(len(self.asked), method)

    def add(self, user: Any, text: str) -> list[Memory]:
        self._take("add")
        self.rows.setdefault(user, []).append(text)
        return []

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        self._take("search")
        return self._of(user)[:limit]

    def get_all(self, user: Any) -> list[Memory]:
        self._take("get_all")
        return self._of(user)

    def delete_all(self, user: Any) -> None:
        self._take("delete_all")
        self.rows.pop(user, None)

    def _of(self, user: Any) -> list[Memory]:
        return [Memory(str(number), text) for number, text in enumerate(self.rows.get(user, []))]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "ledger")) as opened:
        yield opened


def meter_of(ledger: Ledger, **limits: Any) -> Meter:
    return Meter(ledger, Budget(**limits), began=time.monotonic())


def crowd(users: int, *, looks: int = 1) -> Plan:
    everyone = range(users)
    return Plan(
        name="crowd",
        anomaly="S1",
        users=tuple(UserSpec(group=user) for user in everyone),
        facts=tuple(FactSpec(text=CARD, owners=(user,)) for user in everyone),
        steps=(
            *(Step(op=Operation.ADD, user=user, fact=user) for user in everyone),
            *(Step(op=Operation.GET_ALL, user=user) for _ in range(looks) for user in everyone),
        ),
    )


def perform(adapter: Any, meter: Meter, plan: Plan, times: int = 1) -> tuple[list[History], list[str]]:
    session = open_session(lambda: adapter, {}, call_limit=30.0, name="in-test", meter=meter)
    with closing(session):
        lease = Lease("k3f9", 3, Mint(b"s" * 32))
        runner = Runner(
            session,
            lease,
            consistency=0.0,
            disposable=False,
            began=time.monotonic(),
            open_more=lambda: session,
        )
        return [runner.run(plan) for _ in range(times)], runner.leftovers


def test_a_run_without_limits_is_counted(ledger: Ledger) -> None:
    adapter = Counting()
    perform(adapter, meter_of(ledger), crowd(3))
    account = ledger.read()
    assert (account.calls, account.requests, account.users, account.kept) == (len(adapter.asked), 9, 3, 0)
    assert account.bytes >= 3 * len(CARD.replace("{canary}", ""))
    assert not account.ended


@pytest.mark.parametrize("most", [1, 2, 3, 7, 25, 40, 100])
def test_no_budget_of_requests_is_passed_by_one_and_everything_written_is_deleted(
    ledger: Ledger, most: int
) -> None:
    adapter = Counting()
    histories, left = perform(adapter, meter_of(ledger, requests=most), crowd(10, looks=9), times=3)
    assert len(adapter.asked) <= most
    assert adapter.rows == {}
    assert left == []
    assert f"the budget of {most} requests is spent; raise it with --budget requests=N" in ledger.read().ended
    assert histories[-1].cut
    assert any("budget" in doubt for doubt in judge(histories[-1]).doubts), "a plan cut short proves nothing"


@pytest.mark.parametrize("most", [9, 12, 20])
def test_deletes_that_cost_more_than_was_set_aside_do_not_pass_the_budget(ledger: Ledger, most: int) -> None:
    class Dear(Counting):
        def delete_all(self, user: Any) -> None:
            for _ in range(7):
                metering.request()
                self._take("page")
            self.rows.pop(user, None)

    adapter = Dear()
    _, left = perform(adapter, meter_of(ledger, requests=most), crowd(4), times=2)
    assert ledger.read().requests <= most
    assert adapter.asked.count("page") <= most
    assert len(left) == len(adapter.rows) > 0, "who is left is listed"


def test_a_budget_is_shared_by_processes(ledger: Ledger, tmp_path: Path) -> None:
    spend = (
        "import sys, time; from pathlib import Path\n"
        "from isolation_tests.execution.ledger import Ledger\n"
        "from isolation_tests.execution.meter import Meter, RunEnded\n"
        "from isolation_tests.model import Budget\n"
        "meter, spent = Meter(Ledger(Path(sys.argv[1])), Budget(requests=500), began=time.monotonic()), 0\n"
        "try:\n"
        "    while True:\n"
        "        meter.spend(); spent += 1\n"
        "except RunEnded: print(spent)\n"
    )
    command = [sys.executable, "-c", spend, str(ledger.path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    spent = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(spent) == ledger.read().requests == 500


def test_a_leak_seen_before_the_end_is_kept(ledger: Ledger) -> None:
    class Leaking(Counting):
        def _of(self, user: Any) -> list[Memory]:
            return [Memory(None, text) for texts in self.rows.values() for text in texts]

    adapter = Leaking()
    (history,), _ = perform(adapter, meter_of(ledger, requests=8), crowd(2, looks=9))
    assert history.cut
    assert {finding.anomaly for finding in judge(history).findings} == {"S1"}


def test_bytes_are_limited(ledger: Ledger) -> None:
    adapter = Counting()
    perform(adapter, meter_of(ledger, bytes=100), crowd(10))
    written = ledger.read().bytes
    assert 0 < written <= 100
    assert "bytes is spent" in ledger.read().ended
    assert adapter.rows == {}


def test_seconds_are_limited(ledger: Ledger) -> None:
    meter = Meter(ledger, Budget(seconds=5), began=time.monotonic() - 6)
    perform(Counting(), meter, crowd(2))
    assert "the budget of 5 seconds is spent" in ledger.read().ended


def test_calls_at_once_are_limited(ledger: Ledger) -> None:
    meter = Meter(ledger, Budget(concurrency=2), began=time.monotonic(), room=2)
    going: list[int] = []
    most = [0]

    def call(number: int) -> None:
        with meter.calling("get_all", "alice", [], {}):
            going.append(number)
            most[0] = max(most[0], len(going))
            time.sleep(0.01)
            going.remove(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(12)))
    assert most == [2]


def test_the_rate_is_limited_over_all_meters(ledger: Ledger) -> None:
    meters = [meter_of(ledger, requests_per_second=50) for _ in range(2)]
    began = time.monotonic()
    for number in range(20):
        with meters[number % 2].calling("get_all", "alice", [], {}):
            pass
    assert time.monotonic() - began >= 19 / 50


def test_requests_that_an_adapter_sends_within_a_call_count(ledger: Ledger) -> None:
    class Paging(Counting):
        def get_all(self, user: Any) -> list[Memory]:
            for _ in range(4):
                metering.request()
                self._take("page")
            return self._of(user)

        def delete_all(self, user: Any) -> None:
            metering.request()
            super().delete_all(user)

        def add(self, user: Any, text: str) -> list[Memory]:
            metering.request()
            return super().add(user, text)

    adapter = Paging()
    histories, left = perform(adapter, meter_of(ledger, requests=23), crowd(3, looks=5))
    assert len(adapter.asked) == ledger.read().requests <= 23
    assert (left, adapter.rows) == ([], {})
    last = histories[0].events[-1]
    assert last.outcome is Outcome.INDETERMINATE, "a call of which only a part was sent has no answer"


def test_a_call_that_sends_nothing_costs_nothing(ledger: Ledger) -> None:
    class Deciding(Counting):
        def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
            raise Refused("not sendable")

        def get_all(self, user: Any) -> list[Memory]:
            metering.request()
            return []

    meter = meter_of(ledger)
    session = open_session(Deciding, {}, call_limit=5.0, name="in-test", meter=meter)
    with closing(session):
        for method, arguments in (("get_all", []), ("search", ["bees"])):
            with meter.calling(method, "alice", arguments, {}) as call, suppress(Refused):
                session.call(method, "alice", *arguments, counted=call, **_limit(method))
    assert ledger.read().requests == 1


def _limit(method: str) -> dict[str, int]:
    return {"limit": 5} if method == "search" else {}


def _down(after: int, until: int = sys.maxsize) -> Callable[[int, str], None]:
    def trouble(number: int, _method: str) -> None:
        if after < number <= until:
            raise Indeterminate("503 Service Unavailable")

    return trouble


@pytest.mark.parametrize("after", [0, 30])
def test_a_target_that_is_down_costs_few_requests_and_seconds(ledger: Ledger, after: int) -> None:
    adapter, began = Counting(_down(after)), time.monotonic()
    _, left = perform(adapter, meter_of(ledger), crowd(10, looks=30), times=3)
    assert "the target is down" in ledger.read().ended
    assert len(adapter.asked) < 50
    assert time.monotonic() - began < 10
    assert len(left) == 10, "what may be left behind is listed"


def test_a_target_that_comes_back_is_asked_on(ledger: Ledger) -> None:
    adapter = Counting(_down(20, until=20 + FAILURES_IN_A_ROW + 1))
    histories, left = perform(adapter, meter_of(ledger), crowd(10, looks=5))
    assert not ledger.read().ended
    assert histories[0].events[-1].outcome is Outcome.OK
    assert (left, adapter.rows) == ([], {})


def test_refusals_do_not_look_like_a_target_that_is_down(ledger: Ledger) -> None:
    def refuse(_number: int, method: str) -> None:
        if method == "get_all":
            raise Refused("no")

    perform(Counting(refuse), meter_of(ledger), crowd(3, looks=20))
    assert not ledger.read().ended


def test_a_pause_that_the_target_asks_for_is_made_by_all(ledger: Ledger) -> None:
    meter_of(ledger).hold(0.3)
    began = time.monotonic()
    with meter_of(ledger).calling("get_all", "alice", [], {}):
        pass
    assert time.monotonic() - began >= 0.3


def test_an_hour_of_pause_ends_the_run(ledger: Ledger) -> None:
    meter = meter_of(ledger)
    meter.hold(3600)
    with pytest.raises(RunEnded, match=r"asks to be left alone for 3600 seconds; run again after that"):
        meter.spend()


def test_a_wait_that_the_target_asked_for_is_not_its_time_out(ledger: Ledger) -> None:
    class Waiting(Counting):
        def get_all(self, user: Any) -> list[Memory]:
            metering.pause(0.4)
            return super().get_all(user)

    meter = meter_of(ledger)
    session = open_session(Waiting, {}, call_limit=0.2, name="in-test", meter=meter)
    with closing(session), meter.calling("get_all", "alice", [], {}) as call:
        assert session.call("get_all", "alice", counted=call) == []


def test_a_slow_target_gets_the_calls_of_one_process_at_a_time(ledger: Ledger) -> None:
    one, other = meter_of(ledger), meter_of(ledger)
    with one.turn(), other.turn():
        pass
    with ledger.account() as account:
        account.latency = 2 * SLOW_SECONDS
    with one.turn():
        with ledger.account() as account:
            account.latency = 2 * SLOW_SECONDS
        entered = time.monotonic()
        one.end("enough")
        with other.turn():
            pass
        assert time.monotonic() - entered < 5, "a run that has ended waits for nobody"


def test_answers_make_a_target_slow_and_quick_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = meter_of(ledger)
    clock = iter(range(0, 10_000, 2))
    monkeypatch.setattr("isolation_tests.execution.meter.time.monotonic", lambda: float(next(clock)))
    for _ in range(20):
        with meter.calling("get_all", "alice", [], {}):
            pass
    assert ledger.read().latency >= SLOW_SECONDS
    assert ledger.read().slowest >= SLOW_SECONDS
