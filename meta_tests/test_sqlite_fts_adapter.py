"""The SQLite adapter against the SQLite that comes with Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import Indeterminate, Refused, Unavailable
from isolation_tests.adapters.sqlite_fts import SqliteFts, open_memory
from isolation_tests.calibration import certify
from isolation_tests.model import Verdict
from isolation_tests.settings import Settings

MANY = 130


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


def stored(memory: SqliteFts, user: str, text: str) -> str:
    (row,) = memory.add(user, text)
    assert row.id is not None
    return row.id


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return str(refused.value)


def test_what_was_added_is_found_by_its_owner_alone(memory: SqliteFts) -> None:
    id = stored(memory, "alice", "Alice keeps bees")
    memory.add("alice", "Alice is a judge")
    memory.add("bob", "Bob keeps bees")

    (found,) = memory.search("alice", "bees?", limit=10)
    assert (found.id, found.text) == (id, "Alice keeps bees")
    assert [row.text for row in memory.search("alice", "Alice bees", limit=1)] == ["Alice keeps bees"]
    assert texts(memory.get_all("alice")) == {"Alice keeps bees", "Alice is a judge"}
    assert isinstance(found.raw, dict)
    assert found.raw["user_id"] == "alice"


@pytest.mark.parametrize("query", ["", "!!", '"', '" OR "bees', "text:bees*", "bees OR bees", "NEAR(bees)"])
def test_a_query_is_words_and_never_syntax(memory: SqliteFts, query: str) -> None:
    memory.add("bob", "Bob keeps bees")

    assert memory.search("alice", query, limit=10) == []


def test_get_all_is_complete_and_delete_all_keeps_others(memory: SqliteFts) -> None:
    for number in range(MANY):
        memory.add("alice", f"fact {number}")
    memory.add("bob", "Bob sails")
    assert memory.count("alice") == len(texts(memory.get_all("alice"))) == MANY
    assert set(memory.users()) == {"alice", "bob"}

    memory.delete_all("alice")

    assert (memory.count("alice"), memory.count("bob")) == (0, 1)
    assert memory.get_all("alice") == memory.search("alice", "fact", limit=10) == []


def test_pages_hold_everything_and_a_cursor_opens_nothing_of_others(memory: SqliteFts) -> None:
    for number in range(45):
        memory.add("alice", f"fact {number}")
    memory.add("bob", "Bob sails")

    page, seen = memory.page("alice", None), list[str]()
    first = page.cursor
    while page.cursor is not None:
        seen += [each.text for each in page.items]
        page = memory.page("alice", page.cursor)
    seen += [each.text for each in page.items]

    assert sorted(seen) == sorted(f"fact {number}" for number in range(45))
    assert texts(memory.page("bob", first).items) <= {"Bob sails"}


def test_filters_narrow_and_never_move_the_scope(memory: SqliteFts) -> None:
    memory.add("alice", "Alice keeps bees", metadata={"topic": "hobby", "year": 1})
    memory.add("alice", "Alice is a judge", metadata={"topic": "work", "year": True})
    memory.add("bob", "Bob sails", metadata={"topic": "hobby"})

    assert texts(memory.search("alice", "Alice", limit=9, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all("alice", filters={"year": 1})) == {"Alice keeps bees"}
    assert memory.get_all("alice", filters={"topic": "hobby", "year": 2}) == []
    assert memory.get_all("alice", filters={"user_id": "bob"}) == []
    assert memory.get_all("alice", filters={"topic' OR '1'='1": "hobby"}) == []
    with pytest.raises(Refused):
        memory.get_all("alice", filters={"OR": [{"topic": "hobby"}]})


def test_the_same_key_replaces_the_own_memory_only(memory: SqliteFts) -> None:
    (first,) = memory.add("alice", "Alice keeps bees", key="profile")
    memory.add("bob", "Bob sails", key="profile")
    (second,) = memory.add("alice", "Alice is a judge", key="profile")

    assert first.id == second.id
    assert texts(memory.get_all("alice")) == {"Alice is a judge"}
    assert memory.search("alice", "bees", limit=5) == []
    assert texts(memory.get_all("bob")) == {"Bob sails"}


def test_calls_by_id(memory: SqliteFts) -> None:
    id = stored(memory, "alice", "Alice keeps bees")

    memory.update("alice", id, "Alice kept bees", metadata={"topic": "hobby"})
    memory.update("alice", id, "Alice sold her bees")

    found = memory.get("alice", id)
    assert found is not None
    assert found.text == "Alice sold her bees"
    assert texts(memory.get_all("alice", filters={"topic": "hobby"})) == {"Alice sold her bees"}
    assert memory.search("alice", "kept", limit=5) == []
    memory.delete("alice", id)
    assert memory.get("alice", id) is None


def test_a_foreign_id_is_answered_as_an_absent_one(memory: SqliteFts) -> None:
    foreign = stored(memory, "alice", "Alice keeps bees")

    answers = set()
    for id in (foreign, str(uuid4())):
        assert memory.get("bob", id) is None
        answers.add(refusal(partial(memory.update, "bob", id, "mine")))
        answers.add(refusal(partial(memory.delete, "bob", id)))

    assert len(answers) == 1
    assert texts(memory.get_all("alice")) == {"Alice keeps bees"}


def test_maintenance_keeps_everything(memory: SqliteFts) -> None:
    memory.add("alice", "Alice keeps bees")
    memory.add("bob", "Bob sails")

    memory.maintain("alice")

    assert texts(memory.search("alice", "bees", limit=5)) == {"Alice keeps bees"}
    assert texts(memory.search("bob", "sails", limit=5)) == {"Bob sails"}


@pytest.mark.parametrize("user", [None, "", " ", "\t\n"])
def test_a_missing_user_stores_and_sees_nothing(memory: SqliteFts, user: object) -> None:
    memory.add("alice", "Alice keeps bees")

    with pytest.raises(Refused):
        memory.add(user, "nobody's")
    memory.delete_all(user)
    assert memory.get_all(user) == memory.search(user, "bees", limit=5) == []
    assert texts(memory.get_all("alice")) == {"Alice keeps bees"}


@pytest.mark.parametrize("user", [{"$ne": None}, ["a", "b"], "\ud800", 2**70])
def test_what_sqlite_can_not_bind_is_refused(memory: SqliteFts, user: object) -> None:
    for call in (
        lambda: memory.add(user, "nobody's"),
        lambda: memory.get_all(user),
        lambda: memory.delete_all(user),
    ):
        with pytest.raises(Refused):
            call()


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
    with pytest.raises(Unavailable, match="run with a Python"), open_memory():
        pass


def test_it_holds() -> None:
    results = certify(Settings(target="sqlite-fts5", profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
