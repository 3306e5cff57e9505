"""A file or a service that is wrong is told in one sentence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from isolation_tests.adapter import Unavailable
from isolation_tests.adapters.http import HttpMemory, open_memory
from meta_tests.adapters.http.service import SIGN_IN, SIGNED, Reply, Service, always, fault, merged, opened


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
