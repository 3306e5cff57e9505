"""The MCP adapter against servers over stdio and HTTP: what it sends, reads, refuses and reports."""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import BadOption, Indeterminate, Refused, Unavailable
from isolation_tests.adapters.described.mapping import OutOfBounds
from isolation_tests.adapters.mcp import McpMemory, open_memory
from isolation_tests.core.distributions import is_met
from isolation_tests.engine.examination import examine
from isolation_tests.execution.contract import claimed
from isolation_tests.execution.session import open_session
from isolation_tests.model import Verdict
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from meta_tests.asking import keys

pytest.importorskip("mcp", reason="the MCP library is not installed")
pytest.importorskip("jmespath", reason="jmespath is not installed")

# A server that speaks the protocol by itself, so that it can misbehave where the library would not.
SERVER = """
import gzip, json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE, ROWS, IDS = os.environ.get("MODE", ""), {}, iter(range(1, 10**6))
TEXT, ID = {"type": "string"}, {"type": "integer"}


def tool(name, **arguments):
    schema = {"type": "object", "properties": arguments, "required": sorted(arguments)}
    return {"name": name, "description": name, "inputSchema": schema}


TOOLS = [
    tool("remember", user={}, text=TEXT),
    tool("recall", user={}, query=TEXT),
    tool("list", user={}, offset=ID),
    tool("forget", user={}, id=ID),
    tool("forget_all", user={}),
    tool("lines", user={}),
    tool("total", user={}),
    tool("slow", user={}),
    tool("die", user={}),
]


def call(name, given):
    user = os.environ.get("FOR_USER") or given.get("user")
    if name == "die":
        os._exit(3)
    if user == "endless":
        while True:
            os.write(1, b"x" * 65536)
    if user == "large":
        return {"content": [{"type": "text", "text": "x" * 20_000_000}]}
    if user == "full":
        return {"content": [{"type": "text", "text": "x" * 15_000_000}]}
    if name == "slow":
        time.sleep(30)
    if user is None:
        return {"isError": True, "content": [{"type": "text", "text": "a user is needed"}]}
    if user == "unlisted":
        return {"error": {"code": -32602, "message": "Invalid params"}}
    if user == "broken":
        return {"error": {"code": -32603, "message": "Internal error"}}
    rows = ROWS.setdefault(json.dumps(user), {})
    if name == "remember":
        number = next(IDS)
        rows[number] = {"id": f"m:{number}", "text": given["text"], "owner": user}
        answer = rows[number]
    elif name == "forget":
        answer = {"gone": rows.pop(given["id"])} if given["id"] in rows else {"error": "no such memory"}
    elif name == "forget_all":
        rows.clear()
        answer = {}
    elif name == "total":
        answer = {"total": len(rows)}
    elif name == "lines":
        return {"content": [{"type": "text", "text": "\\n".join(row["text"] for row in rows.values())}]}
    else:
        listed = [row for row in rows.values() if given.get("query", "") in row["text"]]
        start = given.get("offset", 0)
        answer = {"memories": listed[start : start + 50]}
    if MODE == "structured":
        return {"content": [{"type": "text", "text": "see the structure"}], "structuredContent": answer}
    return {"content": [{"type": "text", "text": json.dumps(answer)}]}


def respond(request):
    method, params = request.get("method"), request.get("params") or {}
    if "id" not in request:
        return None
    if method == "initialize":
        result = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "stand-in", "version": "1"},
        }
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "tools/call":
        result = call(params["name"], params.get("arguments") or {})
    else:
        result = {"error": {"code": -32601, "message": "Method not found"}}
    body = {"error": result["error"]} if set(result) == {"error"} else {"result": result}
    return {"jsonrpc": "2.0", "id": request["id"], **body}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if request.get("method") == "tools/call" and self.headers.get("X-User"):
            request["params"].setdefault("arguments", {})["user"] = self.headers["X-User"]
        answer = respond(request)
        body = b"" if answer is None else json.dumps(answer).encode()
        user = (request.get("params") or {}).get("arguments", {}).get("user")
        kind = "text/event-stream" if user == "events" else "application/json"
        if user == "events":
            body = b"data: " + b"x" * 20_000_000
        self.send_response(202 if answer is None else 200)
        self.send_header("Content-Type", kind)
        if user == "packed":
            body = gzip.compress(b" " * 100_000_000 + body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass

    def do_GET(self):
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_DELETE = do_GET

    def log_message(self, *_):
        pass


if MODE == "dead":
    sys.exit("no licence")
if MODE == "http":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
    server.serve_forever()
for line in sys.stdin:
    answer = respond(json.loads(line))
    if answer is not None:
        print(json.dumps(answer), flush=True)
"""

