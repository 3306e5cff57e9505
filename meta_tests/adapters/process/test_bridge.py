"""Bridges that keep to the protocol and bridges that do not: one sentence says so, and nothing hangs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Page, Refused, Unavailable
from isolation_tests.adapters.process import link
from isolation_tests.adapters.process.memory import open_memory
from isolation_tests.adapters.process.protocol import BridgeError
from isolation_tests.engine.run import SMOKE
from isolation_tests.execution.contract import claimed
from isolation_tests.execution.session import open_session
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, only

# A bridge that misbehaves as its first argument says. It is not built on the suite's own code, on purpose.
BRIDGE = r"""
import json, os, sys, time
MODE, ROWS, HELD = (sys.argv[1:] or [""])[0], {}, []
OFFERED = ["get", "page", "count", "users", "filters"]
HELLO = {"protocol": 1, "name": "notes", "version": "7", "capabilities": OFFERED}


def say(message):
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def answer(call, given):
    user = given.get("user", "ABSENT")
    rows = ROWS.setdefault(json.dumps(user), [])
    if call == "echo":
        value = given["value"]
        return {"value": value.upper() if MODE == "upper" and isinstance(value, str) else value}
    if call == "add":
        raw = {"user": user, "given": sorted(given)}
        rows.append({"id": f"m{len(rows)}", "text": given["text"], "raw": raw})
        return {"memories": rows[-1:]}
    if call == "delete_all":
        ROWS.pop(json.dumps(user))
        return {"nothing": True}
    if call == "count":
        return {"number": len(rows)}
    if call == "users":
        return {"users": [user]}
    if call == "page":
        return {"page": {"items": rows, "cursor": None}}
    if call == "get":
        found = [row for row in rows if row["id"] == given["id"]]
        return {"memory": found[0]} if found else {"nothing": True}
    return {"memories": rows}


MISBEHAVIOUR = {
    "refused": lambda id: say({"id": id, "refused": "no", "data": {"of": "bob"}}),
    "indeterminate": lambda id: say({"id": id, "indeterminate": "perhaps"}),
    "error": lambda id: say({"id": id, "error": "broken pipe"}),
    "noise": lambda id: say("secret of bob"),
    "list": lambda id: say([1]),
    "nan": lambda id: say('{"id": %d, "memories": NaN}' % id),
    "twice": lambda id: (say({"id": id, "memories": []}), say({"id": id, "memories": []})),
    "stranger": lambda id: say({"id": id + 10, "memories": []}),
    "no-id": lambda id: say({"memories": []}),
    "empty": lambda id: say({"id": id}),
    "both": lambda id: say({"id": id, "memories": [], "refused": "no"}),
    "wrong-kind": lambda id: say({"id": id, "number": 3}),
    "no-text": lambda id: say({"id": id, "memories": [{"id": "1"}]}),
    "no-memory-id": lambda id: say({"id": id, "memories": [{"text": "x"}]}),
    "number-id": lambda id: say({"id": id, "memories": [{"id": 1, "text": "x"}]}),
    "more-keys": lambda id: say({"id": id, "memories": [{"id": "1", "text": "x", "user": "u"}]}),
    "die": lambda id: (print("no disk for bob", file=sys.stderr, flush=True), os._exit(3)),
    "half": lambda id: (sys.stdout.write('{"id"'), sys.stdout.flush(), os._exit(0)),
    "silent": lambda id: None,
    "late": lambda id: (time.sleep(0.6), say({"id": id, "memories": []})),
    "huge": lambda id: say('{"id": %d, "memories": ["%s"]}' % (id, "x" * (3 * 2**20))),
}

