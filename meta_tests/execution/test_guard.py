"""The gate: no write under a name that is not the run's own reaches a store of strangers."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.guard import GuardedSession, NotLeased
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
    Operation,
    Step,
    UserSpec,
)
from isolation_tests.plans.cells import TOPIC
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.relations import RELATIONS, bind
from meta_tests.execution.small import SECRET, Store, add, listed, plan, run, runner_of, session_of, settle

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


@pytest.mark.parametrize("name", ["customer-1", "admin", 1, True, ["admin"]])
def test_no_read_passes_the_gate_under_a_name_that_somebody_may_have(name: object) -> None:
    with closing(session_of(Store)) as session:
        guarded = GuardedSession(session, Lease("k3f9", 3, Mint(SECRET)), disposable=False)
        with pytest.raises(NotLeased, match="was stopped"):
            guarded.call("get_all", name)
        assert guarded.call("get_all", None) == []


def test_every_name_that_a_relation_makes_of_a_lease_passes_the_gate() -> None:
    lease = Lease("k3f9", 3, Mint(SECRET))
    for relation in RELATIONS:
        base = lease.base()
        assert all(lease.made(bind(user, *base)) for user in relation.pair()), relation.name
    assert not Lease("zzzz", 3, Mint(SECRET)).made(lease.base()[0])


def test_nothing_works_on_the_whole_store_whoever_asks_for_it() -> None:
    lease = Lease("k3f9", 3, Mint(SECRET))
    asked = plan(Step(op=Operation.MAINTAIN, user=0))
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) == NEEDS_DISPOSABLE
        with pytest.raises(NotLeased, match="maintain as user 'iso-k3f9-03000001' was stopped"):
            GuardedSession(session, lease, disposable=False).call("maintain", lease.base()[0])


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


@pytest.mark.parametrize(
    "more",
    [
        {"key": "profile"},
        {"key": ""},
        {"metadata": {"user_id": "customer-1"}},
        {"metadata": {"scope": [{"tenant": 7}]}},
        {"filters": {"user_id": "@1"}},
    ],
)
def test_no_argument_of_a_write_could_be_somebody_elses(more: dict[str, Any]) -> None:
    """In a store that takes a key or metadata for the owner, it would replace what that user has."""
    with closing(session_of(Store)) as session:
        for op in (Operation.ADD, Operation.UPDATE, Operation.DELETE_ALL):
            asked = plan(add(0), Step(op=op, user=0, fact=0, **more))
            assert runner_of(session, disposable=False).blocked(asked) == NEEDS_DISPOSABLE, op
            assert runner_of(session, disposable=True).blocked(asked) is None
        own = {"key": "profile-{base}", "metadata": {**TOPIC, "user_id": "@1", "note": "#0", "links": ["~0"]}}
        asked = plan(add(0), Step(op=Operation.ADD, user=0, fact=0, **own))
        assert runner_of(session, disposable=False).blocked(asked) is None


REAL = (
    UserSpec(template='"customer-1"', type="json", hostile=True),
    UserSpec(template="customer-1"),
    UserSpec(template="17", type="int"),
)


@pytest.mark.parametrize("real", REAL, ids=["json", "str", "int"])
@pytest.mark.parametrize(
    "step",
    [
        Step(op=Operation.GET_ALL, user=1),
        Step(op=Operation.INTRUDE, user=0, victim=1, how="no-session"),
        Step(op=Operation.SEARCH, user=0, fact=0, filters={"any": [{"user_id": "@1"}]}),
        Step(op=Operation.ADD, user=0, fact=0, metadata={"user_id": "@1"}),
    ],
    ids=["caller", "victim", "filter", "metadata"],
)
def test_a_plan_from_a_file_names_nobody_who_may_be_real(step: Step, real: UserSpec) -> None:
    with closing(session_of(Store)) as session:
        for users, blocked in (
            ((UserSpec(), real), NEEDS_DISPOSABLE),
            ((UserSpec(), UserSpec(group=1)), None),
        ):
            asked = plan(add(0), step, users=users)
            assert runner_of(session, disposable=False).blocked(asked) == blocked
            assert runner_of(session, disposable=True).blocked(asked) is None


def test_no_metadata_names_a_user_whom_others_may_share() -> None:
    asked = plan(
        Step(op=Operation.ADD, user=0, fact=0, metadata={"owner": "@1"}), users=(UserSpec(), HOSTILE)
    )
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) == NEEDS_DISPOSABLE


def test_no_intrusion_passes_the_gate_whose_victim_may_be_real() -> None:
    class Open(Store):
        def intrude(self, user: Any, victim: Any, how: str) -> list[Memory]:
            return self.get_all(victim)

    lease = Lease("k3f9", 3, Mint(SECRET))
    with closing(session_of(Open)) as session:
        guarded = GuardedSession(session, lease, disposable=False)
        one, other = lease.base()[0], lease.base()[0]
        assert guarded.call("intrude", one, other, "no-session") == []
        with pytest.raises(NotLeased, match="intrude as user 'customer-1' was stopped"):
            guarded.call("intrude", one, "customer-1", "no-session")


def test_hostile_reads_need_nothing() -> None:
    asked = plan(add(0), listed(1), users=(UserSpec(), HOSTILE))
    with closing(session_of(Store)) as session:
        assert runner_of(session, disposable=False).blocked(asked) is None


@pytest.mark.parametrize("id", ["17", "mem_000001", "*", "", None, {"$ne": ""}])
@pytest.mark.parametrize("method", ["update", "delete"])
def test_no_write_goes_by_an_id_that_the_run_was_not_given(method: str, id: object) -> None:
    store = Store()
    store.add("customer-1", "a stranger's")
    lease = Lease("k3f9", 3, Mint(SECRET))
    with closing(session_of(lambda: store)) as session:
        guarded = GuardedSession(session, lease, disposable=False)
        with pytest.raises(NotLeased, match="was stopped"):
            guarded.call(method, lease.base()[0], id)


def test_no_read_goes_by_an_id_that_may_be_a_strangers() -> None:
    lease = Lease("k3f9", 3, Mint(SECRET))
    lease.ids |= {"7", "mem_000007"}
    with closing(session_of(Store)) as session:
        guarded = GuardedSession(session, lease, disposable=False)
        for id in ("0", "-1", "17", "77", "7,8", "mem_000008", "null"):
            with pytest.raises(NotLeased, match="was stopped"):
                guarded.call("get", lease.base()[0], id)
        for id in ("7", "mem_000007", "../7", "7,7", "7'--", "*", ""):
            assert guarded.lease.addresses_own(id) or not id.strip("*")
            assert guarded.call("get", lease.base()[0], id) is None


def test_an_id_form_that_may_be_a_strangers_needs_a_disposable_target() -> None:
    with closing(session_of(Store)) as session:
        runner = runner_of(session, disposable=False)
        for form, blocked in (
            ("0", NEEDS_DISPOSABLE),
            ("null", NEEDS_DISPOSABLE),
            ("*", None),
            ("{id}/", None),
        ):
            asked = plan(add(0), Step(op=Operation.GET, user=0, fact=0, id_form=form, odd=True))
            assert runner.blocked(asked) == blocked, form


@pytest.mark.parametrize(
    ("first", "asked_for"), [("9", 0), ("91345", 0), ("note-7a", 1), ("mem_7", 1), ("17{:017d}", 1)]
)
def test_an_id_of_nobodys_is_tried_where_it_is_surely_nobodys(first: str, asked_for: int) -> None:
    seen: list[str] = []
    wanted = Step(op=Operation.GET, user=0, fact=0, absent=True)
    asked = plan(add(0), settle(0), wanted, wanted).model_copy(update={"anomaly": "O1"})

    class Spied(Store):
        def add(self, user: Any, text: str) -> list[Memory]:
            self.rows.setdefault(user, {})[id := first.format(5)] = text
            return [Memory(id, text)]

        def get(self, user: Any, id: str) -> Memory | None:
            seen.append(id)
            return super().get(user, id)

    history = run(Spied(), asked, disposable=False)
    assert len(seen) == 2 * asked_for
    assert len(judge(history).doubts) == 1 - asked_for
    run(Spied(), asked)
    assert len(seen) == 2 * asked_for + 2
