"""ScopedMemory with a scope: no axis is left out or changed, and whole scopes never meet in a store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.adapter import Memory
from isolation_tests.adapters.axes.reference import AXES, ReferenceAxesStore
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.execution.axes import declared_axes
from isolation_tests.faults import plant
from isolation_tests.model import Verdict
from isolation_tests.scoped import AsyncScopedMemory, ScopedAdapter, ScopedMemory, ScopeError, storage_name
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask

WHERE = {"tenant": "acme", "agent": "planner", "session": "s1"}
JOINING = [f"S9-joined-{name}-{position}" for name in ("slash", "colon") for position in (1, 2, 3)]
texts = st.text(min_size=1).filter(str.strip)
scopes = st.dictionaries(texts, texts, max_size=3)


def without(axis: str) -> dict[str, str]:
    return {name: value for name, value in WHERE.items() if name != axis}


@given(texts, scopes, texts, scopes)
def test_only_equal_scopes_of_equal_users_have_one_name(
    one: str, first: dict[str, str], other: str, second: dict[str, str]
) -> None:
    same = (one, first) == (other, second)
    assert (storage_name(one, first) == storage_name(other, second)) == same
    assert storage_name(one, dict(reversed(first.items()))) == storage_name(one, first)


def test_without_a_scope_the_name_is_as_ever() -> None:
    assert storage_name("ann", {}) == storage_name("ann", None) == storage_name("ann")


def test_the_values_of_two_axes_cannot_be_exchanged() -> None:
    assert storage_name("ann", {"a": "x", "b": "y"}) != storage_name("ann", {"a": "y", "b": "x"})


@pytest.mark.parametrize("axis", WHERE)
def test_a_declared_axis_cannot_be_left_out(axis: str) -> None:
    with pytest.raises(ScopeError, match=f"by tenant, agent, session: give the scope a value of {axis}"):
        ScopedMemory(ReferenceAxesStore(), "ann", scope=without(axis))


def test_an_axis_that_the_store_does_not_have_is_told() -> None:
    with pytest.raises(ScopeError, match="no axis floor: it separates by tenant, agent, session"):
        ScopedMemory(ReferenceAxesStore(), "ann", scope={**WHERE, "floor": "3"})


@pytest.mark.parametrize("value", ["", " ", None, 3, ["s1"]])
@pytest.mark.parametrize("store", [ReferenceAxesStore, ReferenceStore])
def test_a_value_is_text_that_is_not_blank(store: type, value: Any) -> None:
    with pytest.raises(ScopeError, match="a value of session: pass a text that is not blank"):
        ScopedMemory(store(), "ann", scope={**WHERE, "session": value})


def test_a_scope_stays_as_it_was_at_construction() -> None:
    store, scope = ReferenceAxesStore(), dict(WHERE)
    memory = ScopedMemory(store, "ann", scope=scope)
    memory.add("mine")
    scope["session"] = "s2"
    assert [row.text for row in memory.get_all()] == ["mine"]
    assert ScopedMemory(store, "ann", scope=scope).get_all() == []
    with pytest.raises(AttributeError, match="can't be changed"):
        memory.scope = scope


def test_every_method_keeps_to_the_scope() -> None:
    store = ReferenceAxesStore()
    mine = ScopedMemory(store, "ann", scope=WHERE)
    [row] = mine.add("mine", metadata={"topic": "x"}, key="k")
    own = str(row.id)
    for axis in WHERE:
        other = ScopedMemory(store, "ann", scope={**WHERE, axis: "elsewhere"})
        assert (other.get_all(), other.search("mine"), other.get(own), other.count()) == ([], [], None, 0)
        with pytest.raises(LookupError):
            other.update(own, "theirs")
        with pytest.raises(LookupError):
            other.delete(own)
        other.add("theirs", key="k")
        other.delete_all()
    mine.update(own, "changed")
    assert [row.text for row in mine.history(own)] == ["mine", "changed"]
    assert [row.text for row in mine.search("changed")] == ["changed"]
    mine.delete(own)
    assert mine.count() == 0


def test_a_store_of_one_axis_gets_the_whole_scope_in_the_name() -> None:
    store = ReferenceStore()
    ScopedMemory(store, "ann", scope=WHERE).add("mine")
    assert store.users() == [storage_name("ann", WHERE)]
    assert ScopedMemory(store, "ann").get_all() == []


class Later:
    """The store with axes, for callers with an event loop."""

    axes = AXES

    def __init__(self) -> None:
        self.store = ReferenceAxesStore()

    async def add(self, user: str, text: str, *, scope: dict[str, str]) -> list[Memory]:
        return self.store.add(user, text, scope=scope)

    async def search(self, user: str, query: str, *, limit: int, scope: dict[str, str]) -> list[Memory]:
        return self.store.search(user, query, limit=limit, scope=scope)

    async def get_all(self, user: str, *, scope: dict[str, str]) -> list[Memory]:
        return self.store.get_all(user, scope=scope)

    async def delete_all(self, user: str, *, scope: dict[str, str]) -> None:
        self.store.delete_all(user, scope=scope)


def test_an_async_store_is_scoped_the_same() -> None:
    async def story() -> None:
        later = Later()
        mine = AsyncScopedMemory(later, "ann", scope=WHERE)
        other = AsyncScopedMemory(later, "ann", scope={**WHERE, "session": "s2"})
        await mine.add("mine")
        await other.delete_all()
        assert [row.text for row in await mine.search("mine")] == ["mine"]
        assert await other.get_all() == []
        assert later.store.users() == [storage_name("ann", WHERE)]

    asyncio.run(story())


def test_as_an_adapter_it_has_the_stores_axes_and_refuses_to_omit_any() -> None:
    axes = declared_axes(ScopedAdapter(ReferenceAxesStore()))
    assert [axis.name for axis in axes] == [*AXES]
    assert {axis.omitted.value for axis in axes} == {"refused"}
    assert declared_axes(ScopedAdapter(ReferenceStore())) == ()


@pytest.mark.parametrize("fault", JOINING)
def test_a_store_that_joins_axes_keeps_scopes_apart_behind_it(fault: str) -> None:
    raw = plant(fault, ReferenceAxesStore())
    order, number = [*AXES], int(fault[-1])
    outer, inner = order[number - 1], order[number]
    separator = "/" if "slash" in fault else ":"
    usual = {"tenant": "t", "user": "u", "agent": "g", "session": "s"}
    one = usual | {outer: "a", inner: f"b{separator}c"}
    other = usual | {outer: f"a{separator}b", inner: "c"}

    def listed(scope: dict[str, str], *, scoped: bool) -> list[str]:
        values = dict(scope)
        user = values.pop("user")
        if scoped:
            return [row.text for row in ScopedMemory(raw, user, scope=values).get_all()]
        return [row.text for row in raw.get_all(user, scope=values)]

    def stored(scope: dict[str, str], text: str, *, scoped: bool) -> None:
        values = dict(scope)
        user = values.pop("user")
        if scoped:
            ScopedMemory(raw, user, scope=values).add(text)
        else:
            raw.add(user, text, scope=values)

    for scoped in (False, True):
        stored(one, "one's", scoped=scoped)
        stored(other, "other's", scoped=scoped)
    assert listed(one, scoped=False) == ["one's", "other's"]
    assert listed(one, scoped=True) == ["one's"]
    assert listed(other, scoped=True) == ["other's"]


@pytest.mark.matrix
def test_in_front_of_the_store_with_axes_it_is_held() -> None:
    laws = ("axes-", "axis-", "joined-", "omitted-")
    settings = Settings(target="scoped:reference-axes", profile="ci", seed="1")
    results = ask(settings, lambda check, _: check.startswith(laws))
    surfaces = {result.check for result in results if result.verdict is Verdict.NOT_SUPPORTED}
    assert {result.verdict for result in results if result.check not in surfaces} == {Verdict.HELD}
    assert all("export" in check or "page" in check for check in surfaces)
