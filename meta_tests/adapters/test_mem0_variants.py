"""mem0's `AsyncMemory`, and mem0 with an LLM that rewrites what it stores."""

from __future__ import annotations

import asyncio
import os
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import Indeterminate, Refused
from isolation_tests.adapters import mem0_async, mem0_llm
from isolation_tests.adapters.mem0 import Mem0
from isolation_tests.adapters.resources import local_server
from isolation_tests.core import packaged
from isolation_tests.engine.examination import examine
from isolation_tests.model import UserNumber, Verdict
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.canaries import Canary, Mint
from isolation_tests.testdata.facts import People

# Looked up, not imported: at its first import mem0 decides about its telemetry.
pytestmark = [
    pytest.mark.skipif(find_spec("mem0") is None, reason="mem0ai is not installed"),
    pytest.mark.skipif(find_spec("qdrant_client") is None, reason="qdrant_client is not installed"),
]
MANY = 130
STUB = packaged.folder("staging") / "openai_stub.py"
KNOWN = {
    "A9-delete_all-star",
    "A9-get_all-star",
    "A9-search-star",
    "D4-history-any",
    "O1-get-any",
    "O2-get_all-any",
    "O2-update-any",
    "O3-delete-any",
    "O4-history-any",
}


@pytest.fixture(scope="module")
def inferring() -> Iterator[Mem0]:
    with mem0_llm.open_memory() as memory:
        yield memory


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


def talk(use: Callable[[mem0_async.AsyncMem0], Awaitable[None]]) -> None:
    async def run() -> None:
        async with mem0_async.open_memory() as memory:
            await use(memory)

    asyncio.run(run())


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_asynchronous_calls() -> None:
    async def use(memory: mem0_async.AsyncMem0) -> None:
        (stored,) = await memory.add("alice", "Alice keeps bees", metadata={"topic": "hobby"})
        await memory.add("bob", "Bob sails")
        assert stored.id is not None
        assert texts(await memory.search("alice", "bees", limit=5)) == {"Alice keeps bees"}
        assert texts(await memory.get_all("alice", filters={"topic": "work"})) == set()
        await memory.update("alice", stored.id, "Alice kept bees", metadata={"topic": "work"})
        found = await memory.get("alice", stored.id)
        assert found is not None
        assert found.text == "Alice kept bees"
        assert texts(await memory.history("alice", stored.id)) == {"Alice keeps bees", "Alice kept bees"}
        await memory.delete("alice", stored.id)
        assert texts(await memory.get_all("alice")) == set()
        assert texts(await memory.get_all("bob")) == {"Bob sails"}
        for nobody in (None, ""):
            with pytest.raises(Refused):
                await memory.get_all(nobody)

    talk(use)


def test_overlapping_tasks_keep_everything_and_delete_all_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isolation_tests.adapters.mem0_async._FIRST_LIMIT", 20)

    async def use(memory: mem0_async.AsyncMem0) -> None:
        await asyncio.gather(*(memory.add("alice", f"fact {number}") for number in range(MANY)))
        await memory.add("bob", "Bob sails")
        assert len(await memory.get_all("alice")) == MANY
        await memory.delete_all("alice")
        left = 0 if version("mem0ai").startswith("2.") else MANY - 100
        assert len(await memory.get_all("alice")) == left
        assert texts(await memory.get_all("bob")) == {"Bob sails"}

    talk(use)


def test_every_canary_survives_the_rewriting(inferring: Mem0, alice: str) -> None:
    mint, people = Mint(os.urandom(32)), People(1)
    for number in range(60):
        entity = people.shared_entity()
        fact = people.fact() if number % 4 else people.fact_about(entity)
        text = fact.format(canary=mint.token(Canary(UserNumber(7), number)))
        (stored,) = inferring.add(alice, text)
        assert stored.text != text
        assert mint.find(stored.text) == [Canary(UserNumber(7), number)]
        assert stored.id in {row.id for row in inferring.search(alice, text, limit=100)}

    assert len(inferring.get_all(alice)) == 60


def test_one_add_gives_several_memories_or_none(inferring: Mem0, alice: str) -> None:
    several = inferring.add(alice, "I like tea. My dog is Rex!", metadata={"topic": "home"})
    assert texts(several) == {"noted that the user like tea", "noted that the user's dog is Rex"}
    assert list(inferring.add(alice, "I like tea.")) == []
    assert texts(inferring.get_all(alice, filters={"topic": "home"})) == texts(several)


def test_no_text_goes_where_the_environment_points(monkeypatch: pytest.MonkeyPatch, alice: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENROUTER_API_BASE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("OPENROUTER_API_KEY", "a key")
    with mem0_llm.open_memory() as memory:
        assert texts(memory.add(alice, "My dog is Rex")) == {"noted that the user's dog is Rex"}
    assert os.environ["OPENROUTER_API_KEY"] == "a key"


def test_an_llm_that_is_down_leaves_the_outcome_open(monkeypatch: pytest.MonkeyPatch, alice: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with (
        mem0_llm.open_memory(llm_url="http://127.0.0.1:9/v1") as memory,
        pytest.raises(Indeterminate, match="LLM"),
    ):
        memory.add(alice, "My dog is Rex")


def test_the_stand_in_refuses_what_is_no_completion() -> None:
    with local_server(STUB) as url:
        for path, body, status in (("/v1/models", b"{}", 404), ("/v1/chat/completions", b"[]", 400)):
            request = urllib.request.Request(f"{url}{path}", data=body)  # noqa: S310 - our own address
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)  # noqa: S310 - our own address
            assert caught.value.code == status


@pytest.mark.system
@pytest.mark.skipif(
    find_spec("mem0") is None or not version("mem0ai").startswith("2."),
    reason="its findings are those of 2.x",
)
@pytest.mark.parametrize("target", ["mem0-async", "mem0-infer"])
def test_it_shows_what_the_target_lists(target: str) -> None:
    results = examine(Settings(target=target, profile="quick", seed="1"))

    assert {case.finding.key for result in results for case in result.cases} == KNOWN
    assert Verdict.ERROR not in {result.verdict for result in results}
