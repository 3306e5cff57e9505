"""The runner, the session and the contract, in front of small adapters that are right or wrong on purpose."""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from isolation_tests.adapter import Indeterminate, Memory, Page, Refused
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.core.errors import TargetProblem
from isolation_tests.execution.binding import Lease, look_alike
from isolation_tests.execution.contract import BrokenContract, claimed, police
from isolation_tests.execution.guard import GuardedSession, NotLeased
from isolation_tests.execution.runner import Runner
from isolation_tests.execution.session import Session, TimeLimit, open_session
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
    FactSpec,
    History,
    Operation,
    Outcome,
    Plan,
    Step,
    UserSpec,
)
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.relations import RELATIONS, bind

STRANGER = "Grandmother's recipe is under the third tile."
SECRET = b"s" * 32
HEX = "[0-9a-f]"
TEXT = "My card number is {canary}."
DELAY, BUDGET = 0.2, 2.0


@dataclass
class Store:
    """A right system: each user's rows apart. users() tells who has any."""

    rows: dict[Any, dict[str, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, user: Any, text: str) -> list[Memory]:
        id = f"mem_{next(self.numbers):06d}"
        self.rows.setdefault(user, {})[id] = text
        return [Memory(id, text)]

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        best = sorted(self.get_all(user), key=lambda row: row.text != query)
        return best[:limit]

    def get_all(self, user: Any) -> list[Memory]:
        return [Memory(id, text) for id, text in self.rows.get(user, {}).items()]

    def delete_all(self, user: Any) -> None:
        self.rows.pop(user, None)

    def get(self, user: Any, id: str) -> Memory | None:
        text = self.rows.get(user, {}).get(id)
        return None if text is None else Memory(id, text)

    def users(self) -> list[Any]:
        return [user for user, rows in self.rows.items() if rows]


def session_of(factory: Callable[..., Any], *, limit: float = 5.0) -> Session:
    return open_session(factory, {}, call_limit=limit, name="in-test")


def runner_of(
    session: Session, *, consistency: float = 0.0, disposable: bool = True, worker: int = 3
) -> Runner:
    lease = Lease("k3f9", worker, Mint(SECRET))
    return Runner(
        session,
        lease,
        consistency=consistency,
        disposable=disposable,
        error_texts=disposable,
        began=time.monotonic(),
        open_more=lambda: session,
    )


def plan(*steps: Step, users: Sequence[UserSpec] = (UserSpec(group=0), UserSpec(group=1))) -> Plan:
    facts = tuple(FactSpec(text=TEXT, owners=(user,)) for user in range(len(users)))
    return Plan(name="in-test", anomaly="S1", users=tuple(users), facts=facts, steps=steps)


def add(user: int) -> Step:
    return Step(op=Operation.ADD, user=user, fact=user)


def settle(user: int) -> Step:
    return Step(op=Operation.SETTLE, user=user, fact=user)


def listed(user: int) -> Step:
    return Step(op=Operation.GET_ALL, user=user)


TWO = plan(add(0), add(1), settle(0), settle(1), listed(0), listed(1))


def run(adapter: Any, asked: Plan = TWO, **options: Any) -> History:
    with closing(session_of(lambda: adapter)) as session:
        return runner_of(session, **options).run(asked)


# --- names -----------------------------------------------------------------------------------------------


def test_names_carry_the_run_are_fresh_and_of_one_length() -> None:
    with closing(session_of(Store)) as session:
        runner = runner_of(session)
        names = [str(user.name) for _ in range(40) for user in runner.run(TWO).users]
    assert len(set(names)) == len(names) == 80
    assert {len(name) for name in names} == {len("iso-k3f9-03000001")}
    assert all(re.fullmatch(r"iso-k3f9-03[0-9a-f]{6}", name) for name in names)


def test_workers_never_share_names_or_numbers() -> None:
    leases = [Lease("k3f9", worker, Mint(SECRET)) for worker in (0, 1, 255)]
    bases = [lease.base() for lease in leases for _ in range(50)]
    assert len({name for name, _ in bases}) == len({number for _, number in bases}) == 150
    assert len({len(str(number)) for _, number in bases}) == 1
    numbers = [lease.number() for lease in leases for _ in range(50)]
    assert len(set(numbers)) == 150


def test_users_of_one_group_share_the_base() -> None:
    related = (UserSpec(template="{base}"), UserSpec(template="{base}-corp"), UserSpec(group=1))
    first, second, other = (str(user.name) for user in run(Store(), plan(add(0), users=related)).users)
    assert second == f"{first}-corp"
    assert first not in other


def test_a_right_system_holds_with_its_controls() -> None:
    history = run(Store())
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert controls(history) == 4


class Forgiving(ReferenceStore):
    """Deletes nothing, and says nothing, where there is no such id."""

    def delete(self, user: Any, id: str) -> None:
        with suppress(Refused):
            super().delete(user, id)


def test_what_an_odd_id_does_to_the_callers_own_memories_is_no_finding() -> None:
    replaced = Step(op=Operation.UPDATE, user=0, fact=1, replaces=0)
    odd = Step(op=Operation.DELETE, user=0, fact=0, id_form="None", odd=True)
    asked = plan(add(0), replaced, odd, listed(0)).model_copy(
        update={"facts": tuple(FactSpec(text=text, owners=(0,)) for text in (TEXT, f"Now: {TEXT}"))}
    )
    assert judge(run(Forgiving(), asked)).findings == ()


class Scoping(ReferenceStore):
    """Writes the user into the filters that it was passed, as a key of its own, and believes it later."""

    def get_all(self, user: Any, *, filters: Any = None) -> list[Memory]:
        return super().get_all(user if filters is None else filters.setdefault("owner", user))


def test_equal_filters_are_one_object_for_all_users() -> None:
    filtered = [Step(op=Operation.GET_ALL, user=user, filters={"topic": "travel"}) for user in (0, 1)]
    judged = judge(run(Scoping(), plan(add(0), add(1), *filtered)))
    assert [(finding.anomaly, finding.viewer) for finding in judged.findings] == [("S5", 1)]


# --- clean-up --------------------------------------------------------------------------------------------


def test_cleans_up_after_every_plan() -> None:
    store = Store({"stranger": {"s1": STRANGER}})
    run(store)
    assert store.users() == ["stranger"]


class Interrupted(Store):
    """Its search is where the user presses Control-C."""

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        raise KeyboardInterrupt


def test_cleans_up_after_an_exception_in_a_step() -> None:
    store = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(store)
    assert store.users() == []


class Failing(Store):
    """Every read fails in the adapter."""

    def get_all(self, user: Any) -> list[Memory]:
        raise KeyError(user)


def test_an_adapter_that_raises_is_an_error_and_is_cleaned_up() -> None:
    store = Failing()
    judged = judge(run(store))
    assert not judged.findings
    assert judged.errors
    assert store.users() == []


class Mute(Exception):  # noqa: N818 - named by what it does
    """An exception whose message can't be made."""

    def __str__(self) -> str:
        raise RuntimeError


class Speechless(Store):
    def get_all(self, user: Any) -> list[Memory]:
        raise Mute


def test_an_error_without_a_message_is_recorded_too() -> None:
    history = run(Speechless())
    assert {event.error_kind for event in history.events if event.outcome is Outcome.ERROR} == {"Mute"}


class Keeping(Store):
    """Stores what it is given, answers nothing for it and deletes nothing."""

    def add(self, user: Any, text: str) -> list[Memory]:
        super().add(user, text)
        return []

    def delete_all(self, user: Any) -> None:
        raise Refused("Deleting is switched off.")


def test_tells_what_could_not_be_deleted() -> None:
    with closing(session_of(Keeping)) as session:
        runner = runner_of(session)
        history = runner.run(TWO)
    assert runner.leftovers == [f"'{user.name}'" for user in history.users]


class Closed(Store):
    """Refuses everything."""

    def add(self, user: Any, text: str) -> list[Memory]:
        raise Refused("No.")

    delete_all = get_all = add  # type: ignore[assignment]


def test_what_was_refused_is_not_left_over() -> None:
    with closing(session_of(Closed)) as session:
        runner = runner_of(session)
        runner.run(TWO)
    assert runner.leftovers == []


# --- strangers' text -------------------------------------------------------------------------------------


class Leaking(Store):
    """Everybody reads the stranger's memory too, in the text, in a field and in refusals."""

    def get_all(self, user: Any) -> list[Memory]:
        own = [Memory(row.id, row.text, {"beside": STRANGER}) for row in super().get_all(user)]
        return [*own, Memory(f"id of {STRANGER}", STRANGER, {"owner": STRANGER})]

    def get(self, user: Any, id: str) -> Memory | None:
        raise Refused(f"No {id}; did you mean: {STRANGER}")

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return self.get_all(user)[-limit:]


GETTING = plan(add(0), add(1), settle(0), settle(1), Step(op=Operation.GET, user=1, fact=0))


@pytest.mark.parametrize("asked", [TWO, GETTING], ids=["lists", "refusals"])
def test_a_strangers_text_is_in_no_history(asked: Plan) -> None:
    dump = run(Leaking(), asked, disposable=False).model_dump_json()
    assert "recipe" not in dump
    assert f"[{len(STRANGER)} characters that this run did not write, digest " in dump


def test_refusals_are_withheld_where_strangers_are() -> None:
    shown, withheld = (run(Leaking(), GETTING, disposable=d).events[-1] for d in (True, False))
    assert shown.outcome is withheld.outcome is Outcome.REFUSED
    assert STRANGER in (shown.error or "")
    assert re.fullmatch(r"\[text withheld, \d+ characters, digest [0-9a-f]{12}\]", withheld.error or "")


def test_a_withheld_text_still_tells_equal_from_unequal() -> None:
    absent = Step(op=Operation.GET, user=1, fact=0, absent=True)
    foreign = Step(op=Operation.GET, user=1, fact=0)
    events = run(Leaking(), plan(add(0), add(1), absent, foreign, absent), disposable=False).events[-3:]
    assert len({event.error for event in events}) == 1


class Naming(Store):
    """Its refusals name the caller in small letters, or the user who wrote first."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self._first = first

    def get(self, user: Any, id: str) -> Memory | None:
        who = next(iter(self.rows)) if self._first else user.lower()
        raise Refused(f"{who} has no {id}")


@pytest.mark.parametrize(("first", "told"), [(True, (0,)), (False, ())])
def test_only_another_users_name_is_told(first: bool, told: tuple[int, ...]) -> None:  # noqa: FBT001
    event = run(Naming(first=first), GETTING).events[-1]
    assert event.names == told
    assert event.error == ("<user 0> has no <id>" if first else "<user 1> has no <id>")


def test_the_callers_own_name_folded_is_no_other_users() -> None:
    related = (UserSpec(template="{base}-foo"), UserSpec(template="{base}-FOO"))
    asked = plan(add(0), add(1), Step(op=Operation.GET, user=1, fact=0), users=related)
    assert run(Naming(first=False), asked).events[-1].names == ()


# --- hostile writes --------------------------------------------------------------------------------------

HOSTILE = UserSpec(template="null", type="json", hostile=True)


@pytest.mark.parametrize("op", [Operation.ADD, Operation.DELETE_ALL, Operation.DELETE, Operation.MAINTAIN])
def test_hostile_writes_need_a_disposable_target(op: Operation) -> None:
    asked = plan(add(0), Step(op=op, user=1, fact=0), users=(UserSpec(), HOSTILE))
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) == NEEDS_DISPOSABLE
        assert runner_of(session, disposable=True).blocked(asked) is None


@pytest.mark.parametrize("template", ["customer-1", "*", "", "{base}' OR '1'='1", "{base}|*", "{{base}}"])
def test_a_plan_from_a_file_is_not_believed_that_its_names_are_harmless(template: str) -> None:
    asked = plan(Step(op=Operation.DELETE_ALL, user=0), users=(UserSpec(template=template, hostile=False),))
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) is not None


def test_every_shipped_relation_is_blocked_exactly_where_it_is_hostile() -> None:
    with closing(session_of(Store)) as session:
        runner = runner_of(session, disposable=False)
        for relation in RELATIONS:
            for user in relation.pair():
                asked = plan(Step(op=Operation.DELETE_ALL, user=0), users=(user,))
                assert (runner.blocked(asked) is not None) == relation.hostile, relation.name


@pytest.mark.parametrize(
    "name", ["customer-1", "admin", "", None, "*", 1, True, {"$ne": "iso-k3f9-03000001"}]
)
@pytest.mark.parametrize("method", ["add", "update", "delete", "delete_all", "maintain"])
def test_no_write_passes_the_gate_under_a_name_that_was_not_leased(method: str, name: object) -> None:
    store = Store()
    with closing(session_of(lambda: store)) as session:
        guarded = GuardedSession(session, Lease("k3f9", 3, Mint(SECRET)), disposable=False)
        with pytest.raises(NotLeased, match="was stopped"):
            guarded.call(method, name, "x")
        assert not store.rows


def test_every_name_that_a_relation_makes_of_a_lease_passes_the_gate() -> None:
    lease = Lease("k3f9", 3, Mint(SECRET))
    for relation in RELATIONS:
        base = lease.base()
        assert all(lease.made(bind(user, *base)) for user in relation.pair()), relation.name
    assert not Lease("zzzz", 3, Mint(SECRET)).made(lease.base()[0])


def test_what_passes_a_plan_by_is_stopped_at_the_gate() -> None:
    store = Store()
    store.add("customer-1", "a stranger's")
    asked = plan(Step(op=Operation.DELETE_ALL, user=0), users=(UserSpec(template="customer-1"),))
    with pytest.raises(NotLeased):
        run(store, asked, disposable=False)
    assert store.rows["customer-1"]


@pytest.mark.parametrize("op", [Operation.DELETE, Operation.UPDATE])
def test_an_id_that_nobody_was_given_changes_nothing_in_a_strangers_store(op: Operation) -> None:
    asked = plan(add(0), Step(op=op, user=0, fact=0, id_form="*", odd=True))
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) == NEEDS_DISPOSABLE
        assert runner_of(session, disposable=True).blocked(asked) is None


def test_hostile_reads_need_nothing() -> None:
    asked = plan(add(0), listed(1), users=(UserSpec(), HOSTILE))
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) is None


# --- absent ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "shape"),
    [
        ("1", r"20\d{8}"),
        ("4711", r"20\d{8}"),
        ("1745839201928374655", r"17\d{17}"),
        ("9b2e6c1a-5f3d-4c8e-a1b2-c3d4e5f60718", rf"{HEX}{{8}}-{HEX}{{4}}-4{HEX}{{3}}-a{HEX}{{3}}-{HEX}+"),
        ("passage-9b2e6c1a-5f3d-4c8e-a1b2-c3d4e5f60718", r"passage-[0-9a-f-]{36}"),
        ("mem_abcd1234", r"mem_[0-9a-f]{8}"),
        ("mem_wxyz1234", r"mem_[a-z]{4}[2-7]{4}"),
        ("507f1f77bcf86cd799439011", r"50[0-9a-f]{22}"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", r"01[0-9A-HJKMNP-TV-Z]{24}"),
        ("user:42", r"user:20\d{8}"),
        ("...", r"\.\.\.7"),
    ],
)
def test_an_absent_id_has_the_shape_of_a_real_one(real: str, shape: str) -> None:
    drawn = {look_alike(real, seed) for seed in range(20)}
    assert real not in drawn
    assert all(re.fullmatch(shape, id) for id in drawn), drawn


# --- time limits -----------------------------------------------------------------------------------------


class Hanging(Store):
    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        time.sleep(0.6)
        return []


class AsyncStore:
    """The right system behind coroutines; `waits` before each search."""

    def __init__(self, waits: float = 0.0) -> None:
        self.store, self.waits, self.loops = Store(), waits, set[int]()

    async def add(self, user: Any, text: str) -> list[Memory]:
        self.loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return self.store.add(user, text)

    async def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        await asyncio.sleep(self.waits)
        return self.store.search(user, query, limit=limit)

    async def get_all(self, user: Any) -> list[Memory]:
        self.loops.add(id(asyncio.get_running_loop()))
        return self.store.get_all(user)

    async def delete_all(self, user: Any) -> None:
        self.store.delete_all(user)


@pytest.mark.parametrize("factory", [Hanging, lambda: AsyncStore(30.0)], ids=["sync", "async"])
def test_a_call_that_hangs_is_given_up(factory: Callable[[], Any]) -> None:
    session = session_of(factory, limit=0.15)
    runner = runner_of(session)
    began = time.monotonic()
    history = runner.run(TWO)
    assert time.monotonic() - began < BUDGET
    assert history.events[-1].error_kind == "TimeLimit"
    assert judge(history).errors
    assert not judge(history).findings
    assert len(runner.leftovers) == 2
    with pytest.raises(TimeLimit):
        session.call("get_all", "anybody")
    session.close()


def test_a_call_that_returns_too_late_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    session = session_of(Hanging, limit=0.1)
    with pytest.raises(TimeLimit):
        session.call("search", "a", "b", limit=1)
    time.sleep(0.8)
    assert died == []


def test_an_adapters_own_time_out_is_not_the_suites() -> None:
    class Impatient(Store):
        def get_all(self, user: Any) -> list[Memory]:
            raise TimeoutError("the adapter's own")

    with closing(session_of(Impatient)) as session:
        with pytest.raises(TimeoutError, match="own"):
            session.call("get_all", "a")
        assert session.lost is None


# --- kinds of adapters and factories ---------------------------------------------------------------------


class Sqlite:
    """A connection that only the thread which opened it may use."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE TABLE memory (id INTEGER PRIMARY KEY, user TEXT, text TEXT)")

    def add(self, user: Any, text: str) -> list[Memory]:
        made = self._db.execute("INSERT INTO memory (user, text) VALUES (?, ?)", (user, text))
        return [Memory(f"{made.lastrowid}", text)]

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return [row for row in self.get_all(user) if row.text == query][:limit]

    def get_all(self, user: Any) -> list[Memory]:
        rows = self._db.execute("SELECT id, text FROM memory WHERE user = ?", (user,))
        return [Memory(f"{id}", text) for id, text in rows]

    def delete_all(self, user: Any) -> None:
        self._db.execute("DELETE FROM memory WHERE user = ?", (user,))

    def close(self) -> None:
        self._db.close()


