"""The tutorial's application server over the wire: held without a fault, and every planted fault is found."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import INTRUSIONS, BadOption, Indeterminate, Refused, Unavailable
from isolation_tests.adapters.app_server import AppServer, open_memory
from isolation_tests.core import packaged
from isolation_tests.engine.examination import examine
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.settings import Settings

# Looked up, not imported: at its first import mem0 decides about its telemetry.
MISSING = [
    name for name in ("mem0", "qdrant_client", "httpx", "starlette", "uvicorn", "jwt") if not find_spec(name)
]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not installed")

SECRET = "not the default"  # noqa: S105 - of a server that lives as long as a test
MANY = 130
# Only `intrude` shows them: nobody else comes without a session, or with somebody else's name.
BY_INTRUDERS = {
    "S3-missing-token-trusts-name": "missing-credential",
    "S3-missing-token-is-everybody": "missing-credential",
    "S3-unsigned-token": "altered-credential",
    "S3-eternal-token": "expired-credential",
    "S5-user-in-body": "victim-in-body",
    "S5-user-in-query": "victim-in-query",
    "S5-user-in-header": "victim-in-header",
}
BY_USERS = (
    "S1-global-store",
    "S1-user-of-connection",
    "A1-prefix",
    "A3-case-ignored",
    "A7-cut-at-64",
    "O1-get-unscoped",
    "O2-update-unscoped",
    "O3-delete-unscoped",
    "O7-cursor-of-user",
    "D1-delete-all-unscoped",
    "X2-forbidden-id",
)


def staged(module: str) -> Any:
    """A module of the staging folder, where it is a script's neighbour."""
    folder = str(packaged.folder("staging"))
    if folder not in sys.path:
        sys.path.append(folder)
    return import_module(module)


@contextmanager
def serving(fault: str = "") -> Iterator[str]:
    """The address of a server in this process: as over the wire, without the start of a process."""
    import uvicorn

    script = staged("app_server")
    with script.mem0_memory() as memory, script.listener(0) as listening:
        app = script.server_class(fault)(memory, SECRET).app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def found_with(fault: str, anomaly: str) -> set[str]:
    """The anomalies that a run names up to this one."""
    with serving(fault) as address:
        results = asked(f"base_url={address}", f"secret={SECRET}", until=anomaly)
    return {case.finding.anomaly for result in results for case in result.cases}


def asked(*options: str, until: str | None = None) -> list[CheckResult]:
    settings = Settings(target="app-server", profile="quick", seed="1", options=options)
    return examine(settings, until=until)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def memory(address: str) -> Iterator[AppServer]:
    with open_memory(base_url=address, secret=SECRET) as memory:
        yield memory


