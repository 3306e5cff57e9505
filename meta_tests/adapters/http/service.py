"""A server that answers as a test says, and a file that describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from isolation_tests.adapter import BadOption
from isolation_tests.adapters.http import open_memory

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


SIGN_IN = {"method": "POST", "path": "/sign-in", "json": {"user": "{user}"}}
SIGNED: dict[str, Any] = {"auth": {"kind": "bearer", "sign_in": {**SIGN_IN, "token": "data.jwt"}}}
