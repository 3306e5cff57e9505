"""The HTTP adapter against real servers: the notes service, and one that answers as a test says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import signature
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from isolation_tests.adapter import INTRUSIONS, BadOption, Indeterminate, Memory, Refused, Unavailable
from isolation_tests.adapters.described.mapping import Mismatch
from isolation_tests.adapters.http import HttpMemory, open_memory
from isolation_tests.adapters.resources import local_server
from isolation_tests.engine.examination import examine
from isolation_tests.execution.contract import claimed
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.settings import Settings

pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("jmespath", reason="jmespath is not installed")

HERE = Path(__file__).parent
NOTES = HERE / "notes.toml"
SERVICE = HERE.parents[1] / "fixtures" / "staging" / "notes_service.py"
PLAIN: dict[str, Any] = {
    "answer": {"items": "items"},
    "add": {"method": "POST", "path": "/m", "json": {"user": "{user}", "text": "{text}"}},
    "search": {
        "method": "POST",
        "path": "/m/search",
        "json": {"user": "{user}", "query": "{query}", "limit": "{limit}"},
    },
    "get_all": {"method": "GET", "path": "/m", "query": {"user": "{user}"}},
    "delete_all": {"method": "DELETE", "path": "/m", "query": {"user": "{user}"}},
}
HOSTILE: list[Any] = [
    None,
    "",
    " ",
    0,
    False,
    1,
    1.0,
    "*",
    {"$ne": None},
    ["a", "b"],
    [],
    "a/b",
    "\0",
    "\ud800",
]


class Asked(NamedTuple):
    """A request as the server saw it; query: decoded pairs."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


