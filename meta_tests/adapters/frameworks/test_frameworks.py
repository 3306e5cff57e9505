"""The adapters of agent frameworks against the real libraries: what they store, give back and refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.execution.session import Session
from isolation_tests.targets.resolve import resolve

EVERY = ("agno", "agno-memory", "haystack", "llama-index", "openai-agents")
WITH_IDS = ("agno", "agno-memory", "haystack")
every_target = pytest.mark.parametrize("name", EVERY)
each_with_ids = pytest.mark.parametrize("name", WITH_IDS)


@contextmanager
def opened(name: str) -> Iterator[Session]:
    target = resolve(name)
    if target.config.lacking():
        pytest.skip(f"{name} is not installed here")
    session = target.open()
    try:
        yield session
    finally:
        session.close()


def texts(session: Session, user: Any) -> list[str]:
    return sorted(row.text for row in session.call("get_all", user))


@every_target
def test_everybody_has_their_own(name: str, alice: str, bob: str) -> None:
    with opened(name) as session:
        (stored,) = session.call("add", alice, "Alice keeps bees")
        session.call("add", alice, "Alice likes tea")
        session.call("add", bob, "Bob sails")
        assert stored.text == "Alice keeps bees"
        assert "Alice keeps bees" in str(stored.raw)
        assert texts(session, alice) == ["Alice keeps bees", "Alice likes tea"]
        assert [row.text for row in session.call("search", bob, "sails", limit=5)] == ["Bob sails"]
        assert len(session.call("search", alice, "bees", limit=1)) == 1
        session.call("delete_all", alice)
        assert texts(session, alice) == []
        assert texts(session, bob) == ["Bob sails"]


@each_with_ids
def test_calls_by_id_reach_the_memory(name: str, alice: str) -> None:
    with opened(name) as session:
        (first,), (second,) = session.call("add", alice, "one"), session.call("add", alice, "two")
        assert session.call("get", alice, first.id).text == "one"
        session.call("update", alice, first.id, "three")
        assert texts(session, alice) == ["three", "two"]
        session.call("delete", alice, second.id)
        assert texts(session, alice) == ["three"]
        assert session.call("get", alice, second.id) is None


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("agno", {"$ne": None}),
        ("agno-memory", {"$ne": None}),
        ("openai-agents", ["a"]),
        ("openai-agents", None),
    ],
)
def test_a_value_that_the_system_can_not_take_is_refused(name: str, user: Any) -> None:
    with opened(name) as session, pytest.raises(Refused):
        session.call("get_all" if user is not None else "add", user, *([] if user is not None else ["text"]))


def test_a_block_for_all_sessions_keeps_the_first_ones_filter(alice: str, bob: str) -> None:
    """Shows what https://github.com/run-llama/llama_index/issues/22701 describes."""
    with opened("llama-index-shared") as session:
        session.call("add", alice, "Alice keeps bees")
        session.call("search", alice, "bees", limit=5)
        assert [row.text for row in session.call("search", bob, "bees", limit=5)] == ["Alice keeps bees"]


@pytest.mark.parametrize("name", ["haystack"])
def test_filters_and_metadata_narrow_and_never_move_a_memory(name: str, alice: str, bob: str) -> None:
    with opened(name) as session:
        session.call("add", alice, "one", metadata={"topic": "food", "user_id": bob})
        session.call("add", alice, "two", metadata={"topic": "travel"})
        assert texts(session, bob) == []
        for filters in (
            {"topic": "food"},
            {"AND": [{"topic": "food"}]},
            {"OR": [{"topic": "food"}]},
            {"NOT": [{"topic": "travel"}]},
        ):
            assert [row.text for row in session.call("get_all", alice, filters=filters)] == ["one"]
        with pytest.raises(Refused, match="take a list of conditions"):
            session.call("get_all", alice, filters={"NOT": {"topic": "food"}})
        assert session.call("count", alice) == 2
