"""Chooses the operation of a document for each role, and says why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from isolation_tests.targets.openapi.answers import listed, single
from isolation_tests.targets.openapi.operations import Operation
from isolation_tests.targets.openapi.paging import Paging, paging
from isolation_tests.targets.openapi.requests import Request, Requests
from isolation_tests.targets.openapi.roles import CORE, ROLES, Role
from isolation_tests.targets.openapi.schemas import Schemas
from isolation_tests.targets.openapi.words import PEOPLE, STRONG_NOUNS, USERS, plain, singular, words

__all__ = ["Choice", "chosen", "users_of"]

_ENOUGH = 5
_NEAR = 1
_MOST_OTHERS = 3
_PLACE = re.compile(r"\$?\{[^{}/]*\}")
_OWNERS = PEOPLE | {family[0].partition("_")[0] for family in USERS}
_VERBS = frozenset({"api", "v", *map(str, range(10))}).union(*(map(singular, role.own) for role in ROLES))


@dataclass(frozen=True, slots=True)
class Choice:
    """The request for a role. others: operations that fit nearly as well. lacking: what is not described."""

    role: Role
    request: Request
    paging: Paging | None = None
    others: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def users_of(operations: Sequence[Operation], schemas: Schemas, forced: str | None) -> tuple[str, ...]:
    """The names of the field that names the user, in this document; nothing if no field does."""
    if forced is not None:
        return (plain(forced),)
    about = [each for each in operations if each.nouns] or operations
    for family in USERS:
        if any(map(Requests(schemas, family, "").names_user, about)):
            return family
    return ()


def chosen(
    operations: Sequence[Operation], schemas: Schemas, requests: Requests, *, anonymous: bool, signed_in: bool
) -> dict[str, Choice]:
    """The best operation for each role that the document shows, by the role's name.

    anonymous: whether no request can name the user. signed_in: whether the credential does.
    """
    choosing = _Choosing(operations, schemas, requests, anonymous=anonymous, signed_in=signed_in)
    found: dict[str, Choice] = {}
    for role in ROLES:
        homes = [_collection(found[name].request) for name in CORE if name in found]
        choice = choosing.best(role, [] if role.name in CORE else homes)
        found |= {} if choice is None else {role.name: choice}
    return found


def _collection(request: Request) -> frozenset[str]:
    """What a path is about: its words before an id, in the singular, without versions and verbs."""
    literals = _PLACE.sub("", request.path.partition("{id}")[0])
    return frozenset(map(singular, words(literals))) - _VERBS


def _home(operations: Sequence[Operation]) -> str:
    """What most paths call a memory."""
    nouns = Counter({noun: 0 for operation in operations for noun in sorted(operation.nouns)})
    for operation in operations:
        nouns.update({noun: 3 if noun in STRONG_NOUNS else 1 for noun in operation.nouns})
    return nouns.most_common(1)[0][0] if nouns else ""


def _alike(one: Choice, other: Choice) -> bool:
    """Whether the paths of two operations name the same things."""
    return one.request.operation.nouns == other.request.operation.nouns


def _ends_with_a_person(path: str) -> bool:
    """Whether a path is that of a user alone, such as /users/{user}."""
    before, _, last = path.rstrip("/").rpartition("/")
    return last == "{user}" and not _OWNERS.isdisjoint(map(singular, words(before.rpartition("/")[2])))


class _Choosing:
    def __init__(
        self,
        operations: Sequence[Operation],
        schemas: Schemas,
        requests: Requests,
        *,
        anonymous: bool,
        signed_in: bool,
    ) -> None:
        self._operations, self._schemas, self._requests = operations, schemas, requests
        self._anonymous, self._signed_in = anonymous, signed_in
        self._home = _home(operations)

    def best(self, role: Role, homes: Collection[frozenset[str]]) -> Choice | None:
        """The choice for a role; one that lacks no value wins.

        homes: what its path has to be about, because an id, a total or an export of something else says
        nothing about memories; nothing, if it may be about anything.
        """
        found = [choice for each in self._operations if (choice := self._choice(role, each)) is not None]
        found = [each for each in found if not homes or _collection(each.request) in (frozenset(), *homes)]
        ranked = [(self._score(choice), choice) for choice in found if self._allowed(choice)]
        ranked = [(score, choice) for score, choice in ranked if score >= _ENOUGH]
        ranked.sort(key=lambda pair: (bool(pair[1].lacking), -pair[0]))
        if not ranked:
            return None
        score, first = ranked[0]
        near = [
            str(choice.request.operation)
            for other, choice in ranked[1:]
            if score - other <= _NEAR and not choice.lacking and _alike(first, choice)
        ]
        return replace(first, others=tuple(near[:_MOST_OTHERS]))

    def _choice(self, role: Role, operation: Operation) -> Choice | None:
        if operation.route.method not in role.methods:
            return None
        pages = paging(operation, self._schemas) if role.lists else None
        request = self._requests.fill(role, operation, None if pages is None or pages.open else pages)
        if request is None:
            return None
        lacking = [f"where {{{value}}} stands" for value in sorted(self._unsaid(role, request))]
        if role.name == "delete_all" and not operation.nouns and _ends_with_a_person(request.path):
            lacking.append("whether that deletes the user's memories, or only the user")
        return Choice(role, request, pages, lacking=tuple(lacking))

    def _unsaid(self, role: Role, request: Request) -> set[str]:
        """The values that a request needs and can't send. Where one names the user, all have to."""
        named = self._anonymous or self._signed_in or role.by_id
        return {*role.needs, *(() if named else ("user",))} - set(request.places)

    def _allowed(self, choice: Choice) -> bool:
        """Whether an operation may be proposed at all."""
        role, operation = choice.role, choice.request.operation
        names_user = "user" in choice.request.places or self._signed_in
        if role.name == "delete_all" and not names_user:
            # It would delete the memories of everybody.
            return False
        by_post = operation.route.method == "POST" and role.methods[0] != "POST"
        return not (by_post or role.spoken) or bool(role.own & (operation.path_words | operation.name_words))

    def _score(self, choice: Choice) -> int:
        role, request, operation = choice.role, choice.request, choice.request.operation
        score = 3 if operation.route.method == role.methods[0] else 1
        score += 2 if role.own & operation.path_words else 0
        score += 2 if role.own & operation.name_words else 0
        score -= 6 if role.alien & operation.path_words else 0
        score -= 2 if (role.alien - role.own) & operation.name_words else 0
        if self._home:
            score += 3 if self._home in operation.nouns else 1 if operation.nouns else -2
        score += 2 if "user" in request.places else 0
        score -= 3 if operation.deprecated else 0
        score -= 3 * (len(request.variables) + len(self._unsaid(role, request)))
        score -= min(len(request.holes), 2)
        if role.rows and operation.answer is not None:
            find = single if role.name == "get" else listed
            rows = find(operation.answer, self._schemas)
            score += 2 if rows is not None and rows.text else -4
        return score