for line in sys.stdin:
    message = json.loads(line)
    if "hello" in message:
        if MODE == "mute":
            time.sleep(60)
        if MODE == "dead":
            sys.exit("no licence")
        hello = dict(HELLO, **json.loads(sys.argv[2])) if MODE == "hello" else HELLO
        say("Listening on port 8080" if MODE == "banner" else {"hello": hello})
    elif "cancel" in message:
        HELD.append(message["cancel"])
    elif MODE in MISBEHAVIOUR and message["call"] == "search":
        MISBEHAVIOUR[MODE](message["id"])
    elif MODE == "backwards" and message["call"] == "get_all" and len(HELD) < 2:
        HELD.append(message)
        if len(HELD) == 2:
            for each in reversed(HELD):
                say({"id": each["id"], **answer(each["call"], each["arguments"])})
    else:
        say({"id": message["id"], **answer(message["call"], message["arguments"])})
if MODE == "stays":
    time.sleep(60)
if MODE == "last-word":
    say("bye")
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bridge") / "bridge.py"
    path.write_text(BRIDGE, encoding="utf-8")
    return path


def talk(
    script: Path, use: Callable[[Any], Awaitable[Any]], mode: str = "", *more: str, **options: Any
) -> Any:
    """What `use` makes of the opened bridge, on an event loop of its own."""

    async def run() -> Any:
        command = [sys.executable, str(script), mode, *more]
        async with open_memory(command=command, **options) as memory:
            return await use(memory)

    return asyncio.run(run())


async def searching(memory: Any) -> list[Memory]:
    found: list[Memory] = await memory.search("alice", "x", limit=3)
    return found


def test_everybody_has_their_own(script: Path) -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add("alice", "Alice keeps bees")
        await memory.add("bob", "Bob sails")
        assert (stored.id, stored.text, stored.raw["user"]) == ("m0", "Alice keeps bees", "alice")
        assert [row.text for row in await memory.get_all("bob")] == ["Bob sails"]
        assert [row.text for row in await memory.search("alice", "bees", limit=5)] == ["Alice keeps bees"]
        assert (await memory.get("alice", "m0")).text == "Alice keeps bees"
        assert await memory.get("alice", "m9") is None
        assert await memory.count("alice") == 1
        assert await memory.page("alice", None) == Page([stored], None)
        assert await memory.delete_all("alice") is None
        assert await memory.get_all("alice") == []

    talk(script, use)


def test_what_the_hello_offers_is_there_and_nothing_else(script: Path) -> None:
    async def use(memory: Any) -> None:
        assert claimed(memory) == ("async", "count", "filters", "get", "page", "users")
        assert (memory.hello.name, memory.hello.version) == ("notes", "7")

    talk(script, use)


def test_a_user_who_is_none_is_null_and_one_who_is_not_given_is_absent(script: Path) -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add(None, "text")
        assert stored.raw == {"user": None, "given": ["text", "user"]}
        assert await memory.users() == ["ABSENT"]
        assert await memory.get_all("None") == await memory.get_all("null") == []

    talk(script, use)


@pytest.mark.parametrize(
    "user",
    [0, "", "7", 7, 1.0, 2**70, {"$ne": None}, ["alice"], True, "\ud800", "\0", "Zoë\u2028"],
    ids=ascii,
)
def test_a_user_travels_as_it_is(script: Path, user: Any) -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add(user, "text")
        assert stored.raw["user"] == user
        assert type(stored.raw["user"]) is type(user)

    talk(script, use)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (b"alice", "it has no bytes"),
        (("alice",), "it has no tuple"),
        ({1: "a"}, "a key in it is a int"),
        (float("nan"), "it has no nan"),
        ([float("inf")], "it has no inf"),
        ({"alice"}, "it has no set"),
    ],
)
def test_what_json_can_not_carry_is_refused_and_not_changed(script: Path, user: Any, said: str) -> None:
    async def use(memory: Any) -> None:
        with pytest.raises(Refused, match=f"JSON can't carry user: {said}"):
            await memory.add(user, "text")
        assert await memory.users() == ["ABSENT"]

    talk(script, use)


def test_what_the_bridges_language_changes_is_refused_and_not_sent(script: Path) -> None:
    async def use(memory: Any) -> None:
        with pytest.raises(Refused, match="can't carry this user unchanged"):
            await memory.add("zoë", "text")
        assert await memory.get_all("ZOË") == []

    talk(script, use, "upper")


