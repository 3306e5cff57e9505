"""Faults of further axes: each breaks its own axis, and what an ordinary scope does alone still works."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Refused
from isolation_tests.adapters.axes.reference import ReferenceAxesStore
from isolation_tests.adapters.reference import AsyncReferenceStore, ReferenceStore
from isolation_tests.execution.axes import declared_axes
from isolation_tests.execution.contract import claimed
from isolation_tests.faults import FAULTS, Fault, plant
from isolation_tests.faults.scope import axes
from isolation_tests.faults.support.places import Place, of_users

WHERE = {"tenant": "acme", "agent": "planner", "session": "s1"}
NAMES = {1: "tenant", 2: "agent", 3: "session"}
each_fault = pytest.mark.parametrize("fault", axes.FAULTS, ids=lambda fault: fault.name)
OF_USERS = [fault for fault in FAULTS.values() if fault not in axes.FAULTS and "async" not in fault.needs]


def texts(store: Any, user: str, scope: dict[str, str], query: str | None = None) -> set[str]:
    try:
        found = (
            store.get_all(user, scope=scope)
            if query is None
            else store.search(user, query, limit=50, scope=scope)
        )
    except Refused:
        return set()
    return {row.text for row in found}


@each_fault
def test_fits_a_store_with_as_many_axes(fault: Fault) -> None:
    one_more = ReferenceAxesStore({"tenant": "refused", "user": "refused"})
    assert fault.fits(ReferenceAxesStore())
    assert not fault.fits(ReferenceStore())
    assert fault.fits(one_more) == fault.name.endswith("-1")
    assert fault.plant(store := ReferenceStore()) is store


@each_fault
def test_offers_what_the_inner_adapter_offers(fault: Fault) -> None:
    store = ReferenceAxesStore()
    broken = plant(fault.name, store)
    assert declared_axes(broken) == declared_axes(store)
    assert claimed(broken) == claimed(store)
    for method in (*CORE_METHODS, *OPTIONAL_METHODS):
        if callable(getattr(store, method, None)):
            assert inspect.signature(getattr(broken, method)) == inspect.signature(getattr(store, method))


@each_fault
def test_one_scope_alone_notices_nothing(fault: Fault) -> None:
    broken = plant(fault.name, ReferenceAxesStore())
    [row] = broken.add("ann", "one", scope=WHERE)
    broken.add("ann", "two", scope=WHERE)
    assert texts(broken, "ann", WHERE) == texts(broken, "ann", WHERE, "one") == {"one", "two"}
    broken.update("ann", row.id, "three", scope=WHERE)
    assert broken.get("ann", row.id, scope=WHERE).text == "three"
    assert broken.count("ann", scope=WHERE) == 2
    assert {row.text for row in broken.export("ann", scope=WHERE)} == {"two", "three"}
    broken.delete("ann", row.id, scope=WHERE)
    assert texts(broken, "ann", WHERE) == {"two"}
    broken.delete_all("ann", scope=WHERE)
    assert texts(broken, "ann", WHERE) == set()


@pytest.mark.parametrize("position", axes.POSITIONS)
def test_a_dropped_axis_is_its_own_and_no_other(position: int) -> None:
    broken = plant(f"S7-dropped-{position}", ReferenceAxesStore())
    for number, axis in NAMES.items():
        broken.add("ann", f"elsewhere in {axis}", scope={**WHERE, axis: "other"})
        broken.add("bob", f"bob's in {axis}", scope={**WHERE, axis: f"other-{number}"})
    assert texts(broken, "ann", WHERE) == {f"elsewhere in {NAMES[position]}"}


@pytest.mark.parametrize("position", axes.POSITIONS)
@pytest.mark.parametrize("name", axes.SEPARATORS)
def test_joined_neighbours_are_one_place_only_where_the_joined_text_is_one(name: str, position: int) -> None:
    separator = axes.SEPARATORS[name]
    broken = plant(f"S9-joined-{name}-{position}", ReferenceAxesStore())
    order = ["tenant", "user", "agent", "session"]
    outer, inner = order[position - 1], order[position]

    def add(text: str, **values: str) -> dict[str, str]:
        scope = {"tenant": "t", "user": "u", "agent": "g", "session": "s", **values}
        broken.add(scope.pop("user"), text, scope=scope)
        return {"user": values.get("user", "u"), **scope}

    first = add("first", **{outer: "a", inner: f"b{separator}c"})
    add("second", **{outer: f"a{separator}b", inner: "c"})
    add("third", **{outer: "a", inner: "c"})
    user = first.pop("user")
    assert texts(broken, user, first) == {"first", "second"}


@pytest.mark.parametrize("fault", OF_USERS, ids=lambda fault: fault.name)
def test_a_fault_of_users_keeps_each_call_in_its_scope(fault: Fault) -> None:
    broken = plant(fault.name, ReferenceAxesStore())
    elsewhere = {**WHERE, "session": "s2"}
    for scope in (WHERE, elsewhere):
        broken.add("iso-ordinary", f"in {scope['session']}", scope=scope)
    assert texts(broken, "iso-ordinary", WHERE) == {"in s1"}
    assert texts(broken, "iso-ordinary", elsewhere) == {"in s2"}
    broken.delete_all("iso-ordinary", scope=WHERE)
    assert texts(broken, "iso-ordinary", elsewhere) == {"in s2"}


def test_a_fault_of_users_is_planted_as_ever_where_the_user_is_the_only_axis() -> None:
    store = AsyncReferenceStore(ReferenceStore())
    assert of_users(lambda adapter: adapter)(store) is store


def test_places_are_equal_whatever_the_order_of_their_axes() -> None:
    assert Place.of("ann", {"a": 1, "b": 2}) == Place.of("ann", {"b": 2, "a": 1})
    assert Place.of("ann", {"a": 1}).value("user") == "ann"
    assert Place.of("ann", {"a": 1}).value("b") is None