CALLS: dict[str, Any] = {
    "answer": {"items": "memories", "refused": "error"},
    "ids": "number",
    "add": {"tool": "remember", "arguments": {"user": "{user}", "text": "{text}"}, "items": "@"},
    "search": {"tool": "recall", "arguments": {"user": "{user}", "query": "{query}"}},
    "get_all": {"tool": "list", "arguments": {"user": "{user}", "offset": "{offset}"}},
    "delete": {"tool": "forget", "arguments": {"user": "{user}", "id": "{id}"}},
    "delete_all": {"tool": "forget_all", "arguments": {"user": "{user}"}},
    "count": {"tool": "total", "arguments": {"user": "{user}"}},
}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mcp") / "server.py"
    path.write_text(SERVER, encoding="utf-8")
    return path


@pytest.fixture
def options(script: Path) -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(script)], "env": {}, **deepcopy(CALLS)}


def talk(options: dict[str, Any], use: Callable[[Any], Awaitable[Any]]) -> Any:
    """What `use` makes of the opened server, on an event loop of its own."""

    async def run() -> Any:
        async with open_memory(**options) as memory:
            return await use(memory)

    return asyncio.run(run())


@contextmanager
def served(script: Path) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={"MODE": "http"}
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def test_everybody_has_their_own(options: dict[str, Any]) -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add("alice", "Alice keeps bees")
        await memory.add("bob", "Bob sails")
        assert (stored.id, stored.text) == ("1", "Alice keeps bees")
        assert stored.raw["id"] == "m:1"
        assert [row.text for row in await memory.search("alice", "bees", limit=5)] == ["Alice keeps bees"]
        assert [row.text for row in await memory.get_all("bob")] == ["Bob sails"]
        assert await memory.count("alice") == 1
        await memory.delete("alice", stored.id)
        assert list(await memory.get_all("alice")) == []
        with pytest.raises(Refused, match="no such memory"):
            await memory.delete("alice", stored.id)

    talk(options, use)


def test_a_server_that_begins_beyond_the_bounds_is_told_at_once(options: dict[str, Any]) -> None:
    options["args"] = ["-c", "import os\nwhile True: os.write(1, b'x' * 65536)"]
    began = time.monotonic()
    with pytest.raises(Unavailable, match="larger than 16 MB"):
        talk(options, lambda memory: memory.get_all("alice"))
    assert time.monotonic() - began < 15


async def refuse(memory: Any, user: str, told: str) -> None:
    """Read as a user whose answers are out of bounds, and then as another one."""
    with pytest.raises(OutOfBounds, match=told):
        await memory.get_all(user)
    await memory.add("alice", "Alice keeps bees")
    assert [row.text for row in await memory.get_all("alice")] == ["Alice keeps bees"]