def test_calls_overlap_and_get_their_own_answers(script: Path) -> None:
    async def use(memory: Any) -> None:
        await memory.add("alice", "of alice")
        await memory.add("bob", "of bob")
        rows = await asyncio.gather(memory.get_all("alice"), memory.get_all("bob"))
        assert [[row.text for row in each] for each in rows] == [["of alice"], ["of bob"]]

    talk(script, use, "backwards")


def test_failures_keep_their_kind_and_their_data(script: Path) -> None:
    with pytest.raises(Refused, match=r"^no$") as caught:
        talk(script, searching, "refused")
    assert vars(caught.value)["data"] == {"of": "bob"}
    with pytest.raises(Indeterminate, match=r"^perhaps$"):
        talk(script, searching, "indeterminate")
    with pytest.raises(BridgeError, match=r"^broken pipe$"):
        talk(script, searching, "error")


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("noise", "printed a line of 13 bytes, which is not a JSON object; write logs to standard error"),
        ("list", "printed a line of 3 bytes, which is not a JSON object"),
        ("nan", "is not a JSON object"),
        ("stranger", "answered call 11, which was not made"),
        ("no-id", 'printed an object without the "id" of a call'),
        ("half", "ended in the middle of a line"),
        ("die", "ended with status 3, with 1 calls open; its error output is in "),
    ],
)
def test_nothing_is_believed_after_the_protocol_is_broken(script: Path, mode: str, said: str) -> None:
    async def use(memory: Any) -> None:
        for call in (searching(memory), memory.get_all("bob")):
            with pytest.raises(BridgeError) as caught:
                await call
            assert said in str(caught.value)
            assert "of bob" not in str(caught.value), "another user's call would quote it"

    talk(script, use, mode)


def test_the_error_output_is_kept_where_it_is_said_to_be(script: Path) -> None:
    with pytest.raises(BridgeError) as caught:
        talk(script, searching, "die")
    log = Path(str(caught.value).rpartition(" ")[2])
    assert log.read_text(encoding="utf-8") == "no disk for bob\n"
    log.unlink()


def test_a_second_answer_is_found_whenever_it_comes(script: Path) -> None:
    async def use(memory: Any) -> None:
        assert await searching(memory) == []
        with pytest.raises(BridgeError, match="answered call 1 twice"):
            await memory.get_all("alice")

    talk(script, use, "twice")
    with pytest.raises(BridgeError, match="answered call 1 twice"):
        talk(script, searching, "twice")


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("empty", "answered search with nothing; an answer has exactly one of memories, refused"),
        ("both", "exactly one of"),
        ("wrong-kind", """answered search with '["number"]'"""),
        ("no-text", "a memory that has no 'text'"),
        ("no-memory-id", "a memory that has no 'id'"),
        ("number-id", "the id '1'; an id is a text"),
        ("more-keys", "a memory that has the key 'user'; it can have id, raw, text"),
    ],
)
def test_an_answer_of_the_wrong_form_fails_its_call_only(script: Path, mode: str, said: str) -> None:
    async def use(memory: Any) -> None:
        with pytest.raises(BridgeError) as caught:
            await searching(memory)
        assert said in str(caught.value)
        assert await memory.get_all("alice") == []

    talk(script, use, mode)


def test_a_call_without_an_answer_times_out_and_others_go_on(script: Path) -> None:
    async def use(memory: Any) -> None:
        with pytest.raises(Indeterminate, match=r"did not answer search within 0\.3 seconds"):
            await searching(memory)
        assert await memory.get_all("alice") == []

    talk(script, use, "silent", timeout_seconds=0.3)


def test_a_late_answer_reaches_nobody(script: Path) -> None:
    async def use(memory: Any) -> None:
        with pytest.raises(Indeterminate):
            await searching(memory)
        await asyncio.sleep(0.6)
        assert await memory.get_all("alice") == []

    talk(script, use, "late", timeout_seconds=0.3)


