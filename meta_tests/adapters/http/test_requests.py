"""What goes out: a user as it is, or refused; and only the calls that the file maps."""

from __future__ import annotations

from inspect import signature
from typing import Any

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.execution.contract import claimed
from meta_tests.adapters.http.service import Reply, Service, always, opened

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
