"""The reference store is the model of correctness: what it must keep, refuse and never tell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, MemoryAdapter, Refused
from isolation_tests.adapters.reference import PAGE_SIZE, ReferenceStore, open_memory
from isolation_tests.execution.contract import KEYWORDS, claimed

NO_USERS = [None, "", " ", "\t\n", 0, 1, 1.0, True, False, {"$ne": None}, ["a"], b"a"]


@pytest.fixture
def store() -> ReferenceStore:
    return open_memory()


def texts(store: ReferenceStore, user: Any) -> list[str]:
    return [row.text for row in store.get_all(user)]


def refusal(call: Callable[..., Any], *args: Any, **keywords: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(*args, **keywords)
    return str(caught.value)


def test_offers_everything(store: ReferenceStore) -> None:
    assert isinstance(store, MemoryAdapter)
    assert set(claimed(store)) == {*OPTIONAL_METHODS, *KEYWORDS}


@pytest.mark.parametrize("user", NO_USERS, ids=repr)
def test_refuses_who_is_no_user(store: ReferenceStore, user: Any) -> None:
    row = store.add("a", "a fact")[0]
    arguments: dict[str, list[Any]] = {"add": ["x"], "search": ["x"], "update": [row.id, "x"], "page": [None]}
    arguments["intrude"] = ["a", "victim-in-body"]
    said = set()
    for method in {*CORE_METHODS, *OPTIONAL_METHODS} - {"users"}:
        given = arguments.get(method, [row.id] if method in ("get", "delete", "history") else [])
        keywords = {"limit": 9} if method == "search" else {}
        said.add(refusal(getattr(store, method), user, *given, **keywords))
    assert len(said) == 1
    assert texts(store, "a") == ["a fact"]


@pytest.mark.parametrize(
    "other", ["A", "a ", "ab", "\u0430", "a\u200b", "%", "*", "_", "a' OR '1'='1", "\ud800"]
)
def test_names_are_compared_exactly(store: ReferenceStore, other: str) -> None:
    store.add("a", "of a")
    store.add(other, "of the other")
    assert texts(store, "a") == ["of a"]
    assert texts(store, other) == ["of the other"]
    assert [row.text for row in store.search(other, "of a", limit=9)] == ["of the other"]
    store.delete_all(other)
    assert texts(store, "a") == ["of a"]
    assert store.users() == ["a"]


def test_search_ranks_all_and_cuts(store: ReferenceStore) -> None:
    for text in ("nothing in common", "red boat", "a RED boat at sea"):
        store.add("a", text)
    ranked = [row.text for row in store.search("a", "Red boat, sea", limit=9)]
    assert ranked == ["a RED boat at sea", "red boat", "nothing in common"]
    assert [row.text for row in store.search("a", "sea", limit=1)] == ["a RED boat at sea"]
    assert store.search("a", "sea", limit=0) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "12"),
        ({"topic": "food"}, "1"),
        ({"topic": "food", "n": 2}, ""),
        ({"n": True}, ""),
        ({"AND": [{"topic": "food"}, {"n": 1}]}, "1"),
        ({"OR": [{"topic": "food"}, {"n": 2}]}, "12"),
        ({"NOT": [{"topic": "food"}]}, "2"),
        ({"NOT": [{"topic": "food"}, {"n": 2}]}, ""),
        ({"OR": [{"user_id": "b"}, {"n": 2}]}, "2"),
        ({"user_id": "b"}, ""),
        ({"topic": "x' OR '1'='1"}, ""),
    ],
)
def test_filters_narrow(store: ReferenceStore, filters: dict[str, Any], expected: str) -> None:
    store.add("a", "1", metadata={"topic": "food", "n": 1})
    store.add("a", "2", metadata={"topic": "travel", "n": 2})
    store.add("b", "of b", metadata={"topic": "food", "n": 1, "user_id": "a"})
    assert "".join(row.text for row in store.get_all("a", filters=filters)) == expected
    assert {row.text for row in store.search("a", "1", limit=9, filters=filters)} == set(expected)


@pytest.mark.parametrize(
    "filters", [{"OR": {"a": 1}}, {"OR": []}, {"a": {"$ne": 1}}, {"a": [1]}, {"$or": [{}]}, "a = 1", {1: 1}]
)
def test_unknown_filters_are_refused_whatever_is_stored(store: ReferenceStore, filters: Any) -> None:
    empty = refusal(store.get_all, "a", filters=filters)
    store.add("a", "1")
    assert refusal(store.search, "a", "1", limit=9, filters=filters) == empty


def test_metadata_is_data_and_is_not_shared(store: ReferenceStore) -> None:
    given = {"user_id": "b", "tags": ["x"]}
    store.add("a", "1", metadata=given)
    given["tags"] = []
    raw: Any = store.get_all("a")[0].raw
    raw["metadata"]["tags"].append("y")
    again: Any = store.get_all("a")[0].raw
    assert again["metadata"] == {"user_id": "b", "tags": ["x"]}
    assert store.get_all("b") == []


def test_foreign_and_absent_ids_are_one(store: ReferenceStore) -> None:
    row = store.add("a", "secret")[0]
    store.add("b", "own")
    assert row.id is not None
    calls: list[tuple[Callable[..., Any], list[str]]] = [
        (store.get, []),
        (store.delete, []),
        (store.history, []),
        (store.update, ["x"]),
    ]
    said = {refusal(call, "b", asked, *more) for call, more in calls for asked in (row.id, "no such id")}
    assert len(said) == 1
    assert not any(word in "".join(said) for word in ("secret", row.id, "no such id"))
    assert store.get("a", row.id).text == "secret"


def test_history_keeps_versions_until_deleted(store: ReferenceStore) -> None:
    own = store.add("a", "one")[0].id
    assert own is not None
    store.update("a", own, "two", metadata={"n": 1})
    assert [row.text for row in store.history("a", own)] == ["one", "two"]
    assert [row.text for row in store.search("a", "two", limit=1, filters={"n": 1})] == ["two"]
    store.delete("a", own)
    assert refusal(store.history, "a", own) == refusal(store.get, "a", own)


def test_a_key_replaces_for_its_own_user_only(store: ReferenceStore) -> None:
    first = store.add("a", "old", key="profile")[0]
    store.add("b", "of b", key="profile")
    assert store.add("a", "new", key="profile")[0].id == first.id
    assert texts(store, "a") == ["new"]
    assert texts(store, "b") == ["of b"]
    assert first.id is not None
    store.delete("a", first.id)
    assert store.add("a", "again", key="profile")[0].id != first.id


def test_delete_all_leaves_nothing_on_any_surface(store: ReferenceStore) -> None:
    own = store.add("a", "one", key="k")[0].id
    assert own is not None
    store.delete_all("a")
    assert store.get_all("a") == store.search("a", "one", limit=9) == store.export("a") == []
    assert store.count("a") == 0
    assert store.page("a", None).items == []
    assert store.users() == []
    refusal(store.get, "a", own)
    refusal(store.history, "a", own)
    store.add("a", "one", key="k")
    assert texts(store, "a") == ["one"]


def test_pages_go_to_the_end_and_belong_to_their_user(store: ReferenceStore) -> None:
    for user in ("a", "b"):
        for n in range(2 * PAGE_SIZE + 1):
            store.add(user, f"{user}{n}")
    seen, cursor = [], None
    while True:
        page = store.page("a", cursor)
        seen += [row.text for row in page.items]
        cursor = page.cursor
        if cursor is None:
            break
        foreign = refusal(store.page, "b", cursor)
        assert foreign == refusal(store.page, "b", "12.abc") == refusal(store.page, "b", "é")
    assert seen == texts(store, "a")


def test_counts_and_maintenance_are_per_user(store: ReferenceStore) -> None:
    for n in range(5):
        store.add("a", str(n))
    store.add("b", "x")
    store.maintain("a")
    assert (store.count("a"), store.count("b"), store.count("c")) == (5, 1, 0)


def test_threads_lose_nothing(store: ReferenceStore) -> None:
    def write(user: str) -> None:
        for n in range(200):
            store.add(user, f"{user} {n}")
            store.search(user, "7", limit=3)

    threads = [threading.Thread(target=write, args=(f"u{n % 3}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.count(f"u{n}") for n in range(3)] == [400, 400, 400]
    assert all(text.startswith("u1 ") for text in texts(store, "u1"))
