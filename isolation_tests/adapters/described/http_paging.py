"""Lists over HTTP: the memories in an answer, and the way from page to page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from isolation_tests.adapter import Memory
from isolation_tests.adapters.described.bodies import MOST_PAGES
from isolation_tests.adapters.described.http_client import of_answer
from isolation_tests.adapters.described.http_options import Call, Paging
from isolation_tests.adapters.described.mapping import ABSENT, Mismatch, OutOfBounds

if TYPE_CHECKING:
    import httpx

__all__ = ["Position", "memories", "next_cursor", "pages"]

_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: the value of `{cursor}`, or the page's own address."""

    cursor: Any = ABSENT
    url: str | None = None


def memories(call: Call, response: httpx.Response) -> list[Memory]:
    """The memories in an answer; none if the answer has no content or if add returns nothing."""
    answer = of_answer(call, response)
    nothing = answer is None and (response.status_code == _NO_CONTENT or call.option == "options.add")
    return [] if nothing else call.reader.memories(answer)


def pages(call: Call, ask: Callable[[Position], httpx.Response]) -> Iterator[list[Memory]]:
    """Every page of a list; raises `Mismatch` if the pages repeat."""
    position = _first(call.paging)
    seen: set[str] = set()
    count = 0
    for _ in range(MOST_PAGES):
        response = ask(position)
        page = memories(call, response)
        yield page
        count += len(page)
        following = _following(call, response, page, position, count)
        if following is None:
            return
        numbered = call.paging is not None and call.paging.kind in ("page", "offset")
        mark = repr([(row.id, row.text) for row in page] if numbered else following)
        if mark in seen:
            break
        seen.add(mark)
        position = following
    else:
        raise OutOfBounds(
            f"{call.option}.paging: a list has more than {MOST_PAGES} pages; correct its kind, or let the "
            "service return more memories in a page."
        )
    raise Mismatch(
        f"{call.option}.paging: the pages repeat and never end; correct its kind, or where the request sends "
        "{cursor}."
    )


def next_cursor(call: Call, response: httpx.Response) -> str | int | None:
    """The next page's cursor or address in the answer; None at the end."""
    if call.paging is None or call.paging.next is None:
        return None
    answer = of_answer(call, response)
    found = call.paging.next.find(answer)
    if found is None or found is False or found == "":
        return None
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise call.paging.next.missed(answer, "text or number for the next page")
    return found


def _first(paging: Paging | None) -> Position:
    if paging is None or paging.kind in ("cursor", "link"):
        return Position()
    return Position(cursor=paging.first if paging.kind == "page" else 0)


def _following(
    call: Call, response: httpx.Response, page: list[Memory], position: Position, count: int
) -> Position | None:
    paging = call.paging
    if paging is None:
        return None
    if paging.kind == "link":
        return _linked(call, response)
    if paging.kind == "cursor":
        cursor = next_cursor(call, response)
        return None if cursor is None else Position(cursor=cursor)
    if not page:
        # A short page is not the end: a service may build its pages first and filter by user afterwards.
        return None
    return Position(cursor=count if paging.kind == "offset" else position.cursor + 1)


def _linked(call: Call, response: httpx.Response) -> Position | None:
    if call.paging is not None and call.paging.next is not None:
        found = next_cursor(call, response)
    else:
        found = response.links.get("next", {}).get("url")
    if found is None:
        return None
    url = urljoin(str(response.url), str(found))
    if urlsplit(url)[:2] != urlsplit(str(response.url))[:2]:
        raise Mismatch(
            f"{call.option}.paging: the next page is on {urlsplit(url).scheme}://{urlsplit(url).netloc}, "
            "and credentials are not sent to another server; correct options.base_url to that address."
        )
    return Position(url=url)
