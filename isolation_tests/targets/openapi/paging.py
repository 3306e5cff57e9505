"""How a list goes on: which parameter sends the next page's place, and where the answer names it."""

from __future__ import annotations

from dataclasses import dataclass

from isolation_tests.targets.openapi.answers import listed, spelled
from isolation_tests.targets.openapi.operations import Operation
from isolation_tests.targets.openapi.schemas import Schema, Schemas
from isolation_tests.targets.openapi.words import CURSORS, NEXT, NUMBERS, OFFSETS, best, plain, rank

__all__ = ["Paging", "paging"]

_ADDRESSES = ("uri", "url", "uri-reference")


@dataclass(frozen=True, slots=True)
class Paging:
    """How to reach the next page, in the words of a target's file.

    parameter: the one that sends `{cursor}`, in `where` ("query" or "body"); empty for a link. next: a
    JMESPath.
    open: whether the document does not say where the answer has the cursor.
    """

    kind: str
    parameter: str = ""
    where: str = "query"
    next: str = ""
    first: int = 1
    open: bool = False


def paging(operation: Operation, schemas: Schemas) -> Paging | None:
    """How the operation's list goes on; None if nothing says that it has pages."""
    taken = {each.name: each.schema for each in operation.parameters if each.where == "query"}
    where = "query"
    if operation.body is not None and operation.body.fields:
        fields = dict(schemas.fields(operation.body))
        if best(fields, (*CURSORS, *NUMBERS, *OFFSETS)):
            taken, where = fields, "body"
    cursor = best(taken, CURSORS)
    following = _next(operation.answer, schemas)
    if cursor and following and not following[1]:
        return Paging("cursor", cursor, where, following[0])
    if cursor and (behind := _behind(operation, schemas)):
        return Paging("cursor", cursor, where, behind)
    if following and following[1]:
        return Paging("link", next=following[0])
    if number := best(taken, NUMBERS):
        return Paging("page", number, where, first=_first(taken[number]))
    if offset := best(taken, OFFSETS):
        return Paging("offset", offset, where)
    return Paging("cursor", cursor, where, open=True) if cursor else None


def _next(answer: Schema | None, schemas: Schemas) -> tuple[str, bool] | None:
    """The expression that finds what comes next in an answer, and whether that is an address."""
    if answer is None:
        return None
    fits = schemas.paths(
        answer, lambda name, schema: rank(name, NEXT) is not None and schema.kind != "boolean"
    )
    found = [(rank(way[-1], NEXT) or 0, way, schema) for way, schema in fits if not schema.fields]
    if not found:
        return None
    _, way, schema = min(found, key=lambda each: (len(each[1]), each[0]))
    beside = {plain(name) for name in answer.fields}
    linked = plain(way[-1]) == "next" and ("previous" in beside or way[:-1] in (("links",), ("_links",)))
    return spelled(way), linked or schema.about.get("format") in _ADDRESSES


def _behind(operation: Operation, schemas: Schemas) -> str | None:
    """The id of the last memory, for a service that says whether there are more and goes on behind an id."""
    rows = listed(operation.answer, schemas)
    if operation.answer is None or rows is None or not rows.id:
        return None
    more = [name for name, _ in schemas.fields(operation.answer) if plain(name) == "has_more"]
    return f"{spelled((more[0],))} && {rows.items}[-1].{rows.id}" if more and rows.items != "@" else None


def _first(number: Schema) -> int:
    """The number of the first page, which is 1 unless the document names another."""
    for key in ("default", "minimum"):
        found = number.about.get(key)
        if isinstance(found, int) and found in (0, 1):
            return int(found)
    return 1
