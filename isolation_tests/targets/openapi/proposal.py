"""The proposal: what a document says about each part of a target's file, and what is left to the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from isolation_tests.adapters.described.openapi import Document
from isolation_tests.targets.openapi.access import Access, Base, access, base
from isolation_tests.targets.openapi.answers import Rows, listed, single, total
from isolation_tests.targets.openapi.choosing import Choice, chosen, users_of
from isolation_tests.targets.openapi.operations import Operation, operations
from isolation_tests.targets.openapi.requests import Requests
from isolation_tests.targets.openapi.schemas import Schemas

__all__ = ["Proposal", "propose"]

_LISTS = ("search", "history", "export")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a document suggests.

    users: names of the field that names the user. choices: by the operation. answer: where answers hold
    memories, None if the document does not say. rows: the same for one operation, if it is known. total:
    where the answer to count has the number. others: types of a body that is not JSON, by the operation.
    """

    document: Document
    base: Base
    access: Access
    users: tuple[str, ...]
    choices: Mapping[str, Choice]
    answer: Rows | None
    rows: Mapping[str, Rows | None]
    total: str | None
    operations: tuple[Operation, ...]

    @property
    def names_user(self) -> bool:
        """Whether requests or credentials say whose memories a call is about."""
        return bool(self.users) or self.access.sign_in is not None

    def variables(self) -> list[str]:
        """The environment variables that the file needs."""
        reached, signing = self.access, self.access.sign_in
        body = {} if signing is None else signing.body
        texts = (reached.token, *reached.headers.values(), *reached.query.values(), *body.values())
        found = [name for text in texts for name in re.findall(r"\$\{(\w+)\}", text)]
        chosen = [choice.request for choice in self.choices.values() if not choice.lacking]
        return list(dict.fromkeys([*found, *(name for request in chosen for name in request.variables)]))

    def requests(self) -> list[tuple[str, str]]:
        """The method and path of each request that the file makes."""
        chosen = [choice.request for choice in self.choices.values() if not choice.lacking]
        asked = [(request.operation.route.method, request.path) for request in chosen]
        signing = self.access.sign_in
        return asked if signing is None else [*asked, ("POST", signing.operation.route.path)]


def propose(
    document: Document, prefix: str, secret: str, base_url: str | None = None, user_field: str | None = None
) -> Proposal:
    """What the document suggests; raises `BadDocument` for a damaged one.

    prefix: of environment variables for parts of a path. secret: the variable for the credential. base_url,
    user_field: what the user has already said.
    """
    schemas = Schemas(document)
    all_of_them = operations(document, schemas)
    users = users_of(all_of_them, schemas, user_field)
    requests = Requests(schemas, users, prefix)
    first = chosen(all_of_them, schemas, requests, anonymous=not users, signed_in=False)
    named = any("user" in choice.request.places for choice in first.values())
    mapped = [choice.request.operation for choice in first.values()]
    rest = [each for each in all_of_them if each not in mapped]
    reached = access(document, [*mapped, *rest] if mapped else [], schemas, secret, anonymous=not named)
    choices = first
    if reached.sign_in is not None:
        choices = chosen(all_of_them, schemas, requests, anonymous=not users, signed_in=True)
    whole = {name: choice for name, choice in choices.items() if not choice.lacking}
    lists = {name: whole[name].request.operation for name in ("get_all", *_LISTS) if name in whole}
    rows: dict[str, Rows | None] = {name: listed(each.answer, schemas) for name, each in lists.items()}
    rows |= {
        name: single(whole[name].request.operation.answer, schemas)
        for name in ("add", "get")
        if name in whole
    }
    answer = next((found for name in ("get_all", "search") if (found := rows.get(name)) is not None), None)
    count = choices.get("count")
    return Proposal(
        document,
        base(document, base_url),
        reached,
        users if named else (),
        choices,
        answer,
        rows,
        None if count is None else total(count.request.operation.answer, schemas),
        tuple(all_of_them),
    )