class Reply(NamedTuple):
    """What a test's server answers; body: JSON, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


def always(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda _asked: reply


@dataclass
class Service:
    """A server that answers as `answer` says and remembers what it was asked."""

    answer: Callable[[Asked], Reply] = field(default_factory=lambda: always(Reply(body={"items": []})))
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def last(self) -> Asked:
        return self.asked[-1]


@pytest.fixture
def service() -> Iterator[Service]:
    mine = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length", 0))
            text = self.rfile.read(length)
            path, _, query = self.path.partition("?")
            pairs = parse_qsl(query, keep_blank_values=True)
            body = json.loads(text) if text else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            mine.asked.append(Asked(self.command, path, pairs, headers, body))
            reply = mine.answer(mine.last())
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(0 if reply.status == 204 else len(content)))
            self.end_headers()
            self.wfile.write(b"" if reply.status == 204 else content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - looked up by that name

        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    mine.url = f"http://127.0.0.1:{server.server_port}"
    yield mine
    server.shutdown()
    thread.join()
    server.server_close()


def merged(*changes: dict[str, Any]) -> dict[str, Any]:
    """The plain description with changes; a table is merged into its table, None takes it away."""

    def into(base: dict[str, Any], change: dict[str, Any]) -> None:
        for key, value in change.items():
            if isinstance(value, dict) and isinstance(base.get(key), dict) and key not in ("json", "query"):
                into(base[key], value)
            elif value is None:
                base.pop(key, None)
            else:
                base[key] = value

    options = deepcopy(PLAIN)
    for change in changes:
        into(options, change)
    return options


@contextmanager
def opened(service: Service, *changes: dict[str, Any]) -> Iterator[Any]:
    """The described service, open; what the first read asked is forgotten."""
    with open_memory(**merged({"base_url": service.url}, *changes)) as memory:
        service.asked.clear()
        yield memory


def fault(*changes: dict[str, Any], url: str = "http://127.0.0.1:1") -> str:
    """The sentence on a description that is wrong."""
    with pytest.raises(BadOption) as caught, open_memory(**merged({"base_url": url}, *changes)):
        pass
    return str(caught.value)


# --- the notes service, as somebody new to the suite would certify it


@contextmanager
def notes_service(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Iterator[str]:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    pytest.importorskip("starlette", reason="starlette is not installed")
    monkeypatch.setenv("NOTES_KEY", "of-the-test")
    with local_server(SERVICE, ("--port", "0", *arguments)) as url:
        yield url


def certified(url: str, until: str | None = None) -> list[CheckResult]:
    settings = Settings(target=str(NOTES), profile="quick", seed="1", options=(f"base_url={url}",))
    return examine(settings, until=until)


def test_the_description_is_short() -> None:
    lines = [line for line in NOTES.read_text(encoding="utf-8").splitlines() if line.strip()]

    assert len([line for line in lines if not line.startswith("#")]) < 40


@pytest.mark.system
def test_a_service_that_keeps_users_apart_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    with notes_service(monkeypatch) as url:
        results = certified(url)

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
    held = {anomaly for result in results if result.verdict is Verdict.HELD for anomaly in result.anomalies}
    assert held >= {"S1", "S3", "S5", "A1", "O1", "O2", "O3", "O7", "D1", "D3", "X1", "X2"}
    assert sum(result.verdict is Verdict.HELD for result in results) > 100


@pytest.mark.parametrize(
    ("planted", "anomaly"),
    [
        ("prefix-match", "A1"),
        ("body-override", "S5"),
        ("unsigned-session", "S3"),
        ("delete-everything", "D1"),
    ],
)
def test_a_broken_service_is_violated(planted: str, anomaly: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with notes_service(monkeypatch, "--fault", planted) as url:
        results = certified(url, until=anomaly)

    found = {case.finding.anomaly for result in results for case in result.cases}
    assert anomaly in found
    assert Verdict.worst(result.verdict for result in results) is Verdict.VIOLATED


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with notes_service(monkeypatch) as url:
        options = tomllib.loads(NOTES.read_text(encoding="utf-8"))["options"]
        with open_memory(**{**options, "base_url": url}) as memory:
            yield memory


def test_the_notes_service_answers_every_call(notes: Any) -> None:
    for number in range(120):
        notes.add("alice", f"fact {number}", metadata={"n": number})
    notes.add("bob", "Bob sails")

    assert {row.text for row in notes.get_all("alice")} == {f"fact {number}" for number in range(120)}
    assert [row.text for row in notes.search("alice", "fact 7", limit=1)] == ["fact 7"]
    first = notes.page("alice", None)
    assert len(first.items) == 50
    assert notes.page("alice", first.cursor).items[0].text == "fact 50"
    assert notes.count("alice") == 120

    one = first.items[0]
    notes.update("alice", one.id, "changed")
    assert notes.get("alice", one.id).text == "changed"
    notes.delete("alice", one.id)
    for call in (notes.get, notes.delete, lambda user, id: notes.update(user, id, "x")):
        with pytest.raises(Refused, match="404"):
            call("alice", one.id)
    with pytest.raises(Refused, match="404"):
        notes.get("bob", first.items[1].id)

    notes.delete_all("alice")
    assert notes.get_all("alice") == []
    assert [row.text for row in notes.get_all("bob")] == ["Bob sails"]


def test_no_intruder_gets_into_the_notes_service(notes: Any) -> None:
    notes.add("alice", "Alice keeps bees")
    for how in INTRUSIONS:
        if how.startswith("victim-in-"):
            assert notes.intrude("bob", "alice", how) == []
        else:
            with pytest.raises(Refused, match="401"):
                notes.intrude("bob", "alice", how)


def test_an_intruder_gets_into_a_broken_notes_service(monkeypatch: pytest.MonkeyPatch) -> None:
    options = tomllib.loads(NOTES.read_text(encoding="utf-8"))["options"]
    for planted, how in (
        ("unsigned-session", "altered-credential"),
        ("endless-session", "expired-credential"),
    ):
        with (
            notes_service(monkeypatch, "--fault", planted) as url,
            open_memory(**{**options, "base_url": url}) as memory,
        ):
            memory.add("alice", "Alice keeps bees")
            found = memory.intrude("bob", "alice", how)
        assert {row.text for row in found} == {"Alice keeps bees"}
        assert {row.id for row in found} == {None}


# --- what goes out


@pytest.mark.parametrize("user", HOSTILE, ids=repr)
def test_a_user_alone_in_json_keeps_its_type(service: Service, user: Any) -> None:
    with opened(service) as memory:
        memory.search(user, "q", limit=3)

    sent = service.last().body["user"]
    assert (type(sent), sent) == (type(user), user)
    assert service.last().body["limit"] == 3


@pytest.mark.parametrize(
    ("user", "path"),
    [
        ("a/b?c#d%e", "/u/a%2Fb%3Fc%23d%25e/m"),
        ("..", "/u/%2E%2E/m"),
        ("", "/u//m"),
        ("é ", "/u/%C3%A9%20/m"),
    ],
    ids=repr,
)
def test_a_user_in_a_path_is_encoded_to_the_last_character(service: Service, user: Any, path: str) -> None:
    with opened(service, {"get_all": {"path": "/u/{user}/m", "query": {}}}) as memory:
        memory.get_all(user)

    assert service.last().path == path


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        (None, []),
        ("", [""]),
        ("a&b=c +é", ["a&b=c +é"]),
        ("\0", ["\0"]),
    ],
    ids=repr,
)
def test_a_user_in_a_query_string(service: Service, user: Any, sent: list[str]) -> None:
    with opened(service) as memory:
        memory.get_all(user)

    assert service.last().query == [("user", value) for value in sent]


def test_a_user_in_a_header_and_in_a_longer_text(service: Service) -> None:
    changes = {
        "headers": {"X-User": "{user}"},
        "search": {"json": {"query": "{query}", "filter": "user = '{user}' of {{user}}"}},
    }
    with opened(service, changes) as memory:
        memory.search("é", "q", limit=3)
        asked = service.last()

    assert asked.headers["x-user"].encode("latin-1").decode() == "é"
    assert asked.body == {"query": "q", "filter": "user = 'é' of {user}"}


@pytest.mark.parametrize("user", [None, 0, 5, True, 1.0, {"$ne": None}, ["a"]], ids=repr)
def test_where_only_text_goes_a_user_who_is_none_is_refused(service: Service, user: Any) -> None:
    places: list[dict[str, Any]] = [
        {"headers": {"X-User": "{user}"}},
        {"get_all": {"path": "/u/{user}/m", "query": {}}},
    ]
    for place in [*places, *([] if user is None else [{}])]:
        with opened(service, place) as memory, pytest.raises(Refused, match="nothing was sent"):
            memory.get_all(user)

        assert service.asked == []


@pytest.mark.parametrize("user", ["a\nb", " a", "\ud800"], ids=repr)
def test_what_can_not_be_sent_is_refused_and_not_sent(service: Service, user: str) -> None:
    with opened(service, {"headers": {"X-User": "{user}"}}) as memory:
        with pytest.raises(Refused, match="nothing was sent"):
            memory.get_all(user)

        assert service.asked == []


def test_what_a_call_does_not_have_is_left_out(service: Service) -> None:
    body = {
        "text": "{text}",
        "user": "{user}",
        "meta": "{metadata}",
        "id": "{key}",
        "old": [{"k": "{key}"}, "{key}"],
    }
    service.answer = always(Reply(body={"items": [], "id": "1", "text": "t"}))
    with opened(service, {"add": {"json": body}}) as memory:
        memory.add("u", "t")
        assert service.last().body == {"text": "t", "user": "u", "old": [{}]}

        memory.add("u", "t", metadata={"a": 1}, key="k")
        assert service.last().body["meta"] == {"a": 1}
        assert service.last().body["old"] == [{"k": "k"}, "k"]


def test_one_connection_serves_all_users_and_no_cookie_stays(service: Service) -> None:
    service.answer = always(Reply(body={"items": []}, headers=(("Set-Cookie", "session=of-somebody"),)))
    with opened(service) as memory:
        for user in ("a", "b"):
            memory.get_all(user)

    assert not any("cookie" in asked.headers for asked in service.asked)


# --- capabilities


def test_only_what_the_file_maps_is_offered(service: Service) -> None:
    with opened(service) as memory:
        assert claimed(memory) == ()
        assert list(signature(memory.add).parameters) == ["user", "text"]
        assert list(signature(memory.search).parameters) == ["user", "query", "limit"]
        with pytest.raises(AttributeError):
            memory.get("u", "1")


def test_all_that_the_file_maps_is_offered(service: Service) -> None:
    by_id = {"path": "/m/{id}"}
    changes = {
        "auth": {"kind": "bearer", "token": "{user}"},
        "add": {"json": {"text": "{text}", "meta": "{metadata}", "id": "{key}"}},
        "search": {"json": {"query": "{query}", "where": "{filters}"}},
        "get_all": {
            "query": {"where": "{filters}", "after": "{cursor}"},
            "paging": {"kind": "cursor", "next": "next"},
        },
        "get": {"method": "get", **by_id},
        "update": {"method": "PUT", **by_id, "json": {"text": "{text}", "meta": "{metadata}"}},
        "delete": {"method": "DELETE", **by_id},
        "history": {"method": "GET", **by_id},
        "count": {"method": "GET", "path": "/count"},
        "export": {"method": "GET", "path": "/export"},
        "maintain": {"method": "POST", "path": "/maintain"},
    }
    with opened(service, changes) as memory:
        offered = set(claimed(memory))

    assert offered == {
        *("count", "delete", "export", "filters", "get", "history", "intrude", "key", "maintain"),
        *("metadata", "page", "update", "update_metadata"),
    }


def test_the_optional_calls_read_their_answers(service: Service) -> None:
    rows = {"items": [{"id": 7, "text": "t"}], "stats": {"n": 4}}
    service.answer = lambda asked: Reply(body=None if asked.path == "/m/none" else rows)
    changes = {
        "get": {"method": "GET", "path": "/m/{id}", "items": "items"},
        "history": {"method": "GET", "path": "/m/{id}/history"},
        "count": {"method": "GET", "path": "/count", "query": {"u": "{user}"}, "total": "stats.n"},
        "export": {"method": "GET", "path": "/export/{user}"},
        "maintain": {"method": "POST", "path": "/maintain/{user}"},
    }
    with opened(service, changes) as memory:
        assert memory.get("u", "7").id == "7"
        assert memory.get("u", "none") is None
        assert [row.text for row in memory.history("u", "7")] == ["t"]
        assert memory.count("u") == 4
        assert [row.text for row in memory.export("u")] == ["t"]
        assert memory.maintain("u") is None
        assert service.last().path == "/maintain/u"


# --- what comes back


def test_the_rest_of_an_answer_stays_in_sight(service: Service) -> None:
    rows = [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]
    service.answer = always(Reply(body={"items": rows, "relations": ["secret"]}))
    with opened(service) as memory:
        found = memory.get_all("u")

    assert found[0].raw == {"row": rows[0], "beside": {"relations": ["secret"]}}
    assert found[1].raw == rows[1]


def test_other_parts_that_hold_memories_count_where_there_are_no_rows(service: Service) -> None:
    with opened(service, {"search": {"beside": "relations"}}) as memory:
        assert memory.search("u", "q", limit=2) == []
        service.answer = always(Reply(body={"items": [], "relations": ["a", "b"]}))

        assert memory.search("u", "q", limit=2) == [Memory(None, "", "a"), Memory(None, "", "b")]


def test_a_service_without_a_limit_is_cut_and_nothing_is_lost_from_sight(service: Service) -> None:
    rows = [{"id": str(number), "text": f"t{number}"} for number in range(4)]
    service.answer = always(Reply(body={"items": rows}))
    with opened(service, {"search": {"json": {"q": "{query}", "u": "{user}"}}}) as memory:
        found = memory.search("u", "q", limit=2)

    assert [row.text for row in found] == ["t0", "t1"]
    assert found[1].raw == {"row": rows[1], "past the limit": rows[2:]}


def test_an_add_may_say_little(service: Service) -> None:
    with opened(service) as memory:
        for reply, stored in (
            (Reply(204), []),
            (Reply(200, b""), []),
            (Reply(body={"id": 5}), [("5", "")]),
            (Reply(body={"id": "x", "text": "t"}), [("x", "t")]),
        ):
            service.answer = always(reply)
            assert [(row.id, row.text) for row in memory.add("u", "t")] == stored
    service.answer = always(Reply(body={"items": []}))
    with opened(service, {"add": {"items": ""}}) as memory:
        assert memory.add("u", "t") == []


def test_texts_alone_are_memories_without_ids(service: Service) -> None:
    service.answer = always(Reply(body=["a", "b"]))
    with opened(service, {"answer": {"items": "@", "id": "", "text": "@"}}) as memory:
        assert memory.get_all("u") == [Memory(None, "a", "a"), Memory(None, "b", "b")]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(404, {"error": "no user"}), Refused),
        (Reply(422, {"error": "bad"}), Refused),
        (Reply(500, b"oops"), Indeterminate),
        (Reply(503, b"later"), Indeterminate),
        (Reply(418, b"tea"), Mismatch),
        (Reply(307, b"", (("Location", "/elsewhere"),)), Mismatch),
        (Reply(200, b"<html>", (("Content-Type", "text/html"),)), Mismatch),
        (Reply(200, b""), Mismatch),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_statuses(service: Service, reply: Reply, kind: type[Exception]) -> None:
    with opened(service) as memory:
        service.answer = lambda _asked: reply
        with pytest.raises(kind) as caught:
            memory.get_all("u")

    assert len(service.asked) == 1
    if kind is Mismatch:
        assert str(caught.value).startswith(("options.get_all", "options.answer.items"))
    else:
        assert str(caught.value).startswith(str(reply.status))


def test_a_refusal_keeps_the_service_s_own_words(service: Service) -> None:
    with opened(service, {"refused": [451]}) as memory:
        service.answer = always(Reply(451, {"error": "not of alice"}))
        with pytest.raises(Refused, match="not of alice"):
            memory.delete_all("u")
        service.answer = always(Reply(404, {"error": "gone"}))
        with pytest.raises(Mismatch, match="add 404 to options"):
            memory.delete_all("u")


@pytest.mark.parametrize("status", [429, 503])
def test_the_service_may_ask_to_try_again(service: Service, status: int) -> None:
    with opened(service, {"retries": 2}) as memory:
        replies = iter([Reply(status, headers=(("Retry-After", "0"),)), Reply(body={"items": []})])
        service.answer = lambda _asked: next(replies)
        assert memory.get_all("u") == []
        assert len(service.asked) == 2

        service.asked.clear()
        service.answer = lambda _asked: Reply(
            status, b"busy", (("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"),)
        )
        with pytest.raises(Indeterminate, match="busy"):
            memory.add("u", "t")
        assert len(service.asked) == 3


def test_a_time_out_and_a_broken_connection_are_indeterminate(service: Service) -> None:
    with opened(service, {"timeout_seconds": 0.25}) as memory:

        def late(_asked: Asked) -> Reply:
            sleep(0.5)
            return Reply(body={})

        def hung_up(_asked: Asked) -> Reply:
            raise ConnectionAbortedError

        for answer, kind in ((late, "ReadTimeout"), (hung_up, "RemoteProtocolError")):
            service.answer = answer
            with pytest.raises(Indeterminate, match=kind):
                memory.add("u", "t")


def test_a_mismatch_names_the_expression_and_the_keys_that_were_there(service: Service) -> None:
    with opened(service) as memory:
        for body, key, missing, keys in (
            ({"results": [], "next": None}, "items", "memories", "results, next"),
            ({"items": [{"uuid": "1", "text": "t"}]}, "id", "id", "uuid, text"),
            ({"items": [{"id": "1", "note": "t"}]}, "text", "text", "id, note"),
        ):
            service.answer = always(Reply(body=body))
            with pytest.raises(Mismatch) as caught:
                memory.get_all("u")
            assert str(caught.value) == (
                f"options.answer.{key}: {key!r} finds no {missing} in an answer that has the keys {keys}; "
                "correct the expression."
            )


# --- pages


def numbered(count: int) -> list[dict[str, str]]:
    return [{"id": str(number), "text": f"t{number}"} for number in range(count)]


def asked_for(asked: Asked) -> int:
    return int(dict(asked.query).get("at", "0"))


def by_cursor(asked: Asked) -> Reply:
    start = asked_for(asked)
    return Reply(body={"items": numbered(7)[start : start + 3], "next": start + 3 if start + 3 < 7 else None})


def by_page(asked: Asked) -> Reply:
    start = 3 * (asked_for(asked) - 1)
    return Reply(body={"items": numbered(7)[start : start + 3]})


def by_offset(asked: Asked) -> Reply:
    return Reply(body={"items": numbered(7)[asked_for(asked) :][:3]})


def by_header(asked: Asked) -> Reply:
    reply = by_cursor(asked)
    following = reply.body.pop("next")
    link = (("Link", f'</m?user=u&at={following}>; rel="next"'),) if following else ()
    return reply._replace(headers=link)


def by_address(asked: Asked) -> Reply:
    reply = by_cursor(asked)
    following = reply.body["next"]
    return reply._replace(
        body={**reply.body, "next": following and f"http://{asked.headers['host']}/m?at={following}"}
    )


@pytest.mark.parametrize(
    ("answer", "paging"),
    [
        (by_cursor, {"kind": "cursor", "next": "next"}),
        (by_page, {"kind": "page"}),
        (by_offset, {"kind": "offset"}),
        (by_header, {"kind": "link"}),
        (by_address, {"kind": "link", "next": "next"}),
    ],
    ids=["cursor", "page", "offset", "link-header", "link-in-body"],
)
def test_get_all_pages_to_the_end(
    service: Service, answer: Callable[[Asked], Reply], paging: dict[str, Any]
) -> None:
    service.answer = answer
    query = {"user": "{user}"} if paging["kind"] == "link" else {"user": "{user}", "at": "{cursor}"}
    with opened(service, {"get_all": {"query": query, "paging": paging}}) as memory:
        assert [row.text for row in memory.get_all("u")] == [f"t{number}" for number in range(7)]
        assert callable(getattr(memory, "page", None)) is (paging["kind"] == "cursor")


@pytest.mark.parametrize("paging", [{"kind": "cursor", "next": "next"}, {"kind": "page"}, {"kind": "offset"}])
def test_pages_that_never_end_are_told(service: Service, paging: dict[str, Any]) -> None:
    query = {"user": "{user}", "at": "{cursor}"}
    with opened(service, {"get_all": {"query": query, "paging": paging}}) as memory:
        service.answer = always(Reply(body={"items": numbered(2), "next": "again"}))
        with pytest.raises(Mismatch, match=r"options.get_all.paging: the pages repeat and never end"):
            memory.get_all("u")
        assert len(service.asked) <= 3


def test_no_credential_goes_to_another_server(service: Service) -> None:
    service.answer = always(Reply(body={"items": [], "next": "https://elsewhere.example/m"}))
    changes = {"get_all": {"paging": {"kind": "link", "next": "next"}}}

    assert fault(changes, url=service.url) == (
        "options.get_all.paging: the next page is on https://elsewhere.example, and credentials are not sent "
        "to another server; correct options.base_url to that address."
    )


# --- credentials


def test_a_shared_credential_travels_as_the_file_says(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "k{user}")
    for auth, header, value in (
        ({"kind": "bearer"}, "authorization", "Bearer k{user}"),
        ({"kind": "header", "name": "X-Key"}, "x-key", "k{user}"),
        (
            {"kind": "header", "name": "Authorization", "token": "Token ${MY_KEY}"},
            "authorization",
            "Token k{user}",
        ),
        ({"kind": "cookie", "name": "sid"}, "cookie", "sid=k{user}"),
    ):
        with opened(service, {"auth": {"token": "${MY_KEY}", **auth}}) as memory:
            memory.get_all("u")
            assert service.last().headers[header] == value
            assert claimed(memory) == ("intrude",)


def signing_in(asked: Asked) -> Reply:
    if asked.path == "/sign-in":
        if asked.body == {"user": "nobody"}:
            return Reply(422, {"error": "who?"})
        return Reply(
            body={"data": {"jwt": f"of-{asked.body['user']}"}}, headers=(("Set-Cookie", "sid=c-1; Path=/"),)
        )
    return Reply(body={"items": []})


SIGN_IN = {"method": "POST", "path": "/sign-in", "json": {"user": "{user}"}}
SIGNED: dict[str, Any] = {"auth": {"kind": "bearer", "sign_in": {**SIGN_IN, "token": "data.jwt"}}}


def test_each_user_signs_in_once(service: Service) -> None:
    service.answer = signing_in
    with opened(service, {**SIGNED, "get_all": {"query": {}}}) as memory:
        for user in (1, "1", True, 1, "1"):
            memory.get_all(user)
        signed = [asked.body["user"] for asked in service.asked if asked.path == "/sign-in"]
        assert [(type(user), user) for user in signed] == [(int, 1), (str, "1"), (bool, True)]
        assert service.last().headers["authorization"] == "Bearer of-1"
        with pytest.raises(Refused, match="who"):
            memory.get_all("nobody")


def test_a_credential_that_ran_out_is_renewed_once(service: Service) -> None:
    service.answer = signing_in
    with opened(service, SIGNED) as memory:
        memory.get_all("u")
        service.asked.clear()
        refusing = iter([Reply(401, {"error": "expired"})])
        service.answer = lambda asked: (
            signing_in(asked) if asked.path == "/sign-in" else next(refusing, Reply(body={"items": []}))
        )
        assert memory.get_all("u") == []
        assert [asked.path for asked in service.asked] == ["/m", "/sign-in", "/m"]

        service.answer = lambda asked: signing_in(asked) if asked.path == "/sign-in" else Reply(401, {})
        with pytest.raises(Refused):
            memory.get_all("u")


def test_a_sign_in_may_set_a_cookie(service: Service) -> None:
    service.answer = signing_in
    with opened(service, {"auth": {"kind": "cookie", "name": "sid", "sign_in": SIGN_IN}}) as memory:
        memory.get_all("u")
        assert service.last().headers["cookie"] == "sid=c-1"

    wrong = {"auth": {"kind": "cookie", "name": "sod", "sign_in": SIGN_IN}}
    assert fault(wrong, url=service.url).startswith(
        "options.auth.name: the answer to options.auth.sign_in sets no"
    )


def test_intrusions_are_as_described(service: Service) -> None:
    service.answer = signing_in
    fields = {"query": "user_id", "header": "X-User", "body": "user"}
    with opened(service, SIGNED, {"intrude": fields}) as memory:
        memory.get_all("victim")
        service.asked.clear()
        memory.intrude("u", "victim", "missing-credential")
        assert all("authorization" not in asked.headers for asked in service.asked)
        assert dict(service.asked[0].query)["user_id"] == "victim"

        memory.intrude("u", "victim", "altered-credential")
        shown = service.last().headers["authorization"].removeprefix("Bearer ")
        assert shown != "of-victim"
        assert len(shown) == len("of-victim")

        for how, part, name in (
            ("victim-in-query", "query", "user_id"),
            ("victim-in-header", "headers", "x-user"),
            ("victim-in-body", "body", "user"),
        ):
            memory.intrude("u", "victim", how)
            assert dict(getattr(service.last(), part))[name] == "victim"
            assert service.last().headers["authorization"] == "Bearer of-u"
        with pytest.raises(NotImplementedError):
            memory.intrude("u", "victim", "expired-credential")

        service.answer = always(Reply(200, b"<p>alice's notes</p>"))
        assert memory.intrude("u", "victim", "missing-credential")[0].raw == "<p>alice's notes</p>"
        service.answer = always(Reply(302, b"", (("Location", "/login"),)))
        with pytest.raises(Refused, match="302"):
            memory.intrude("u", "victim", "missing-credential")


def test_no_credential_no_intruder(service: Service) -> None:
    with opened(service) as memory:
        assert not hasattr(memory, "intrude")
    by_name = {"auth": {"kind": "header", "name": "X-User", "token": "{user}"}}
    with opened(service, by_name) as memory, pytest.raises(NotImplementedError):
        memory.intrude("u", "victim", "altered-credential")


# --- what is said about a file that is wrong


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"serach": {}}, "options.serach is not an option; did you mean 'search'?"),
        ({"add": {"jason": {}}}, "options.add.jason is not an option; did you mean 'json'?"),
        (
            {"get_all": {"paging": {"kind": "cursor", "nxt": "n"}}},
            "options.get_all.paging.nxt is not an option; did you mean 'next'?",
        ),
        ({"zebra": 1}, "options.zebra is not an option; the options are base_url, headers, auth"),
        ({"search": None}, "options.search is missing; add it to the table [options] of the file."),
        ({"base_url": None}, "options.base_url is missing; add it to the table [options] of the file."),
        (
            {"add": {"path": None}},
            "options.add.path is missing; add it to the table [options.add] of the file.",
        ),
        ({"add": "POST /m"}, "options.add must be a table; write [options.add] and its keys below it."),
        ({"add": {"path": 5}}, "options.add.path: input should be a valid string; correct it."),
        ({"add": {"path": "m"}}, "options.add.path: a path begins with a slash: write /m; correct it."),
        (
            {"add": {"path": "/m?a=b"}},
            "options.add.path: a path has no question mark: write the parameters in the table query",
        ),
        (
            {"add": {"method": "SEND"}},
            "options.add.method: input should be 'GET', 'POST', 'PUT', 'PATCH' or 'DELETE'",
        ),
        (
            {"base_url": "localhost:8000"},
            "options.base_url is 'localhost:8000'; write an address such as https://",
        ),
        (
            {"base_url": "${NO_SUCH_URL}"},
            "options.base_url needs the environment variable NO_SUCH_URL, which is not set; set it",
        ),
        ({"refused": [500]}, "options.refused.0: input should be less than or equal to 499; correct it."),
        ({"timeout_seconds": 0}, "options.timeout_seconds: input should be greater than 0; correct it."),
        ({"answer": {"items": "a..b"}}, "options.answer.items: 'a..b' is not a JMESPath expression ("),
        ({"search": {"id": "]"}}, "options.search.id: ']' is not a JMESPath expression ("),
        (
            {"search": {"text": ""}},
            "options.search.text is empty; write a JMESPath to the text in the answer.",
        ),
        (
            {"answer": {"items": ""}},
            "options.answer.items is empty; write a JMESPath to the items in the answer.",
        ),
        (
            {"add": {"json": {"text": "{txt}"}}},
            "options.add.json.text contains {txt}, which is not a placeholder here; did you mean {text}?",
        ),
        (
            {"add": {"path": "/m/{id}"}},
            "options.add.path contains {id}, which is not a placeholder here; the placeholders here are {ke",
        ),
        (
            {"add": {"json": {"user": "{user}"}}},
            "options.add does not send {text}; put it into path, query, headers or json.",
        ),
        ({"search": {"json": {"user": "{user}"}}}, "options.search does not send {query}; put it"),
        (
            {"delete_all": {"query": {}}},
            "options.delete_all does not send {user}; put it into path, query, headers or json, or describe",
        ),
        ({"get": {"method": "GET", "path": "/m"}}, "options.get does not send {id}; put it"),
        ({"update": {"method": "PUT", "path": "/m/{id}"}}, "options.update does not send {text}; put it"),
        (
            {"get_all": {"query": {"user": "{user}", "at": "{cursor}"}}},
            "options.get_all.paging is missing; say where {cursor} comes from",
        ),
        ({"get_all": {"paging": {"kind": "page"}}}, "options.get_all does not send {cursor}; put it"),
        (
            {"get_all": {"paging": {"kind": "cursor"}}},
            "options.get_all.paging.next is missing; write a JMESPath to the next cursor",
        ),
        (
            {"page": {"method": "GET", "path": "/{user}/{cursor}", "paging": {"kind": "page"}}},
            'options.page.paging.kind must be "cursor", because a page is read by its cursor.',
        ),
        (
            {"auth": {"kind": "bearer"}},
            'options.auth.token is missing; write "${NAME}", or add a table [options.auth.sign_in].',
        ),
        (
            {"auth": {"kind": "bearer", "token": "s3cret"}},
            "options.auth.token contains a secret; put it into an environment variable",
        ),
        (
            {"auth": {"token": "${A}"}},
            "options.auth.kind is missing; write how the token is sent: bearer, header or cookie.",
        ),
        (
            {"auth": {"kind": "header", "token": "${A}"}},
            "options.auth.name is missing; write the name of the header.",
        ),
        (
            {"auth": {"kind": "sign-in"}},
            "options.auth.kind: input should be 'none', 'bearer', 'header' or 'cookie'; correct it.",
        ),
        (
            {"auth": {"kind": "bearer", "sign_in": SIGN_IN}},
            "options.auth.sign_in.token is missing; write a JMESPath to the token",
        ),
        (
            {
                "auth": {
                    "kind": "bearer",
                    "sign_in": {**SIGN_IN, "json": {"password": "s3cret"}, "token": "t"},
                }
            },
            "options.auth.sign_in.json.password contains a secret; put it",
        ),
        (
            {"headers": {"X-Api-Key": "s3cret"}},
            "options.headers.X-Api-Key contains a secret; put it",
        ),
        (
            {"add": {"json": {"at": date(2026, 1, 1)}}},
            "options.add.json.at is a date, which JSON does not have; write it as text.",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_bad_file_is_told_in_one_sentence(
    change: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_URL", raising=False)

    told = fault(change)

    assert told.startswith(sentence)
    assert told.endswith((".", "?", "=..."))


def unavailable(service_url: str, *changes: dict[str, Any]) -> str:
    with pytest.raises(Unavailable) as caught, open_memory(**merged({"base_url": service_url}, *changes)):
        pass
    return str(caught.value)


def test_a_server_that_is_down_is_unavailable() -> None:
    told = unavailable("http://127.0.0.1:1")

    assert told.startswith("http://127.0.0.1:1 does not answer (ConnectError")
    assert told.endswith("; start it or correct options.base_url.")


def test_a_server_that_fails_at_the_first_read_is_unavailable(service: Service) -> None:
    for reply in (Reply(500, b"oops"), Reply(429, b"slow", (("Retry-After", "0"),))):
        service.answer = always(reply)
        assert "start it or correct options.base_url" in unavailable(service.url, {"retries": 1})


def test_credentials_that_are_turned_away_are_named(service: Service) -> None:
    service.answer = always(Reply(401, {"error": "who are you"}))

    assert unavailable(service.url).endswith('(401 {"error": "who are you"}); correct options.auth.')
    assert unavailable(service.url, SIGNED).endswith("; correct options.auth.sign_in.")


def test_a_request_that_is_refused_at_the_first_read_is_told(service: Service) -> None:
    service.answer = always(Reply(422, {"error": "no user_id"}))

    assert fault(url=service.url) == (
        'options.get_all: the server refuses an ordinary user (422 {"error": "no user_id"}); correct path, '
        "query, headers or json."
    )


def test_a_path_that_is_not_there_is_told_from_a_user_that_is_not_there(service: Service) -> None:
    service.answer = always(Reply(404, {"detail": "Not Found"}))
    assert fault(url=service.url) == (
        'options.get_all.path: the server has no such path (404 {"detail": "Not Found"}); correct it or '
        "options.base_url."
    )
    with opened(service, {"get_all": {"path": "/u/{user}", "query": {}}}):
        pass

    service.answer = lambda asked: Reply(
        404, {"detail": "No such user" if asked.path == "/m" else "Not Found"}
    )
    with opened(service):
        pass


def test_an_answer_that_is_not_as_described_is_told_at_once(service: Service) -> None:
    service.answer = always(Reply(body={"results": []}))
    assert fault(url=service.url) == (
        "options.answer.items: 'items' finds no memories in an answer that has the keys results; correct the "
        "expression."
    )
    service.answer = always(Reply(200, b"<html>", (("Content-Type", "text/html"),)))
    assert fault(url=service.url) == (
        "options.get_all: the server answered 200 without JSON (text/html); correct the path or "
        "options.base_url."
    )


def test_the_adapter_is_what_the_factory_gives(service: Service) -> None:
    with opened(service) as memory:
        assert isinstance(memory, HttpMemory)
