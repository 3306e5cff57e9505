"""Fills a request: which value of a call goes where, and what the document leaves open.

What the document itself says (a default, an example, a segment of a path) is escaped, so that it can name no
environment variable and no placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from isolation_tests.targets.openapi.operations import Operation, said
from isolation_tests.targets.openapi.paging import Paging
from isolation_tests.targets.openapi.roles import Role
from isolation_tests.targets.openapi.schemas import Schema, Schemas
from isolation_tests.targets.openapi.words import PEOPLE, SIZES, best, plain, rank, singular, words

__all__ = ["Hole", "Request", "Requests", "escaped"]

_PLACE = re.compile(r"\{([^{}/]*)\}")
_ID_LIKE = ("id", "uuid", "key", "name")
_FIXED: Mapping[str, Any] = {"infer": False}
"""Optional fields that are sent: a text that a model rewrites can lose what proves whose it is."""
_MOST_LITERAL = 200
_MOST_DEPTH = 4
_MOST_SPOTS = 500
_OF_HTTP = ("authorization", "accept", "content_type")
Way = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """Something to fill in. option: the key below the operation's table. due: what is missing."""

    option: str
    due: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request with placeholders. places: where each value goes, in words. variables: those of its path."""

    operation: Operation
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    places: Mapping[str, str] = field(default_factory=dict)
    holes: tuple[Hole, ...] = ()
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place for a value: where it is, the way to it, its schema, and whether all of the way is required."""

    where: str
    way: Way
    schema: Schema
    required: bool

    @property
    def name(self) -> str:
        return next((step for step in reversed(self.way) if isinstance(step, str)), "")

    @property
    def shown(self) -> str:
        table = {"body": "json", "header": "headers"}.get(self.where, self.where)
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.way)
        return said(f"{table}{steps}")


class Requests:
    """Fills the requests of one document.

    users: names of the field that names the user, the likeliest first. prefix: of environment variables for
    what a path needs.
    """

    def __init__(self, schemas: Schemas, users: Sequence[str], prefix: str) -> None:
        self._schemas, self._users, self._prefix = schemas, users, prefix
        self._known: dict[tuple[str, str], list[_Spot]] = {}

    def fill(self, role: Role, operation: Operation, paging: Paging | None = None) -> Request | None:
        """The request of an operation in a role; None if it can't be about one memory, or only about one.

        A request may lack other values that the role needs: see its `places`.
        """
        path = _path(role, operation, self._users, self._prefix)
        if path is None:
            return None
        spots = self._spots(operation)
        chosen = _chosen(role, spots, path.places, self._users, paging)
        places = {**path.places, **{slot: each[0].shown for slot, each in chosen.items() if each}}
        if role.by_id and "id" not in places:
            return None
        filler = _Filler(self._schemas, chosen, role, paging)
        tables = {
            where: filler.parameters([each for each in spots if each.where == where])
            for where in ("query", "header")
        }
        body = None if operation.body is None else filler.value(operation.body, ())
        if not body and not (operation.body and operation.body.required):
            body = None
        holes = tuple(filler.holes)
        return Request(
            operation, path.text, tables["query"], tables["header"], body, places, holes, path.variables
        )

    def names_user(self, operation: Operation) -> bool:
        """Whether any part of a request can name the user."""
        segments = operation.route.path.split("/")
        in_path = (
            _in_path(segments, number, name, self._users)
            for number, each in enumerate(segments)
            for name in _PLACE.findall(each)
        )
        return any(in_path) or any(
            _user_rank(spot, self._users) is not None for spot in self._spots(operation)
        )

    def _spots(self, operation: Operation) -> list[_Spot]:
        key = operation.route.method, operation.route.path
        if key not in self._known:
            fields = (
                () if operation.body is None else _spots(operation.body, self._schemas, (), required=True)
            )
            self._known[key] = [*_parameters(operation), *islice(fields, _MOST_SPOTS)]
        return self._known[key]


@dataclass(frozen=True, slots=True)
class _Path:
    text: str
    places: Mapping[str, str]
    variables: tuple[str, ...]