class Nested(Store):
    """A sync method that runs a loop of its own."""

    def get_all(self, user: Any) -> list[Memory]:
        async def fetch() -> list[Memory]:
            return super(Nested, self).get_all(user)

        return asyncio.run(fetch())


@contextmanager
def managed() -> Iterator[Store]:
    yield Sqlite()  # type: ignore[misc]


@asynccontextmanager
async def managed_async() -> AsyncIterator[AsyncStore]:
    await asyncio.sleep(0)
    yield AsyncStore()


async def made_by_coroutine() -> AsyncStore:
    await asyncio.sleep(0)
    return AsyncStore()


async def sync_made_by_coroutine() -> Store:
    return Store()


FACTORIES: dict[str, Callable[[], Any]] = {
    "plain": Store,
    "sqlite": Sqlite,
    "async": AsyncStore,
    "asyncio-run-inside": Nested,
    "context-manager": managed,
    "async-context-manager": managed_async,
    "coroutine": made_by_coroutine,
    "coroutine-of-sync": sync_made_by_coroutine,
}


@pytest.mark.parametrize("kind", FACTORIES)
def test_any_kind_of_adapter_runs_and_holds(kind: str) -> None:
    with closing(session_of(FACTORIES[kind])) as session:
        history = runner_of(session).run(TWO)
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert controls(history) == 4


