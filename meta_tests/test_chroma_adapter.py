"""The Chroma adapter against the real Chroma."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import BadOption, Refused
from isolation_tests.adapters.chroma import Chroma, ChromaApart, open_memory
from isolation_tests.calibration import certify
from isolation_tests.model import Verdict
from isolation_tests.settings import Settings

pytest.importorskip("chromadb", reason="chromadb is not installed")

MANY = 130
STYLES: dict[str, dict[str, Any]] = {
    "filter": {"style": "filter"},
    "collections": {"style": "collections"},
    "tenants": {"style": "tenants"},
    "server": {"style": "filter", "server": True},
}


@pytest.fixture(scope="module", params=list(STYLES))
def memory(request: pytest.FixtureRequest) -> Iterator[Chroma]:
    with open_memory(**STYLES[request.param]) as opened:
        yield opened


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def stored(memory: Chroma, user: str, text: str, **more: Any) -> str:
    (row,) = memory.add(user, text, **more)
    assert row.id is not None
    return row.id


def test_what_was_added_is_found_by_its_owner_alone(memory: Chroma, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")
    stored(memory, bob, "Bob sails")

    for found in (memory.search(alice, "bees", limit=10), memory.get_all(alice)):
        assert [(each.id, each.text) for each in found] == [(id, "Alice keeps bees")]
    assert texts(memory.get_all(bob)) == {"Bob sails"}
    assert memory.get_all(f"nobody-{alice}") == []


def test_all_pages_are_read_and_all_is_deleted(memory: Chroma, alice: str, bob: str) -> None:
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


def test_filters_narrow_and_never_move_the_scope(memory: Chroma, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails", metadata={"topic": "hobby", "user_id": alice})

    both = {"OR": [{"topic": "hobby"}, {"topic": "work"}]}
    assert texts(memory.search(alice, "bees", limit=10, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all(alice, filters=both)) == {"Alice keeps bees", "Alice is a judge"}
    assert "Bob sails" not in texts(memory.get_all(alice, filters={"user_id": bob}))
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_an_id_opens_its_owners_memory_only(memory: Chroma, alice: str, bob: str) -> None:
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


@pytest.mark.parametrize("user", [None, [], {}, {"$ne": None}, {"$gt": ""}])
def test_a_user_that_chroma_cannot_compare_is_refused(user: object) -> None:
    with open_memory() as memory:
        for call in (memory.get_all, memory.delete_all, lambda user: memory.search(user, "bees", limit=5)):
            with pytest.raises(Refused):
                call(user)


def test_reading_makes_nobody_known(alice: str) -> None:
    with open_memory(style="collections") as memory:
        assert memory.get_all(alice) == []
        memory.delete_all(alice)
        assert isinstance(memory, ChromaApart)
        assert memory.count(alice) == 0


def test_a_name_that_chroma_does_not_take_for_a_collection_is_refused(bob: str) -> None:
    with open_memory(style="collections") as memory:
        for name in ("", f"{bob} ", f"{bob}/x"):
            with pytest.raises(Refused):
                memory.add(name, "text")


@pytest.mark.parametrize("style", ["collections", "tenants"])
def test_a_key_is_the_users_own(style: str, alice: str, bob: str) -> None:
    with open_memory(style=style) as memory:
        assert isinstance(memory, ChromaApart)
        for user, text in ((alice, "old"), (bob, "Bob's"), (alice, "new")):
            memory.add(user, text, key="profile")
        assert texts(memory.get_all(alice)) == {"new"}
        assert texts(memory.get_all(bob)) == {"Bob's"}
        assert memory.count(alice) == 1


def test_two_opened_at_once_know_nothing_of_each_other(alice: str) -> None:
    with open_memory() as one, open_memory() as other:
        one.add(alice, "Alice keeps bees")
        assert other.get_all(alice) == []


@pytest.mark.parametrize(
    ("options", "name"), [({"style": "none"}, "style"), ({"style": "tenants", "server": "true"}, "server")]
)
def test_an_option_that_is_wrong_is_named(options: dict[str, Any], name: str) -> None:
    with pytest.raises(BadOption, match=f"^{name}"), open_memory(**options):
        pass


@pytest.mark.parametrize(
    ("target", "findings"),
    [
        ("chroma", {"S3-get_all-empty", "S3-get_all-blank"}),
        ("chroma-collections", set()),
    ],
)
def test_it_shows_what_the_target_lists(target: str, findings: set[str]) -> None:
    results = certify(Settings(target=target, profile="quick", seed="1"))

    assert {case.finding.key for result in results for case in result.cases} == findings
    assert Verdict.ERROR not in {result.verdict for result in results}
    assert Verdict.INCONCLUSIVE not in {result.verdict for result in results}
