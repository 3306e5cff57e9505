"""The routes of an OpenAPI document that no operation of a description asks.

A leak stays where nobody looks. Public reports are of whole groups of routes that lacked the filter that the
others had, for example https://github.com/beenuar/AiSOC/pull/236.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from isolation_tests.adapters.described.openapi import Document, Route

__all__ = ["address", "unasked"]

_PARAMETER = re.compile(r"\{[^{}/]*\}")
_HELD = "{}"
Segments = tuple[str, ...]


def unasked(document: Document, base_url: str, requests: Iterable[tuple[str, str]]) -> list[str]:
    """The routes that none of the requests asks, each as its method and path.

    requests: methods and paths below `base_url`, with a value of the call as `{name}`. The names of
    parameters do not matter. Raises `BadDocument` for a damaged document.
    """
    routes = list(document.routes())
    below = [(method, _segments(path)) for method, path in requests]
    base = _segments(urlsplit(base_url).path)
    whole = [(method, (*base, *path)) for method, path in below]
    asked = _asked(whole, [(route, form) for route in routes for form in _forms(document, route)])
    # The service may stand behind another prefix than the document says.
    asked = asked or _asked(below, [(route, _segments(route.path)) for route in routes])
    return [str(route) for route in routes if (route.method, route.path) not in asked]


def _asked(requests: list[tuple[str, Segments]], forms: list[tuple[Route, Segments]]) -> set[tuple[str, str]]:
    """The methods and paths that the requests reach: of two that fit, the more literal one."""
    reached = set()
    for method, path in requests:
        fitting = [(route, form) for route, form in forms if route.method == method and _fits(path, form)]
        if fitting:
            route, _ = min(fitting, key=lambda pair: [segment == _HELD for segment in pair[1]])
            reached.add((route.method, route.path))
    return reached


def _fits(path: Segments, form: Segments) -> bool:
    return len(path) == len(form) and all(
        segment in (_HELD, mine) for mine, segment in zip(path, form, strict=True)
    )


def _forms(document: Document, route: Route) -> set[Segments]:
    """The route's path below each prefix that the document names for it."""
    servers = route.operation.get("servers") or route.item.get("servers") or document.content.get("servers")
    listed = servers if isinstance(servers, list) and servers else [{"url": "/"}]
    urls = [address(server) for server in listed if isinstance(server, dict)]
    return {_segments(urlsplit(url).path + route.path) for url in urls if url is not None}


def address(server: Mapping[str, Any]) -> str | None:
    """The address of a server with the defaults of its variables; None if it has none."""
    url, variables = server.get("url"), server.get("variables")
    if not isinstance(url, str):
        return None
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        if isinstance(variable, dict) and isinstance(variable.get("default"), str):
            url = url.replace(f"{{{name}}}", variable["default"])
    return url


def _segments(path: str) -> Segments:
    return tuple(_PARAMETER.sub(_HELD, segment) for segment in path.split("/") if segment)