def _path(role: Role, operation: Operation, users: Sequence[str], prefix: str) -> _Path | None:
    segments = operation.route.path.split("/")
    names = [(number, name) for number, each in enumerate(segments) for name in _PLACE.findall(each)]
    free = [(number, name) for number, name in names if not _in_path(segments, number, name, users)]
    by_name = {name: _slot_of_path(role, name, number, segments, free) for number, name in free}
    last = next((number for number in reversed(range(len(segments))) if segments[number]), 0)
    ends_open = any(number == last and by_name[name] is None for number, name in free)
    if ends_open or (role.by_id and free and "id" not in by_name.values()):
        return None
    places = {slot: said(f"path.{name}") for name, slot in by_name.items() if slot}
    for name in (name for _, name in names if name not in by_name):
        places["user"] = said(f"path.{name}")
    variables = {
        name: f"{prefix}_{'_'.join(words(name)).upper()}" for name, slot in by_name.items() if not slot
    }

    def shown(name: str) -> str:
        if name not in by_name:
            return "{user}"
        return f"{{{by_name[name]}}}" if by_name[name] else f"${{{variables[name]}}}"

    text = "/".join(
        "".join(shown(part) if odd % 2 else _between(part) for odd, part in enumerate(_PLACE.split(segment)))
        for segment in segments
    )
    return _Path(text, places, tuple(variables.values()))


def _between(part: str) -> str:
    """The text of a path itself; a dollar before a placeholder would make it an environment variable."""
    return re.sub(r"\$\Z", "%24", escaped(part))


def _in_path(segments: list[str], number: int, name: str, users: Sequence[str]) -> bool:
    """Whether a parameter of the path is the user: by its own name, or by the segment before it."""
    before = words(segments[number - 1])[-1:] if number and "{" not in segments[number - 1] else ()
    return plain(name) in users or (
        plain(name) in _ID_LIKE and any(singular(word) in PEOPLE for word in before)
    )


def _slot_of_path(
    role: Role, name: str, number: int, segments: list[str], free: list[tuple[int, str]]
) -> str | None:
    """The value that a parameter of the path takes; None if it is none of the call's."""
    followed = any(segments[number + 1 :])
    if role.by_id and (number, name) == free[-1] and followed == role.below_id:
        return "id"
    if "query" in role.values and rank(name, role.values["query"]) is not None:
        return "query"
    return None


def _parameters(operation: Operation) -> Iterator[_Spot]:
    for each in operation.parameters:
        if each.where in ("query", "header") and plain(each.name) not in _OF_HTTP:
            yield _Spot(each.where, (each.name,), each.schema, each.required)


def _spots(
    schema: Schema, schemas: Schemas, way: Way, *, required: bool, depth: int = _MOST_DEPTH
) -> Iterator[_Spot]:
    if way and schema.kind != "array":
        yield _Spot("body", way, schema, required)
    if not depth:
        return
    if schema.kind == "array" and schema.items is not None:
        yield from _spots(schemas.of(schema.items), schemas, (*way, 0), required=required, depth=depth - 1)
    for name, inner in schemas.fields(schema):
        due = required and name in schema.required
        yield from _spots(inner, schemas, (*way, name), required=due, depth=depth - 1)


def _user_rank(spot: _Spot, users: Sequence[str]) -> int | None:
    """How likely a place names the user; None if it does not. A field of a message is about its speaker."""
    if 0 in spot.way[:-1] or spot.schema.kind in ("object", "boolean"):
        return None
    texts = [step for step in spot.way if isinstance(step, str)]
    joined = "_".join(texts[-2:])
    found = [
        place
        for name in (spot.name, singular(plain(spot.name)), joined)
        if (place := rank(name, users)) is not None
    ]
    return min(found, default=None)


def _chosen(
    role: Role,
    spots: list[_Spot],
    in_path: Collection[str],
    users: Sequence[str],
    paging: Paging | None,
) -> dict[str, list[_Spot]]:
    """The places of each value that is not in the path."""
    chosen: dict[str, list[_Spot]] = {}
    ranked = [(place, spot) for spot in spots if (place := _user_rank(spot, users)) is not None]
    ranked.sort(key=lambda pair: (pair[0], len(pair[1].way)))
    named = [spot for _, spot in ranked if spot.required]
    if not named and "user" not in in_path:
        named = [spot for _, spot in ranked[:1]]
    if named:
        chosen["user"] = named
    taken = set(map(id, named))
    for slot, ranking in role.values.items():
        if slot in in_path:
            continue
        fitting = [
            (not spot.required, place + len(spot.way), number, spot)
            for number, spot in enumerate(spots)
            if id(spot) not in taken and (place := _value_rank(slot, spot, ranking)) is not None
        ]
        if fitting:
            chosen[slot] = [min(fitting)[3]]
            taken.add(id(chosen[slot][0]))
    if paging is not None and paging.parameter:
        chosen["cursor"] = [s for s in spots if s.where == paging.where and s.way == (paging.parameter,)][:1]
    return chosen


_FITTING = {
    "limit": ("integer", "number", ""),
    "metadata": ("object", ""),
    "query": ("string", ""),
    "text": ("string", ""),
    "id": ("string", "integer", ""),
}


