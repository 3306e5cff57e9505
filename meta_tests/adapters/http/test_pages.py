"""Pages: to their end, never without one, and to no other server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from isolation_tests.adapters.described.mapping import Mismatch
from meta_tests.adapters.http.service import Asked, Reply, Service, always, fault, opened


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
