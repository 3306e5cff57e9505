"""Writes a proposal as the tables of a target's file; what is not decided stays as a comment that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isolation_tests.adapters.described.openapi import in_line
from isolation_tests.targets.openapi.answers import Rows
from isolation_tests.targets.openapi.choosing import Choice
from isolation_tests.targets.openapi.paging import Paging
from isolation_tests.targets.openapi.proposal import Proposal
from isolation_tests.targets.openapi.roles import CORE, ROLES
from isolation_tests.targets.toml_text import toml, toml_key

__all__ = ["Line", "Open", "tables"]

_USUAL = Rows("@", "id", "text")


@dataclass(frozen=True, slots=True)
class Open:
    """A commented line that the user has to fill in. option: its key. due: what is missing."""

    line: str
    option: str
    due: str

    def __str__(self) -> str:
        return f"# {in_line(self.line)} # fill in: {in_line(self.due)}"


Line = str | Open


def tables(proposal: Proposal, secret: str) -> list[Line]:
    """The lines of the tables below [options]. secret: the environment variable for a credential."""
    lines: list[Line] = [*_auth(proposal, secret), "", *_answer(proposal)]
    for role in ROLES:
        choice = proposal.choices.get(role.name)
        if choice is not None:
            lines += ["", *_operation(proposal, choice)]
        elif role.name in CORE:
            lines += ["", *_missing(role.name, role.methods[0])]
    absent = [role.name for role in ROLES if role.name not in (*CORE, *proposal.choices)]
    more = ", ".join([*absent, "page", "maintain"])
    return [*lines, "", f"# Every operation that you add is tested too: {more}.", *_intrude(proposal)]


def _auth(proposal: Proposal, secret: str) -> Iterator[Line]:
    reached, signing = proposal.access, proposal.access.sign_in
    yield f"[options.auth] # {reached.why}"
    yield f"kind = {toml(reached.kind)}"
    if reached.name:
        yield f"name = {toml(reached.name)}"
    if reached.token:
        yield f"token = {toml(reached.token)}"
    if signing is not None:
        yield ""
        yield f"[options.auth.sign_in] # {signing.operation}; a run signs in users whose names are new"
        yield 'method = "POST"'
        yield f"path = {toml(signing.operation.route.path)}"
        yield from _entries("json", signing.body)
        yield f"token = {toml(signing.token)}"
    elif not proposal.names_user:
        option = "options.auth.sign_in"
        yield ""
        yield Open(
            f"[{option}]", option, "how each user signs in, or {user} in each request: none names the user"
        )
        yield '# method = "POST"'
        yield '# path = "/sign-in"'
        yield f'# json = {{ user = "{{user}}", key = "${{{secret}}}" }}'
        yield '# token = "token"'
    if reached.headers:
        yield ""
        yield "[options.headers]"
        for name, value in reached.headers.items():
            yield f"{toml_key(name)} = {toml(value)}"


def _answer(proposal: Proposal) -> Iterator[Line]:
    beside = "for all calls below, unless one says otherwise; the answer to add is the memory itself"
    yield f"[options.answer] # {beside}"
    found = proposal.answer
    if found is None:
        due = "JMESPath to the list of memories in an answer, which the document does not describe"
        yield Open('items = "memories"', "options.answer.items", due)
        yield Open('id = "id"', "options.answer.id", "JMESPath to a memory's id")
        yield Open('text = "text"', "options.answer.text", "JMESPath to a memory's text")
        return
    for key in ("items", "id", "text"):
        yield f"{key} = {toml(getattr(found, key))}"


def _missing(name: str, method: str) -> Iterator[Line]:
    option = f"options.{name}"
    yield Open(f"[{option}]", option, "the document shows no such operation")
    yield f"# method = {toml(method)}"
    yield '# path = "/memories"'


def _operation(proposal: Proposal, choice: Choice) -> list[Line]:
    """The table of one operation; a comment altogether if the request can't send what it needs."""
    request, option = choice.request, f"options.{choice.role.name}"
    title = f": {request.operation.title}" if request.operation.title else ""
    lines: list[Line] = [
        f"[{option}] # {request.operation}{title}",
        f"method = {toml(request.operation.route.method)}",
        f"path = {toml(request.path)}",
        *_entries("query", {**proposal.access.query, **request.query}),
        *_entries("headers", request.headers),
        *_body(request.body),
        *(Open(f"{hole.option} = ...", f"{option}.{hole.option}", hole.due) for hole in request.holes),
        *_paging(choice.paging, option),
        *_rows(proposal, choice),
    ]
    lacking = list(choice.lacking)
    if choice.role.name == "count" and proposal.total is None:
        lacking.append("where its answer has the total")
    if not lacking:
        return lines
    due = f"{request.operation} fits, but the document does not say {', and '.join(lacking)}"
    inner = (line.line if isinstance(line, Open) else line for line in lines[1:])
    return [Open(f"[{option}]", option, due), *(f"# {line}" for line in inner)]


def _body(body: Any) -> list[str]:
    if body is None:
        return []
    return _entries("json", body) if isinstance(body, Mapping) and body else [f"json = {toml(body)}"]


def _entries(table: str, values: Mapping[str, Any]) -> list[str]:
    """One line for each value, so that another one can stand below it."""
    return [f"{table}.{toml_key(name)} = {toml(value)}" for name, value in values.items()]


def _paging(paging: Paging | None, option: str) -> Iterator[Line]:
    if paging is None:
        return
    if paging.open:
        table = "json" if paging.where == "body" else "query"
        sent = f'{table}.{toml_key(paging.parameter)} = "{{cursor}}"'
        due = f"JMESPath to the next cursor in the answer, and {sent} in a line of its own"
        yield Open('paging = { kind = "cursor", next = "next" }', f"{option}.paging", due)
        return
    more: dict[str, Any] = {"next": paging.next} if paging.next else {}
    more |= {"first": paging.first} if paging.kind == "page" and paging.first != 1 else {}
    yield f"paging = {toml({'kind': paging.kind, **more})}"


def _rows(proposal: Proposal, choice: Choice) -> Iterator[Line]:
    """Where this answer differs from the others."""
    name, found, common = choice.role.name, proposal.rows.get(choice.role.name), proposal.answer or _USUAL
    if name == "add":
        yield from _added(found, common)
    elif name == "count" and proposal.total not in (None, "total"):
        yield f"total = {toml(proposal.total)}"
    elif found is not None and found.text:
        yield from _differing(found, Rows("@", common.id, common.text) if name == "get" else common)


def _added(found: Rows | None, common: Rows) -> Iterator[Line]:
    if found is None or not found.id:
        yield 'items = "" # the document shows no memory in the answer; "@" if the answer is the memory'
        return
    text = found.text or common.text
    yield from _differing(Rows(found.items, found.id, text), Rows("@", common.id, common.text))


def _differing(found: Rows, usual: Rows) -> Iterator[Line]:
    for key in ("items", "id", "text"):
        if getattr(found, key) != getattr(usual, key):
            yield f"{key} = {toml(getattr(found, key))}"


def _intrude(proposal: Proposal) -> Iterator[Line]:
    if proposal.access.kind == "none":
        return
    name = proposal.users[0] if proposal.users else "user_id"
    yield ""
    yield "# Fields that could name another user. The suite tests whether they win over the credential."
    yield "# [options.intrude]"
    for key, value in (("query", name), ("header", "X-User-Id"), ("body", name)):
        yield f"# {key} = {toml(value)}"
