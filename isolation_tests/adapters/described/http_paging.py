"""Lists over HTTP: the memories of an answer, and the way from one page to the next, to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from isolation_tests.adapter import Memory
from isolation_tests.adapters.described.http_client import of_answer
from isolation_tests.adapters.described.http_options import Call, Paging
from isolation_tests.adapters.described.mapping import ABSENT, Mismatch

if TYPE_CHECKING:
    import httpx

__all__ = ["Position", "memories", "next_cursor", "pages"]

_MOST_PAGES = 10_000
_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: what stands for `{cursor}`, or the page's own address."""

    cursor: Any = ABSENT
    url: str | None = None


def memories(call: Call, response: httpx.Response) -> list[Memory]:
    """The memories of an answer; none where an answer has no content, or where add says nothing of them."""
    answer = of_answer(call, response)
    nothing = answer is None and (response.status_code == _NO_CONTENT or call.option == "options.add")
    return [] if nothing else call.reader.memories(answer)


def pages(call: Call, ask: Callable[[Position], httpx.Response]) -> Iterator[list[Memory]]:
    """Every page of a list; raises `Mismatch` where the pages repeat themselves."""
    position = _first(call.paging)
    seen: set[str] = set()
    count = 0
    for _ in range(_MOST_PAGES):
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
    raise Mismatch(
        f"{call.option}.paging: the pages repeat themselves and never end; correct its kind, or where the "
        "request sends {cursor}."
    )


def next_cursor(call: Call, response: httpx.Response) -> str | int | None:
    """What the answer gives for the next page; None at the end."""
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
        # A short page is no end: a service may page first and leave out what is not the user's later.
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
            f"{call.option}.paging: the next page is said to be on {urlsplit(url).netloc} over "
            f"{urlsplit(url).scheme}, where credentials do not go; correct options.base_url to that address."
        )
    return Position(url=url)