def test_a_cancelled_call_may_still_be_answered(script: Path) -> None:
    async def use(memory: Any) -> None:
        for pause in (0, 0.001, 0.01):
            call = asyncio.ensure_future(searching(memory))
            await asyncio.sleep(pause)
            call.cancel()
            await asyncio.wait([call])
            assert await memory.get_all("alice") == []

    talk(script, use)


def test_a_line_without_an_end_is_cut_off(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MOST_LINE_BYTES", 2**20)
    with pytest.raises(BridgeError, match="a line of more than 1 MiB; answer long lists in pages"):
        talk(script, searching, "huge")


@pytest.mark.parametrize(
    ("mode", "hello", "said"),
    [
        ("banner", {}, "printed 'Listening on port 8080', which is not a JSON object"),
        ("dead", {}, "it ended with status 1; its last error output was: no licence"),
        ("mute", {}, "said no hello within 1 seconds"),
        ("hello", {"protocol": 2}, "speaks version '2' of the protocol, and this suite speaks version 1"),
        ("hello", {"protocol": True}, "speaks version 'true'"),
        ("hello", {"name": ""}, "needs a text that is not empty as 'name'"),
        ("hello", {"capabilities": ["gte"]}, "offers 'gte', which does not exist; the capabilities are get,"),
        ("hello", {"capabilities": [["get"]]}, "which does not exist"),
        ("hello", {"capabilities": "get"}, "must be a list"),
        ("hello", {"axes": ["user", "agent"]}, 'version 1 knows only ["user"]'),
        ("hello", {"speed": 3}, "has the key 'speed'"),
    ],
)
def test_what_says_no_hello_is_not_opened(script: Path, mode: str, hello: dict[str, Any], said: str) -> None:
    with pytest.raises(Unavailable) as caught:
        talk(script, searching, mode, json.dumps(hello), start_seconds=1.0 if mode == "mute" else 20.0)
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"command": "no-such-program --x"}, "there is no program 'no-such-program'"),
        ({"command": []}, "options.command"),
        ({}, "options.command is missing"),
        ({"command": "x", "commnad": 1}, "did you mean 'command'?"),
        ({"command": "node {npm}/x.mjs"}, "name the packages as npm = "),
        ({"command": "python", "timeout_seconds": 0}, "options.timeout_seconds"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(options: dict[str, Any], said: str) -> None:
    async def run() -> None:
        async with open_memory(**options):
            pass

    with pytest.raises(BadOption) as caught:
        asyncio.run(run())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "said"), [("stays", "did not end within 0.5 seconds"), ("last-word", "bytes")]
)
def test_a_disorderly_end_is_told(
    script: Path, mode: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "STOP_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(BridgeError, match=said):
        talk(script, lambda memory: memory.get_all("alice"), mode)
    assert time.monotonic() - began < 20


def test_the_suite_opens_it_like_any_adapter(script: Path) -> None:
    options = {"command": [sys.executable, str(script)]}
    session = open_session(open_memory, options, call_limit=10, name="notes")
    try:
        session.call("add", "alice", "text")
        assert [row.text for row in session.call("get_all", "alice")] == ["text"]
    finally:
        session.close()


@pytest.mark.parametrize("mode", ["noise", "twice", "die", "wrong-kind", "error", "silent"])
def test_a_broken_bridge_is_never_held(script: Path, tmp_path: Path, mode: str) -> None:
    command = json.dumps([sys.executable, str(script), mode])
    target = tmp_path / "notes.toml"
    target.write_text(
        'name = "notes"\nadapter = "process"\ndisposable = true\n'
        f"[options]\ncommand = {command}\ntimeout_seconds = 0.5\n",
        encoding="utf-8",
    )
    results = ask(Settings(target=str(target)), only(SMOKE.check, "scope-is-applied[S1-two-users]"))
    assert len(results) == 2
    assert Verdict.HELD not in {result.verdict for result in results}