@pytest.mark.parametrize("user", ["large", "endless"])
def test_a_message_beyond_the_bounds_is_not_kept(options: dict[str, Any], user: str) -> None:
    """The server is started again, and its answer is an error of the adapter."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    talk(options, lambda memory: refuse(memory, user, "larger than 16 MB"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


@pytest.mark.parametrize(
    ("user", "told"),
    [("large", "larger than 16 MB"), ("packed", "is packed"), ("events", "larger than 16 MB")],
)
def test_an_http_answer_beyond_the_bounds_is_not_kept(
    options: dict[str, Any], script: Path, user: str, told: str
) -> None:
    with served(script) as url:
        del options["command"], options["args"], options["env"]
        talk({**options, "url": url}, lambda memory: refuse(memory, user, told))


def test_a_message_within_the_bounds_is_read(options: dict[str, Any]) -> None:
    options["count"] |= {"total": "length(@)"}

    async def use(memory: Any) -> None:
        assert await memory.count("full") == 15_000_000

    talk(options, use)


def test_a_list_is_paged_to_its_end_and_a_search_cut_at_its_limit(options: dict[str, Any]) -> None:
    async def use(memory: Any) -> None:
        for number in range(120):
            await memory.add("alice", f"fact {number}")
        assert len(await memory.get_all("alice")) == 120
        found = await memory.search("alice", "fact", limit=3)
        assert len(found) == 3
        assert "fact 49" in str(found[-1].raw)
        await memory.delete_all("alice")
        assert list(await memory.get_all("alice")) == []

    talk(options, use)


def test_delete_all_one_by_one(options: dict[str, Any]) -> None:
    options["delete_all"] = {"each": "delete"}

    async def use(memory: Any) -> None:
        await memory.add("alice", "one")
        await memory.add("alice", "two")
        await memory.add("bob", "three")
        await memory.delete_all("alice")
        assert [len(await memory.get_all(user)) for user in ("alice", "bob")] == [0, 1]

    talk(options, use)


@pytest.mark.parametrize("user", [0, "", "7", 7, {"$ne": None}, ["alice"], True])
def test_a_user_travels_as_it_is(options: dict[str, Any], user: Any) -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add(user, "text")
        assert stored.raw["owner"] == user
        assert type(stored.raw["owner"]) is type(user)

    talk(options, use)


def test_what_errors_mean(options: dict[str, Any]) -> None:
    options |= {"timeout_seconds": 1.0, "history": {"tool": "slow", "arguments": {"user": "{user}{id}"}}}

    async def use(memory: Any) -> None:
        with pytest.raises(Refused, match="a user is needed"):
            await memory.get_all(None)
        with pytest.raises(Refused, match="Invalid params"):
            await memory.get_all("unlisted")
        with pytest.raises(Indeterminate, match="Internal error"):
            await memory.get_all("broken")
        with pytest.raises(Refused, match=r"a message can.t hold"):
            await memory.get_all(float("nan"))
        with pytest.raises(Refused, match=r"a message can.t hold"):
            await memory.get_all("\ud800")
        with pytest.raises(Indeterminate, match="within 1 seconds"):
            await memory.history("alice", "1")

    talk(options, use)


def test_errors_of_tools_may_be_declared_unclear(options: dict[str, Any]) -> None:
    options["tool_errors"] = "indeterminate"

    async def use(memory: Any) -> None:
        with pytest.raises(Indeterminate, match="a user is needed"):
            await memory.get_all(None)

    talk(options, use)


def test_a_server_that_dies_is_started_again(options: dict[str, Any]) -> None:
    options["maintain"] = {"tool": "die", "arguments": {"user": "{user}"}}

    async def use(memory: Any) -> None:
        await memory.add("alice", "kept in the process alone")
        with pytest.raises(Indeterminate):
            await memory.maintain("alice")
        assert list(await memory.get_all("alice")) == []

    talk(options, use)


def test_answers_in_structure_and_in_lines(options: dict[str, Any]) -> None:
    options["env"] = {"MODE": "structured"}

    async def structured(memory: Any) -> None:
        await memory.add("alice", "text")
        (row,) = await memory.get_all("alice")
        assert row.text == "text"
        assert "see the structure" in str(row.raw)

    talk(options, structured)

    del options["count"], options["delete"]
    options["answer"] = {"form": "lines", "id": "", "text": "@"}
    options["add"]["items"] = ""
    options["get_all"] = {"tool": "lines", "arguments": {"user": "{user}"}}

    async def lines(memory: Any) -> None:
        await memory.add("alice", "one")
        await memory.add("alice", "two")
        assert [(row.id, row.text) for row in await memory.get_all("alice")] == [(None, "one"), (None, "two")]

    talk(options, lines)


def test_one_server_for_each_user(options: dict[str, Any]) -> None:
    options |= {"session": "per-user", "keep": 2, "env": {"FOR_USER": "{user}"}}
    for name, call in options.items():
        if isinstance(call, dict) and "arguments" in call:
            call["arguments"] = {**call["arguments"], "user": name}

    async def use(memory: Any) -> None:
        (stored,) = await memory.add("alice", "Alice keeps bees")
        assert stored.raw["owner"] == "alice"
        assert list(await memory.get_all("bob")) == []
        assert len(await memory.get_all("alice")) == 1
        await asyncio.gather(*(memory.get_all(user) for user in ("carol", "dave", "erin")))
        # Two stay open: Alice's, which kept her memories in itself, has been closed.
        assert list(await memory.get_all("alice")) == []
        for nobody in (None, "", " ", 0, {"a": 1}):
            with pytest.raises(Refused, match="text that is not blank"):
                await memory.add(nobody, "text")
        with pytest.raises(Refused, match="NUL"):
            await memory.add("a\0b", "text")

    talk(options, use)


def test_over_http_with_the_user_in_an_argument_or_a_header(options: dict[str, Any], script: Path) -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add("alice", "Alice keeps bees")
        assert stored.raw["owner"] == "alice"
        assert [row.text for row in await memory.get_all("alice")] == ["Alice keeps bees"]
        assert list(await memory.get_all("bob")) == []
        await memory.delete_all("alice")

    del options["command"], options["args"], options["env"]
    with served(script) as url:
        talk(options | {"url": url}, use)
        headers = {"X-User": "{user}"}
        talk(options | {"url": url, "session": "per-user", "headers": headers}, use)


def test_the_suite_opens_calls_and_closes_it_from_different_tasks(options: dict[str, Any]) -> None:
    session = open_session(open_memory, options, call_limit=20, name="mcp")
    try:
        assert session.claimed == ("async", "count", "delete")
        session.call("add", "alice", "Alice keeps bees")
        assert [row.text for row in session.call("get_all", "alice")] == ["Alice keeps bees"]
    finally:
        session.close()


def test_capabilities_are_those_that_are_mapped(options: dict[str, Any]) -> None:
    options["add"]["arguments"]["text"] = "{key}: {text}"

    async def use(memory: McpMemory) -> tuple[str, ...]:
        return claimed(memory)

    assert talk(options, use) == ("async", "count", "delete", "key")


def test_tools_that_nobody_maps_are_told(options: dict[str, Any]) -> None:
    async def use(memory: McpMemory) -> tuple[str, ...]:
        return tuple(memory.unasked)

    everything = talk(options, use)
    tool = options.pop("count")["tool"]

    assert tool not in everything
    assert talk(options, use) == tuple(sorted((*everything, tool)))


CORRECTIONS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda o: o.update(command="no-such-program"), "options.command: there is no program"),
    (lambda o: o.pop("command"), "options.command or options.url"),
    (lambda o: o.update(url="http://127.0.0.1:1/mcp"), "options.command or options.url"),
    (lambda o: (o.pop("command"), o.update(url="localhost")), "options.url is 'localhost'"),
    (lambda o: o.update(sesion="shared"), "did you mean 'session'"),
    (lambda o: o.pop("search"), "options.search is missing"),
    (lambda o: o["search"].update(tool="recal"), "no tool 'recal'; did you mean 'recall'"),
    (lambda o: o["search"]["arguments"].update(quary="x"), "takes no 'quary'; did you mean 'query'"),
    (lambda o: o["get_all"]["arguments"].pop("offset"), "lacks 'offset', which the tool list requires"),
    (lambda o: o["add"]["arguments"].update(text="{txt}"), r"did you mean \{text\}"),
    (lambda o: o["add"]["arguments"].update(text="fixed"), r"arguments does not send \{text\}"),
    (lambda o: o["add"]["arguments"].update(user="me"), r"arguments does not send \{user\}"),
    (lambda o: o["search"].update(items="a["), "options.search.items: 'a\\[' is not a JMESPath"),
    (lambda o: o["get_all"].update(items="rows"), "options.get_all.items: 'rows' finds no memories"),
    (lambda o: o.update(session="per-user"), "options.session is per-user"),
    (lambda o: o.update(delete_all={}), "options.delete_all: write the tool"),
    (lambda o: (o.pop("delete"), o.update(delete_all={"each": "delete"})), "options.delete is missing"),
    (lambda o: o["env"].update(KEY="${NO_SUCH_VARIABLE}"), "NO_SUCH_VARIABLE, which is not set"),
    (lambda o: o["env"].update(KEY="{user}"), "is not a placeholder here"),
]


@pytest.mark.parametrize(("spoil", "said"), CORRECTIONS)
def test_a_wrong_option_is_named_in_one_sentence(
    options: dict[str, Any], spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    spoil(options)
    with pytest.raises(BadOption, match=said) as caught:
        talk(options, lambda _: asyncio.sleep(0))
    assert str(caught.value).startswith("options.")
    assert "\n" not in str(caught.value)


def test_a_server_that_does_not_start_is_unavailable(options: dict[str, Any]) -> None:
    options["env"] = {"MODE": "dead"}
    with pytest.raises(Unavailable, match="its last output was: no licence"):
        talk(options, lambda _: asyncio.sleep(0))


def test_nobody_at_the_address_is_unavailable(options: dict[str, Any]) -> None:
    del options["command"], options["args"], options["env"]
    options |= {"url": "http://127.0.0.1:1/mcp", "start_seconds": 5}
    with pytest.raises(Unavailable, match="does not answer as an MCP server"):
        talk(options, lambda _: asyncio.sleep(0))


@pytest.mark.system
@pytest.mark.skipif(not is_met("cpersona>=2.6,<2.7"), reason="cpersona 2.6 is not installed")
def test_cpersona_shows_what_the_target_lists() -> None:
    results = examine(Settings(target="mcp-cpersona", profile="quick", seed="1"))

    assert set.union(*keys(results)) == {"S3-get_all-empty", "S3-get_all-blank"}
    assert Verdict.ERROR not in {result.verdict for result in results}


@pytest.mark.skipif(shutil.which("mcp-server-memory") is None, reason="the npm package is not installed")
def test_a_process_for_each_user_of_the_reference_server() -> None:
    async def use(memory: Any) -> None:
        (stored,) = await memory.add("alice", "Alice keeps bees")
        assert list(await memory.get_all("bob")) == []
        assert [row.id for row in await memory.search("alice", "bees", limit=5)] == [stored.id]
        found = await memory.get("alice", stored.id)
        assert found.text == "Alice keeps bees"
        assert await memory.get("bob", stored.id) is None
        await memory.delete_all("alice")
        assert list(await memory.get_all("alice")) == []

    talk(resolve("mcp-server-memory").config.options, use)