def test_an_async_adapter_has_one_loop() -> None:
    adapter = AsyncStore()
    run(adapter)
    assert len(adapter.loops) == 1


def test_a_context_is_left_on_its_own_thread() -> None:
    threads: list[int] = []

    @contextmanager
    def opened() -> Iterator[Store]:
        threads.append(threading.get_ident())
        yield Store()
        threads.append(threading.get_ident())

    with closing(session_of(opened)) as session:
        runner_of(session).run(TWO)
    assert len(threads) == 2
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_close_is_called_once() -> None:
    closed: list[int] = []

    class Closing(Store):
        def close(self) -> None:
            closed.append(1)

    session_of(Closing).close()
    assert closed == [1]


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        (object, "has no method add, search"),
        (lambda needed: needed, "could not be called with options none"),
        (lambda: 1 / 0, "could not be opened: ZeroDivisionError"),
        (lambda: __import__("no_such_package_at_all"), "a package is missing"),
    ],
)
def test_what_can_not_be_opened_is_told_in_one_sentence(factory: Callable[..., Any], says: str) -> None:
    with pytest.raises(TargetProblem, match=says):
        session_of(factory)


# --- the contract ----------------------------------------------------------------------------------------

MEMORY = Memory("1", "a")


@pytest.mark.parametrize(
    ("op", "answer", "says"),
    [
        (Operation.SEARCH, None, r"search\(\) returned None; it must return a sequence"),
        (Operation.GET_ALL, {"results": []}, r"get_all\(\) returned a dict; it must return a sequence"),
        (Operation.GET_ALL, "text", r"returned a str"),
        (Operation.EXPORT, iter([]), r"export\(\) returned a list_iterator"),
        (Operation.ADD, [{"id": "1"}], r"add\(\) returned a dict; it must return .*Memory objects"),
        (Operation.ADD, [Memory("", "a")], r"whose id is a str; it must be a non-empty str, or None"),
        (Operation.ADD, [Memory(7, "a")], r"whose id is a int"),  # type: ignore[arg-type]
        (Operation.ADD, [Memory("1", None)], r"text is None; it must be a str"),  # type: ignore[arg-type]
        (Operation.GET_ALL, [MEMORY, MEMORY], r"two memories with one id"),
        (Operation.SEARCH, [Memory(f"{n}", "a") for n in range(4)], r"returned 4 memories for limit=3"),
        (Operation.GET, [MEMORY], r"get\(\) returned a list"),
        (Operation.DELETE_ALL, {"deleted": 3}, r"delete_all\(\) returned a dict; it must return nothing"),
        (
            Operation.DELETE,
            3,
            r"delete\(\) returned a int; it must return nothing, a boolean",
        ),
        (Operation.UPDATE, {"ok": True}, r"update\(\) returned a dict; it must return nothing, a boolean"),
        (Operation.UPDATE, ["1"], r"update\(\) returned a str; it must return .*Memory objects"),
        (Operation.MAINTAIN, 0, r"maintain\(\) returned a int; it must return nothing"),
        (Operation.COUNT, "3", r"count\(\) returned a str; it must return a whole number"),
        (Operation.COUNT, True, r"count\(\) returned a bool"),
        (Operation.COUNT, -1, r"whole number of memories"),
        (Operation.PAGE, [MEMORY], r"page\(\) returned a list; it must return an .*Page"),
        (Operation.PAGE, Page([MEMORY], ""), r"whose cursor is a non-empty str, or None"),
        (Operation.PAGE, Page([MEMORY, MEMORY]), r"two memories with one id"),
    ],
)
def test_a_wrong_shape_is_told_to_the_adapters_author(op: Operation, answer: object, says: str) -> None:
    with pytest.raises(BrokenContract, match=says):
        police(op, answer, limit=3)