def _value_rank(slot: str, spot: _Spot, ranking: tuple[str, ...]) -> int | None:
    if spot.where == "header" or spot.schema.kind not in _FITTING[slot]:
        return None
    if slot == "metadata" and (len(spot.way) > 1 or spot.schema.fields or not spot.schema.open):
        return None
    place = rank(spot.name, ranking)
    return place if place is not None else rank(singular(plain(spot.name)), ranking)


class _Filler:
    """Builds the parts of a request from the chosen places."""

    def __init__(
        self, schemas: Schemas, chosen: Mapping[str, list[_Spot]], role: Role, paging: Paging | None
    ) -> None:
        self._schemas, self._role, self._paging = schemas, role, paging
        self._slots = {(s.where, s.way): slot for slot, spots in chosen.items() for s in spots}
        self.holes: list[Hole] = []

    def parameters(self, spots: list[_Spot]) -> dict[str, Any]:
        """The parameters of the query or the headers."""
        filled: dict[str, Any] = {}
        sizes = best((spot.name for spot in spots), SIZES) if self._role.lists and not self._paging else None
        for spot in spots:
            slot = self._slots.get((spot.where, spot.way)) or self._slots.get((spot.where, (*spot.way, 0)))
            if slot is not None:
                filled[spot.name] = f"{{{slot}}}"
            elif spot.name == sizes and spot.where == "query":
                self._size(spot, filled)
            elif spot.required:
                self._due(spot, filled)
        return filled

    def _size(self, spot: _Spot, filled: dict[str, Any]) -> None:
        """A list that is cut would look like a loss, so the most that the service returns is asked for."""
        most = spot.schema.about.get("maximum")
        if isinstance(most, int) and not isinstance(most, bool):
            filled[spot.name] = most
        else:
            self.holes.append(
                Hole(spot.shown, "how many memories a list may hold: write more than one user will ever have")
            )

    def _due(self, spot: _Spot, filled: dict[str, Any]) -> None:
        found = _literal(spot.name, spot.schema)
        if found is None:
            self.holes.append(Hole(spot.shown, _due(spot.schema)))
        else:
            filled[spot.name] = found

    def value(self, schema: Schema, way: Way) -> Any:
        """The JSON value of the body, or of a part of it."""
        slot = self._slots.get(("body", way))
        if slot is not None:
            return f"{{{slot}}}"
        if schema.kind == "array" and schema.items is not None:
            return [self.value(self._schemas.of(schema.items), (*way, 0))] if self._under((*way, 0)) else []
        filled: dict[str, Any] = {}
        for name, inner in self._schemas.fields(schema):
            here = (*way, name)
            if self._under(here):
                filled[name] = self.value(inner, here)
            elif name in _FIXED and inner.kind == "boolean":
                filled[name] = _FIXED[name]
            elif name in schema.required or (0 in way and plain(name) == "role"):
                self._due(_Spot("body", here, inner, required=True), filled)
        return filled

    def _under(self, way: Way) -> bool:
        return any(where == "body" and spot[: len(way)] == way for where, spot in self._slots)


def _due(schema: Schema) -> str:
    told = said(schema.about.get("description") or schema.about.get("title") or "")
    kind = f" ({schema.kind})" if schema.kind else ""
    return f"required{kind}, and the document gives no value" + (f": {told}" if told else "")


def _literal(name: str, schema: Schema) -> Any:
    """A value that the document itself gives for a field; None if it gives none."""
    about = schema.about
    enum = about.get("enum")
    if plain(name) == "role" and (not isinstance(enum, list) or "user" in enum):
        return "user"
    examples = about.get("examples")
    found = [about.get("const"), about.get("default")]
    found += enum[:1] if isinstance(enum, list) else []
    found += [about.get("example"), *(examples[:1] if isinstance(examples, list) else [])]
    usable = [each for each in found if _usable(each)]
    return escaped(usable[0]) if usable else None


def _usable(value: object, depth: int = _MOST_DEPTH) -> bool:
    if isinstance(value, list | dict):
        inner = list(value.values()) if isinstance(value, dict) else value
        return bool(depth) and len(inner) < 20 and all(_usable(each, depth - 1) for each in inner)
    return isinstance(value, int | float) or (isinstance(value, str) and 0 < len(value) <= _MOST_LITERAL)


def escaped(value: Any) -> Any:
    """A value in which braces stand for themselves: neither a placeholder nor a variable."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", r"{{\1}}", value)
    if isinstance(value, list):
        return [escaped(each) for each in value]
    if isinstance(value, dict):
        return {str(key): escaped(each) for key, each in value.items()}
    return value
