"""Credentials: sent as the file says, renewed once, and no way in for an intruder."""

from __future__ import annotations

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.execution.contract import claimed
from meta_tests.adapters.http.service import SIGN_IN, SIGNED, Asked, Reply, Service, always, fault, opened


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