@pytest.mark.parametrize(
    ("op", "answer"),
    [
        (Operation.ADD, []),
        (Operation.GET_ALL, (MEMORY, Memory(None, "b"), Memory(None, "c"))),
        (Operation.HISTORY, [MEMORY, MEMORY]),
        (Operation.GET, None),
        (Operation.GET, MEMORY),
        (Operation.COUNT, 0),
        (Operation.PAGE, Page([MEMORY], "next")),
        (Operation.DELETE_ALL, None),
        *((Operation.UPDATE, said) for said in (None, False, MEMORY, [MEMORY])),
        *((Operation.DELETE, said) for said in (None, True, MEMORY, [MEMORY])),
    ],
)
def test_a_right_shape_passes(op: Operation, answer: object) -> None:
    police(op, answer, limit=3)


class Talkative(Store):
    """Deletes as it should, but says how many."""

    def delete_all(self, user: Any) -> None:
        count = len(self.rows.pop(user, {}))
        return {"deleted": count}  # type: ignore[return-value]


def test_a_delete_that_says_too_much_is_an_error_and_no_loss() -> None:
    asked = plan(add(0), add(1), settle(0), settle(1), Step(op=Operation.DELETE_ALL, user=0), *TWO.steps[-2:])
    judged = judge(run(Talkative(), asked))
    assert not judged.findings
    assert any("must return nothing" in error for error in judged.errors)