def sent(memory: AppServer, token: str) -> Any:
    return memory._client.get("/memories", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_user_has_their_own_memories_by_every_call(memory: AppServer, alice: str, bob: str) -> None:
    (stored,) = memory.add(alice, "Alice keeps bees")
    memory.add(bob, "Bob sails")

    assert [row.text for row in memory.search(alice, "who keeps what", limit=10)] == ["Alice keeps bees"]
    assert memory.get(alice, str(stored.id)) == stored
    memory.update(alice, str(stored.id), "Alice keeps hens")
    assert [row.text for row in memory.get_all(alice)] == ["Alice keeps hens"]
    memory.delete(alice, str(stored.id))
    assert memory.get_all(alice) == []
    assert [row.text for row in memory.get_all(bob)] == ["Bob sails"]


def test_the_list_is_paged_to_its_end_and_deleted_whole(memory: AppServer, alice: str, bob: str) -> None:
    for number in range(MANY):
        memory.add(alice, f"fact {number}")
    memory.add(bob, "Bob sails")

    first = memory.page(alice, None)
    assert (len(first.items), first.cursor) == (50, "50")
    assert len({row.id for row in memory.get_all(alice)}) == MANY
    memory.delete_all(alice)
    assert memory.get_all(alice) == []
    assert len(memory.get_all(bob)) == 1


def test_a_foreign_id_is_answered_as_an_absent_one(memory: AppServer, alice: str, bob: str) -> None:
    (stored,) = memory.add(alice, "Alice keeps bees")
    said = set()

    for id in (str(stored.id), str(uuid4()), "no-id", ".", ".."):
        for act in (memory.get, memory.delete, lambda user, id: memory.update(user, id, "mine now")):
            with pytest.raises(Refused) as refused:
                act(bob, id)
            said.add(str(refused.value))

    assert len(said) == 1
    assert [row.text for row in memory.get_all(alice)] == ["Alice keeps bees"]


@pytest.mark.parametrize("user", [None, "", " ", 0, True, ["a"], {"$ne": None}])
def test_who_is_no_user_can_not_sign_in(memory: AppServer, user: Any) -> None:
    for call in (memory.get_all, memory.delete_all, lambda user: memory.add(user, "text")):
        with pytest.raises(Refused, match="422"):
            call(user)


@pytest.mark.parametrize("user", ["\ud800", "\0", "a/b?c#d", "Zoë\u0301", "*", "x" * 5000])
def test_any_text_is_a_user(memory: AppServer, user: str) -> None:
    memory.add(user, "a fact of theirs")

    assert [row.text for row in memory.get_all(user)] == ["a fact of theirs"]
    memory.delete_all(user)


def test_only_a_session_that_is_still_good_opens(memory: AppServer, alice: str) -> None:
    import jwt

    good = memory.sign_in(alice)
    claims = jwt.decode(good, options={"verify_signature": False})
    ours = memory.sign_in(alice, seconds=10**9)

    assert sent(memory, good) == 200
    assert jwt.decode(ours, options={"verify_signature": False})["exp"] - time.time() < 3601
    assert memory._client.get("/memories").status_code == 401
    for bad in (
        good[:-20] + good[-19:],
        memory.sign_in(alice, seconds=-1),
        jwt.encode(claims, "another key that is long enough for HS256", "HS256"),
        jwt.encode(claims, "", algorithm="none"),
    ):
        assert sent(memory, bad) == 401


@pytest.mark.parametrize("how", INTRUSIONS)
def test_an_intruder_reads_nothing_of_the_victims(memory: AppServer, alice: str, bob: str, how: str) -> None:
    memory.add(alice, "Alice keeps bees")
    memory.add(bob, "Bob sails")

    if how.startswith("victim-in-"):
        assert {row.text for row in memory.intrude(bob, alice, how)} == {"Bob sails"}
    else:
        with pytest.raises(Refused, match="401"):
            memory.intrude(bob, alice, how)


def test_a_way_that_there_is_not(memory: AppServer, alice: str, bob: str) -> None:
    with pytest.raises(NotImplementedError):
        memory.intrude(bob, alice, "by-the-window")


@pytest.mark.parametrize("text", ["", " ", None, 1])
def test_what_is_no_text_is_refused(memory: AppServer, alice: str, text: Any) -> None:
    with pytest.raises(Refused, match="422"):
        memory.add(alice, text)
    with pytest.raises(Refused, match="422"):
        memory.search(alice, text, limit=10)


@pytest.mark.parametrize(("status", "raised"), [(429, Indeterminate), (503, Indeterminate), (403, Refused)])
def test_what_a_status_means(status: int, raised: type[Exception]) -> None:
    import httpx

    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, headers={"Retry-After": "0"}, text="no")

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://127.0.0.1")
    with client, pytest.raises(raised, match=str(status)):
        AppServer(client, SECRET).sign_in("alice")
    assert len(asked) == (5 if status == 429 else 1)


def test_a_server_that_is_down_and_one_that_turns_away_are_unavailable(address: str) -> None:
    with pytest.raises(Unavailable, match="start it"), open_memory(base_url="http://127.0.0.1:9"):
        pass
    with pytest.raises(Unavailable, match="pass its secret"), open_memory(base_url=address):
        pass
    with pytest.raises(BadOption, match="fault"), open_memory(base_url=address, fault="S1-global-store"):
        pass
    with pytest.raises(Unavailable, match="there is no fault 'S1-no-such'"), open_memory(fault="S1-no-such"):
        pass


def test_every_fault_of_the_server_is_tried_here() -> None:
    assert set(staged("app_server_faults").FAULTS) == {*BY_INTRUDERS, *BY_USERS}


@pytest.mark.system
def test_the_server_keeps_its_users_apart() -> None:
    verdicts = {result.verdict for result in asked()}

    assert verdicts == {Verdict.HELD, Verdict.NOT_SUPPORTED}


@pytest.mark.system
def test_a_fault_is_planted_by_an_option() -> None:
    results = asked("fault=S1-user-of-connection", until="S1")

    assert results[-1].verdict is Verdict.VIOLATED


@pytest.mark.system
@pytest.mark.parametrize("fault", BY_USERS)
def test_a_fault_that_mixes_users_up_is_found(fault: str) -> None:
    anomaly = fault.split("-", maxsplit=1)[0]

    assert anomaly in found_with(fault, anomaly)


@pytest.mark.system
@pytest.mark.parametrize("fault", BY_INTRUDERS)
def test_a_fault_that_lets_intruders_in_is_found(fault: str) -> None:
    anomaly = fault.split("-", maxsplit=1)[0]

    assert found_with(fault, anomaly) == {anomaly}


@pytest.mark.parametrize(("fault", "how"), BY_INTRUDERS.items())
def test_each_way_in_is_open_with_its_fault_alone(fault: str, how: str, alice: str, bob: str) -> None:
    with serving(fault) as address, open_memory(base_url=address, secret=SECRET) as memory:
        memory.add(alice, "Alice keeps bees")
        memory.add(bob, "Bob sails")
        seen = {way for way in INTRUSIONS if "Alice keeps bees" in read_by(memory, bob, alice, way)}

    assert seen == {how}


def read_by(memory: AppServer, user: str, victim: str, how: str) -> set[str]:
    try:
        return {row.text for row in memory.intrude(user, victim, how)}
    except Refused:
        return set()
