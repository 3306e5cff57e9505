"""The gate: no write under a name that is not the run's own reaches a store of strangers."""

from __future__ import annotations

from contextlib import closing

import pytest

from isolation_tests.execution.binding import Lease
from isolation_tests.execution.guard import GuardedSession, NotLeased
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
    Operation,
    Step,
    UserSpec,
)
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.relations import RELATIONS, bind
from meta_tests.execution.small import SECRET, Store, add, listed, plan, run, runner_of, session_of

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
