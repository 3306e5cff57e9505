"""Tells a proposal in the terminal: what was proposed and why, and what is left to the user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from isolation_tests.adapters.described.openapi import in_line
from isolation_tests.adapters.described.unasked import unasked
from isolation_tests.core.plural import counted
from isolation_tests.targets.openapi.access import signs_in
from isolation_tests.targets.openapi.choosing import Choice
from isolation_tests.targets.openapi.operations import Operation, said
from isolation_tests.targets.openapi.proposal import Proposal
from isolation_tests.targets.openapi.roles import CORE, ROLES
from isolation_tests.targets.openapi.writing import Line, Open

__all__ = ["told"]

_MOST_LINE = 2000
_MOST_ROUTES = 10
_MOST_REFERENCES = 3


def told(proposal: Proposal, written: Sequence[Line]) -> list[str]:
    """The lines for the terminal. written: those of the file."""
    lines = [_head(proposal)]
    lines += [f"  {name:<11} {in_line(text, _MOST_LINE)}" for name, text in _proposed(proposal)]
    opened = [f"{line.option}: {line.due}" for line in written if isinstance(line, Open)]
    left = [*_left(proposal), *opened, *proposal.access.left]
    shown = [f"  - {in_line(line, _MOST_LINE)}" for line in left]
    lines += ["Left to you:", *shown] if left else ["Nothing is left open."]
    return [*lines, *_routes(proposal)]


def _head(proposal: Proposal) -> str:
    info: Any = proposal.document.content.get("info")
    info = info if isinstance(info, dict) else {}
    title = said(f"{info.get('title') or 'no title'} {info.get('version') or ''}")
    routes = counted(len(proposal.operations), "route")
    return f"From {proposal.document.shown} ({title}, OpenAPI {said(proposal.document.version)}, {routes}):"


def _proposed(proposal: Proposal) -> Iterator[tuple[str, str]]:
    if proposal.base.url is not None:
        others = f"; others: {', '.join(map(said, proposal.base.others))}" if proposal.base.others else ""
        yield "base_url", f"{said(proposal.base.url)}: {proposal.base.why}{others}"
    yield "auth", _auth(proposal)
    requests = [choice.request for choice in proposal.choices.values() if not choice.lacking]
    named = dict.fromkeys(request.places["user"] for request in requests if "user" in request.places)
    if named:
        yield "user", f"by its name, {' or '.join(named)} says whose memories a call is about"
    answer = proposal.answer
    if answer is not None:
        yield "answer", f"memories at {answer.items}, with the text at {answer.text} and {_id(answer.id)}"
    for role in ROLES:
        choice = proposal.choices.get(role.name)
        if choice is not None and not choice.lacking:
            yield role.name, _operation(choice)


def _id(id: str) -> str:
    return f"the id at {id}" if id else "no id"


def _auth(proposal: Proposal) -> str:
    reached = proposal.access
    if reached.kind == "none":
        return reached.why
    sent = {
        "bearer": "a bearer token",
        "header": f"the header {reached.name}",
        "cookie": f"the cookie {reached.name}",
    }
    return f"{sent[reached.kind]}: {reached.why}"


def _operation(choice: Choice) -> str:
    request = choice.request
    title = f' "{request.operation.title}"' if request.operation.title else ""
    sent = ", ".join(f"{{{value}}} in {place}" for value, place in request.places.items())
    pages = "" if choice.paging is None or choice.paging.open else f"; pages by {choice.paging.kind}"
    others = f"; {', '.join(choice.others)} would fit as well" if choice.others else ""
    return f"{request.operation}{title}{f': {sent}' if sent else ''}{pages}{others}"


def _left(proposal: Proposal) -> Iterator[str]:
    if proposal.base.url is None:
        yield f"options.base_url: {proposal.base.why}; write it, or pass -O base_url=URL to a run"
    places: dict[str, str] = {}
    for choice in proposal.choices.values():
        for name in choice.request.variables:
            places.setdefault(name, str(choice.request.operation))
    for name, place in places.items():
        yield f"{name}: set it to what belongs into the path of {place}"
    bodies = [
        f"{operation} takes {operation.other}, and only JSON can be sent"
        for operation in proposal.operations
        if operation.other and _is_missed(operation, proposal)
    ]
    yield from bodies[:_MOST_REFERENCES]
    unfollowed = proposal.document.unfollowed()
    if unfollowed:
        shown = ", ".join(map(said, unfollowed[:_MOST_REFERENCES]))
        number = counted(len(unfollowed), "reference")
        yield f"{number} to another file or to nothing, which nobody followed: {shown}"


def _is_missed(operation: Operation, proposal: Proposal) -> bool:
    """Whether an operation could be one that the proposal lacks."""
    if not proposal.names_user and signs_in(operation):
        return True
    return bool(operation.nouns) and any(name not in proposal.choices for name in CORE)


def _routes(proposal: Proposal) -> Iterator[str]:
    asked = [(method, re.sub(r"\$\{\w+\}", "x", path)) for method, path in proposal.requests()]
    rest = unasked(proposal.document, proposal.base.url or proposal.base.path, asked)
    if not rest:
        yield "Every route of the document is asked."
        return
    more = f" and {len(rest) - _MOST_ROUTES} more" if len(rest) > _MOST_ROUTES else ""
    shown = ", ".join(rest[:_MOST_ROUTES])
    yield f"No operation asks {counted(len(rest), 'route')}, which every run says: {shown}{more}"
