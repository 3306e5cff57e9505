"""The SQLite adapter against the SQLite that comes with Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Indeterminate, Unavailable
from isolation_tests.adapters.sqlite_fts import SqliteFts, open_memory
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings


def has_fts5() -> bool:
    connection = sqlite3.connect(":memory:")
    options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    return "ENABLE_FTS5" in options


pytestmark = pytest.mark.skipif(not has_fts5(), reason="this Python's SQLite lacks FTS5")


@pytest.fixture
def memory() -> Iterator[SqliteFts]:
    with open_memory() as opened:
        yield opened


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_a_query_finds_the_memories_that_hold_its_words(memory: SqliteFts) -> None:
    memory.add("alice", "Alice keeps bees")
    memory.add("alice", "Alice is a judge")
    memory.add("bob", "Bob keeps bees")

    (found,) = memory.search("alice", "bees?", limit=10)
    assert found.text == "Alice keeps bees"
    assert isinstance(found.raw, dict)
    assert found.raw["user_id"] == "alice"
    assert set(memory.users()) == {"alice", "bob"}


@pytest.mark.parametrize("query", ["", "!!", '"', '" OR "bees', "text:bees*", "bees OR bees", "NEAR(bees)"])
def test_a_query_is_words_and_never_syntax(memory: SqliteFts, query: str) -> None:
    memory.add("bob", "Bob keeps bees")

    assert memory.search("alice", query, limit=10) == []


def test_a_filter_is_a_value_of_its_own_type_and_never_syntax(memory: SqliteFts) -> None:
    memory.add("alice", "Alice keeps bees", metadata={"topic": "hobby", "year": 1})
    memory.add("alice", "Alice is a judge", metadata={"topic": "work", "year": True})

    assert texts(memory.get_all("alice", filters={"year": 1})) == {"Alice keeps bees"}
    assert memory.get_all("alice", filters={"topic": "hobby", "year": 2}) == []
    assert memory.get_all("alice", filters={"topic' OR '1'='1": "hobby"}) == []


def test_what_was_replaced_is_found_no_more(memory: SqliteFts) -> None:
    (row,) = memory.add("alice", "Alice keeps bees", key="profile")
    memory.add("alice", "Alice is a judge", key="profile")
    assert memory.search("alice", "bees", limit=5) == []

    memory.update("alice", str(row.id), "Alice sails")
    assert memory.search("alice", "judge", limit=5) == []
    memory.delete_all("alice")
    assert memory.search("alice", "sails", limit=5) == []


def test_a_number_is_its_text(memory: SqliteFts) -> None:
    memory.add(1, "One sails")

    assert texts(memory.get_all("1")) == texts(memory.get_all(user=True)) == {"One sails"}


def test_a_fault_is_not_taken_for_a_refusal() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError):
        SqliteFts(connection).get_all("alice")
    connection.close()


def test_a_locked_database_leaves_the_outcome_open(tmp_path: Path) -> None:
    ours, theirs = (sqlite3.connect(tmp_path / "x.db", timeout=0, isolation_level=None) for _ in range(2))
    theirs.execute("CREATE TABLE memories (user_id TEXT)")
    theirs.execute("BEGIN EXCLUSIVE")

    with pytest.raises(Indeterminate):
        SqliteFts(ours).delete_all("alice")

    for connection in (ours, theirs):
        connection.close()


def test_an_old_sqlite_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(Unavailable, match="use a Python"), open_memory():
        pass


@pytest.mark.system
def test_only_ranks_tell_of_others() -> None:
    results = examine(Settings(target="sqlite-fts5", profile="quick", seed="1"))

    assert {case.finding.key for result in results for case in result.cases} == {"X1-search-any"}
    others = {result.verdict for result in results if not result.cases}
    assert others == {Verdict.HELD, Verdict.NOT_SUPPORTED}
