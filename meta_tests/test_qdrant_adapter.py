"""The Qdrant adapter against the real Qdrant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.adapters.qdrant import Qdrant, open_memory
from isolation_tests.calibration import certify
from isolation_tests.model import Verdict
from isolation_tests.settings import Settings

pytest.importorskip("qdrant_client", reason="qdrant_client is not installed")

MANY = 130


@pytest.fixture(scope="module")
def memory() -> Iterator[Qdrant]:
    with open_memory() as opened:
        yield opened


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def stored(memory: Qdrant, user: str, text: str, **more: Any) -> str:
    (row,) = memory.add(user, text, **more)
    assert row.id is not None
    return row.id


def test_what_was_added_is_found_by_its_owner_alone(memory: Qdrant, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")
    stored(memory, bob, "Bob sails")

    for found in (memory.search(alice, "bees", limit=10), memory.get_all(alice)):
        assert [(each.id, each.text) for each in found] == [(id, "Alice keeps bees")]
    assert texts(memory.get_all(bob)) == {"Bob sails"}
    assert memory.get_all(f"nobody-{alice}") == []


def test_all_pages_are_read_and_all_is_deleted(memory: Qdrant, alice: str, bob: str) -> None:
    wanted = {f"{alice} {number}" for number in range(MANY)}
    for text in wanted:
        memory.add(alice, text)
    memory.add(bob, "Bob sails")

    assert texts(memory.get_all(alice)) == wanted
    assert len(memory.search(alice, alice, limit=7)) == 7
    page, seen = memory.page(alice, None), set[str]()
    while page.cursor is not None:
        seen |= texts(page.items)
        assert memory.page(bob, page.cursor).cursor is None
        page = memory.page(alice, page.cursor)
    assert seen | texts(page.items) == wanted

    memory.delete_all(alice)
    assert memory.get_all(alice) == []
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_filters_narrow_and_never_move_the_scope(memory: Qdrant, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails", metadata={"topic": "hobby", "user_id": alice})

    both = {"OR": [{"topic": "hobby"}, {"topic": "work"}]}
    assert texts(memory.search(alice, "bees", limit=10, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all(alice, filters=both)) == {"Alice keeps bees", "Alice is a judge"}
    assert memory.get_all(alice, filters={"user_id": bob}) == []
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_an_id_opens_its_owners_memory_only(memory: Qdrant, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees", metadata={"topic": "hobby"})

    assert memory.get(bob, id) is None
    assert memory.get(alice, str(uuid4())) is None
    memory.update(bob, id, "Bob was here", metadata={"user_id": bob})
    memory.delete(bob, id)
    assert texts(memory.get_all(alice)) == {"Alice keeps bees"}
    assert memory.get_all(bob) == []

    memory.update(alice, id, "Alice keeps goats", metadata={"topic": "farm", "user_id": bob})
    assert texts(memory.get_all(alice, filters={"topic": "farm"})) == {"Alice keeps goats"}
    assert texts(memory.search(alice, "goats", limit=5)) == {"Alice keeps goats"}
    memory.delete(alice, id)
    assert memory.get(alice, id) is None


def test_count_is_the_users_own(memory: Qdrant, alice: str, bob: str) -> None:
    for user in (alice, alice, bob):
        memory.add(user, "a fact")

    assert (memory.count(alice), memory.count(bob)) == (2, 1)


@pytest.mark.parametrize("user", [None, 1.5, [], {}, {"$ne": None}])
def test_a_user_that_qdrant_cannot_match_is_refused(memory: Qdrant, user: object) -> None:
    for call in (memory.get_all, memory.delete_all, memory.count, lambda user: memory.add(user, "text")):
        with pytest.raises(Refused):
            call(user)


def test_a_field_that_is_no_path_is_refused(memory: Qdrant, alice: str) -> None:
    memory.add(alice, "Alice keeps bees")
    with pytest.raises(Refused):
        memory.get_all(alice, filters={"topic' OR '1'='1": "hobby"})


def test_it_can_be_kept_on_disk(alice: str) -> None:
    with open_memory(on_disk=True) as memory:
        memory.add(alice, "Alice keeps bees")
        assert texts(memory.get_all(alice)) == {"Alice keeps bees"}


def test_only_empty_and_blank_users_are_let_in() -> None:
    results = certify(Settings(target="qdrant", profile="quick", seed="1"))

    assert {case.finding.key for result in results for case in result.cases} == {
        "S3-get_all-empty",
        "S3-get_all-blank",
    }
    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED, Verdict.VIOLATED}