def test_capabilities_are_found_by_presence() -> None:
    assert claimed(Store()) == ("get", "users")
    assert claimed(AsyncStore()) == ("async",)


# --- the consistency budget ------------------------------------------------------------------------------


class Slow(Store):
    """What is written shows after a while."""

    def __init__(self) -> None:
        super().__init__()
        self._since: dict[str, float] = {}

    def add(self, user: Any, text: str) -> list[Memory]:
        rows = super().add(user, text)
        self._since[text] = time.monotonic() + DELAY
        return rows

    def get_all(self, user: Any) -> list[Memory]:
        return [row for row in super().get_all(user) if self._since[row.text] <= time.monotonic()]


def test_waits_within_the_budget() -> None:
    history = run(Slow(), consistency=BUDGET)
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert controls(history) == 4
    assert any(event.poll for event in history.events)


def test_doubts_what_is_slower_than_declared() -> None:
    history = run(Slow(), plan(add(0), add(1), settle(0), settle(1)))
    judged = judge(history)
    assert not judged.findings
    assert judged.doubts
    assert not any(event.poll for event in history.events)


class Shaky(Store):
    """Nobody knows whether the second write took effect."""

    def add(self, user: Any, text: str) -> list[Memory]:
        if self.rows:
            raise Indeterminate("504")
        return super().add(user, text)


def test_an_unknown_outcome_is_a_doubt() -> None:
    judged = judge(run(Shaky()))
    assert not judged.findings
    assert judged.doubts
    assert not judged.errors


class Stale(Store):
    """The search finds deleted memories for a while longer than the list."""

    def __init__(self) -> None:
        super().__init__()
        self._ghosts: dict[Any, tuple[float, list[Memory]]] = {}

    def delete_all(self, user: Any) -> None:
        self._ghosts[user] = (time.monotonic() + DELAY, self.get_all(user))
        super().delete_all(user)

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        until, ghosts = self._ghosts.get(user, (0.0, []))
        found = super().search(user, query, limit=limit)
        return [*found, *ghosts] if time.monotonic() < until else found


@pytest.mark.parametrize(("consistency", "found"), [(BUDGET, []), (0.0, ["D4-search-any"])])
def test_a_search_may_forget_within_the_budget(consistency: float, found: list[str]) -> None:
    empty = Step(op=Operation.DELETE_ALL, user=0)
    judged = judge(run(Stale(), plan(add(0), settle(0), empty, settle(0)), consistency=consistency))
    assert [finding.key for finding in judged.findings] == found
