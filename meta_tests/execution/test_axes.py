"""Axes of an adapter: what it may declare, what its calls get, and that what they store is deleted again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.adapters.axes.reference import AXES, ReferenceAxesStore
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.core.errors import TargetProblem
from isolation_tests.execution.axes import declared_axes, further
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.journal import Journal, Leased, RunInfo, RunRecord
from isolation_tests.execution.reaper import Reaper
from isolation_tests.execution.runner import Runner
from isolation_tests.judges.judging import judge
from isolation_tests.model import Axis, FactSpec, NameSpec, Omitted, Operation, Plan, Step, UserSpec
from isolation_tests.testdata.canaries import Mint
from meta_tests.execution.small import SECRET, TEXT, Store, session_of

RUN = "a1b2c3"


class Scoped(Store):
    """An adapter with axes; it keeps every scope that it was given."""

    def __init__(self, axes: Any) -> None:
        super().__init__()
        self.axes = axes
        self.given: list[Any] = []

    def _place(self, user: Any, scope: Mapping[str, Any]) -> str:
        self.given.append(scope)
        return repr((user, sorted(scope.items())))

    def add(self, user: Any, text: str, *, scope: Mapping[str, Any]) -> list[Memory]:  # type: ignore[override]
        return super().add(self._place(user, scope), text)

    def search(  # type: ignore[override]
        self, user: Any, query: str, *, limit: int, scope: Mapping[str, Any]
    ) -> list[Memory]:
        return super().search(self._place(user, scope), query, limit=limit)

    def get_all(self, user: Any, *, scope: Mapping[str, Any] | None = None) -> list[Memory]:
        return super().get_all(user if scope is None else self._place(user, scope))

    def delete_all(self, user: Any, *, scope: Mapping[str, Any]) -> None:  # type: ignore[override]
        super().delete_all(self._place(user, scope))

    def get(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> Memory | None:  # type: ignore[override]
        return super().get(self._place(user, scope), id)


class Dropping(Scoped):
    """It declares axes, and its get drops them."""

    def get(self, user: Any, id: str) -> Memory | None:  # type: ignore[override]
        return None


USER = {"user": "refused"}


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        (["user", "session"], "`axes` is a list; write a mapping .* 'refused', 'none' or 'all'"),
        ({**USER, "Session ": "none"}, "the axis 'Session '; name an axis in lower-case letters"),
        ({**USER, "session": "some"}, "'some' of an omitted session; write 'refused', 'none' or 'all'"),
        ({"session": "none"}, "lacks 'user'; put it in its place"),
        ({"user": "all", "session": "none"}, "every user's memories, which contradicts .* write 'user': 're"),
        ({**USER, **dict.fromkeys("abcde", "none")}, "5 axes beside the user; declare at most 4"),
        (None, r"add\(\) \(and 4 more\) has the keyword `scope`, but no `axes` says what is in it"),
        (USER, r"add\(\) \(and 4 more\) has the keyword `scope`, but no `axes` says what is in it"),
    ],
)
def test_what_cannot_be_is_one_sentence(axes: Any, says: str) -> None:
    with pytest.raises(TargetProblem, match=rf"\(a Scoped\) can't be tested: its .*{says}") as told:
        session_of(lambda: Scoped(axes))
    assert "\n" not in str(told.value)


def test_a_method_that_drops_the_axes_is_named() -> None:
    with pytest.raises(TargetProblem, match=r"its get\(\) has no keyword `scope` and drops them; add it"):
        session_of(lambda: Dropping({**USER, "session": "none"}))


@pytest.mark.parametrize("adapter", [Store(), ReferenceStore()])
def test_an_adapter_of_one_axis_has_none(adapter: Any) -> None:
    assert declared_axes(adapter) == ()


def test_axes_are_numbered_capabilities_from_the_outermost_on() -> None:
    session = session_of(ReferenceAxesStore)
    session.close()

    assert [axis.name for axis in session.axes] == [*AXES]
    assert [axis.name for axis in further(session.axes)] == ["tenant", "agent", "session"]
    assert {"axis-1", "axis-2", "axis-3"} <= {*session.claimed}
    assert "axis-4" not in session.claimed


def test_a_call_without_a_scope_gets_the_usual_one_and_each_call_its_own() -> None:
    store = Scoped({"tenant": "refused", **USER, "session": "all"})
    session = session_of(lambda: store)
    given = {"tenant": "t"}
    session.call("add", "ann", "hello")
    session.call("add", "ann", "hello", scope=given)
    session.call("users")
    session.close()

    assert store.given == [{"tenant": "iso-tenant", "session": "iso-session"}, {"tenant": "t"}]
    assert store.given[1] is not given


def two_sessions() -> Plan:
    tenant = NameSpec(group=7)
    values = (NameSpec(group=8), NameSpec(group=9), None)
    return Plan(
        name="in-test",
        anomaly="S7",
        users=tuple(UserSpec(scope={"tenant": tenant, "session": value}) for value in values),
        facts=tuple(FactSpec(text=TEXT, owners=(user,)) for user in range(3)),
        steps=tuple(
            Step(op=op, user=user, fact=user if op is Operation.ADD else None)
            for op in (Operation.ADD, Operation.SETTLE, Operation.GET_ALL)
            for user in range(3)
        ),
        axes=(
            Axis(name="tenant", omitted=Omitted.REFUSED),
            Axis(name="user", omitted=Omitted.REFUSED),
            Axis(name="session", omitted=Omitted.NONE),
        ),
    )


def performed(store: Any, journal: Journal | None = None) -> Any:
    session = session_of(lambda: store)
    runner = Runner(
        session,
        Lease(RUN, 0, Mint(SECRET), journal),
        consistency=0,
        disposable=False,
        began=0,
        open_more=lambda: session,
    )
    try:
        return runner.run(two_sessions())
    finally:
        session.close()


def test_users_act_in_their_scopes_with_fresh_values_and_everything_goes() -> None:
    store = Scoped({"tenant": "refused", **USER, "session": "none"})
    history = performed(store)
    one, other, without = (user.scope or {} for user in history.users)

    assert len({user.name for user in history.users}) == 1
    assert one["tenant"] == other["tenant"] == without["tenant"]
    assert one["session"] != other["session"]
    assert "session" not in without
    assert all(str(value).startswith(f"iso-{RUN}-") for value in (*one.values(), *other.values()))
    judged = judge(history)
    assert (judged.findings, judged.doubts, judged.errors) == ((), (), ())
    assert not store.users()


def test_a_plan_without_scopes_acts_in_the_usual_one() -> None:
    store = Scoped({"tenant": "refused", **USER, "session": "none"})
    session = session_of(lambda: store)
    plain = two_sessions().model_copy(update={"users": (UserSpec(),) * 3, "axes": ()})
    runner = Runner(
        session,
        Lease(RUN, 0, Mint(SECRET)),
        consistency=0,
        disposable=False,
        began=0,
        open_more=lambda: session,
    )
    history = runner.run(plain)
    session.close()

    assert {tuple((user.scope or {}).items()) for user in history.users} == {
        (("tenant", "iso-tenant"), ("session", "iso-session"))
    }


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr("isolation_tests.execution.journal._root", lambda: tmp_path)
    kept = Journal.begin(RunInfo(run_id=RUN, target="in-test", name="in-test"), durable=False)
    yield kept
    kept.close()


class Unclean(Scoped):
    """Its deletes do nothing while it is broken."""

    broken = True

    def delete_all(self, user: Any, *, scope: Mapping[str, Any]) -> None:  # type: ignore[override]
        if self.broken:
            raise OSError("down")
        super().delete_all(user, scope=scope)


def test_what_a_run_left_in_its_scopes_is_deleted_there(journal: Journal) -> None:
    store = Unclean({"tenant": "refused", **USER, "session": "none"})
    performed(store, journal)
    record = RunRecord.read(journal.folder)
    assert record is not None
    assert len(record.left()) == len(store.users()) == 3

    store.broken = False
    opened: Callable[[], Any] = lambda: session_of(lambda: store)  # noqa: E731 - opened again and again
    assert Reaper(RUN, opened, consistency=0, disposable=False).reap(record.left(), record.mark) == []
    assert not store.users()
    assert record.left() == []


def test_a_leased_name_is_a_user_or_a_user_in_a_scope() -> None:
    assert Leased(0, "ann").call() == ("ann", {})
    assert Leased(0, {"$ne": None}).call() == ({"$ne": None}, {})
    assert Leased(0, {"user": "ann", "scope": {"a": 1}}).call() == ("ann", {"scope": {"a": 1}})
