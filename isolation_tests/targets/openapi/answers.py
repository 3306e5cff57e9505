"""Where answers hold memories: JMESPath expressions from the schemas of an OpenAPI document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from isolation_tests.targets.openapi.schemas import Schema, Schemas
from isolation_tests.targets.openapi.words import (
    ENTRIES,
    IDS,
    LISTS,
    NOUNS,
    TEXTS,
    TOTALS,
    plain,
    rank,
    singular,
)

__all__ = ["Rows", "listed", "single", "spelled", "total"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXTUAL = ("string", "")


@dataclass(frozen=True, slots=True)
class Rows:
    """Expressions that find memories in an answer. id: empty if there is none. text: empty if unknown."""

    items: str
    id: str
    text: str


def spelled(way: tuple[str, ...]) -> str:
    """The JMESPath to a field: `data.items`, with quotes where a name needs them; `@` for the whole."""
    return ".".join(name if _BARE.fullmatch(name) else json.dumps(name) for name in way) or "@"


def listed(answer: Schema | None, schemas: Schemas) -> Rows | None:
    """The memories in the answer to a list or a search; None if the document does not say where they are."""
    if answer is None:
        return None
    if answer.kind == "array":
        found: list[tuple[tuple[str, ...], Schema]] = [((), answer)]
    else:
        arrays = schemas.paths(answer, lambda _, schema: schema.kind == "array")
        found = sorted(arrays, key=lambda pair: (len(pair[0]), _place(pair[0][-1])))
    rows = [rows for way, schema in found if (rows := _rows(spelled(way), schema, schemas)) is not None]
    return next((each for each in rows if each.text), None)


def single(answer: Schema | None, schemas: Schemas) -> Rows | None:
    """The memory in an answer about one; None if the document does not say where it is."""
    if answer is None:
        return None
    if answer.kind == "array":
        return _rows("@", answer, schemas)
    own = _row("@", answer, schemas)
    if own is not None and _best(answer, schemas, TEXTS):
        return own
    inner = [
        row
        for name, schema in schemas.fields(answer)
        if schema.fields
        and rank(name, ENTRIES) is not None
        and (row := _row(spelled((name,)), schema, schemas))
    ]
    return next((row for row in inner if row.text), None) or listed(answer, schemas) or own


def total(answer: Schema | None, schemas: Schemas) -> str | None:
    """The expression that finds a total; None if there is no such number."""
    if answer is None or answer.kind == "integer":
        return None if answer is None else "@"
    numbers = schemas.paths(answer, lambda name, schema: schema.kind == "integer" and _is_total(name))
    return next((spelled(way) for way, _ in numbers), None)


def _is_total(name: str) -> bool:
    return rank(name, TOTALS) is not None


def _place(name: str) -> int:
    """How likely a field is the list of memories: the lower, the likelier."""
    place = rank(name, LISTS)
    return place if place is not None else len(LISTS) + (singular(plain(name)) not in NOUNS)


def _rows(items: str, array: Schema, schemas: Schemas) -> Rows | None:
    row = schemas.of(array.items)
    return Rows(items, "", "@") if row.kind == "string" else _row(items, row, schemas)


def _row(items: str, row: Schema, schemas: Schemas) -> Rows | None:
    """The expressions for a row that is an object; None if it has neither an id nor a text."""
    text = _best(row, schemas, TEXTS)
    inner: tuple[str, ...] = ()
    where = row
    if text is None:
        nested = [
            (name, schema)
            for name, schema in schemas.fields(row)
            if schema.fields and rank(name, ENTRIES) is not None and _best(schema, schemas, TEXTS)
        ]
        if nested:
            inner, where = (nested[0][0],), nested[0][1]
            text = _best(where, schemas, TEXTS)
    id = _id(where, schemas)
    way = (*inner, id) if id else ((_id(row, schemas) or ""),)
    if text is None and not any(way):
        return None
    return Rows(items, spelled(way) if any(way) else "", spelled((*inner, text)) if text else "")


def _best(row: Schema, schemas: Schemas, ranking: tuple[str, ...]) -> str | None:
    texts = [
        (place, name)
        for name, schema in schemas.fields(row)
        if schema.kind in _TEXTUAL and (place := rank(name, ranking)) is not None
    ]
    return min(texts)[1] if texts else None


def _id(row: Schema, schemas: Schemas) -> str | None:
    ids = [
        (place, name)
        for name, schema in schemas.fields(row)
        if schema.kind in ("string", "integer", "") and (place := _id_place(name)) is not None
    ]
    return min(ids)[1] if ids else None


def _id_place(name: str) -> int | None:
    place = rank(name, IDS)
    stem = plain(name).removesuffix("_id")
    return len(IDS) if place is None and stem != plain(name) and singular(stem) in NOUNS else place
