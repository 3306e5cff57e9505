"""The reference store with axes: what each scope reaches, and what a call reaches that omits an axis."""

from __future__ import annotations

from typing import Any

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.adapters.axes.reference import ReferenceAxesStore

WHERE = {"tenant": "acme", "agent": "planner", "session": "s1"}


def without(axis: str) -> dict[str, str]:
    return {name: value for name, value in WHERE.items() if name != axis}


def filled() -> ReferenceAxesStore:
    store = ReferenceAxesStore()
    for scope in (WHERE, {**WHERE, "session": "s2"}, without("session"), without("agent")):
        store.add("ann", f"{scope.get('agent')} {scope.get('session')}", scope=scope)
    store.add("ann", "of another tenant", scope={**WHERE, "tenant": "umbrella"})
    store.add("bob", "bob's", scope=WHERE)
    return store


def listed(store: ReferenceAxesStore, scope: dict[str, str], user: str = "ann") -> set[str]:
    return {row.text for row in store.get_all(user, scope=scope)}


def test_a_whole_scope_reaches_itself() -> None:
    store = filled()
    assert listed(store, WHERE) == {"planner s1"}
    assert listed(store, WHERE, "bob") == {"bob's"}
    assert {row.text for row in store.search("ann", "s2", scope=WHERE, limit=5)} == {"planner s1"}


def test_an_omitted_session_means_all_and_an_omitted_agent_none() -> None:
    store = filled()
    assert listed(store, without("session")) == {"planner s1", "planner s2", "planner None"}
    assert listed(store, without("agent")) == {"None s1"}
    assert store.count("ann", scope=without("session")) == 3
    best = store.search("ann", "planner s2", scope=without("session"), limit=1)
    assert [row.text for row in best] == ["planner s2"]


def test_a_delete_takes_what_a_list_shows() -> None:
    store = filled()
    store.delete_all("ann", scope=without("session"))
    assert listed(store, without("session")) == set()
    assert listed(store, without("agent")) == {"None s1"}
    assert listed(store, WHERE, "bob") == {"bob's"}
    assert store.users() == ["ann", "bob"]


@pytest.mark.parametrize(
    "scope",
    [
        without("tenant"),
        {**WHERE, "tenant": ""},
        {**WHERE, "agent": None},
        {**WHERE, "floor": "3"},
        {**WHERE, "session": 1},
    ],
)
def test_what_is_no_scope_is_refused(scope: dict[str, Any]) -> None:
    store = filled()
    with pytest.raises(Refused, match="no such scope"):
        store.get_all("ann", scope=scope)
    with pytest.raises(Refused, match="no such scope"):
        store.add("ann", "text", scope=scope)


def test_ids_and_cursors_of_another_scope_are_unknown() -> None:
    store = filled()
    for number in range(12):
        store.add("ann", f"fact {number}", scope=WHERE)
    [row, *_] = store.get_all("ann", scope=WHERE)
    other = {**WHERE, "session": "s2"}
    with pytest.raises(Refused, match="no such memory"):
        store.get("ann", str(row.id), scope=other)
    cursor = store.page("ann", None, scope=WHERE).cursor
    with pytest.raises(Refused, match="no such page"):
        store.page("ann", cursor, scope=other)
    store.update("ann", str(row.id), "new", scope=without("session"))
    assert store.get("ann", str(row.id), scope=WHERE).text == "new"


def test_pages_of_a_union_come_to_an_end_and_hold_everything() -> None:
    store = filled()
    for number in range(25):
        store.add("ann", f"fact {number}", scope={**WHERE, "session": f"s{number % 2}"})
    seen: list[str] = []
    cursor = None
    for _ in range(20):
        page = store.page("ann", cursor, scope=without("session"))
        seen += [row.text for row in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert cursor is None
    assert sorted(seen) == sorted(listed(store, without("session")))


@pytest.mark.parametrize("cursor", ["9/", "x/1", "-1/", "²/"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Refused, match="no such page"):
        filled().page("ann", cursor, scope=WHERE)
