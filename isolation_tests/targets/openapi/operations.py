"""The operations of an OpenAPI document: what each takes, what it answers, and the words that name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from isolation_tests.adapters.described.openapi import BadDocument, Document, Route, in_line
from isolation_tests.targets.openapi.schemas import Schema, Schemas, of_example
from isolation_tests.targets.openapi.words import NOUNS, singular, words

__all__ = ["Operation", "Parameter", "operations", "said"]

_MOST_TITLE = 100
_MOST_ROUTES = 1000
_SUMMARY_WORDS = 8
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a request. where: "path", "query", "header" or "cookie"."""

    where: str
    name: str
    required: bool
    schema: Schema


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the service.

    body: of JSON; None if it takes none. other: the type of a body that is not JSON, or nothing. answer: of
    success; None if the document does not say. words: those of the path, and those of its names.
    """

    route: Route
    title: str
    parameters: tuple[Parameter, ...]
    body: Schema | None
    other: str
    answer: Schema | None
    path_words: frozenset[str]
    name_words: frozenset[str]
    deprecated: bool
    security: Any

    @property
    def nouns(self) -> frozenset[str]:
        """What its path calls a memory, in the singular."""
        return frozenset(map(singular, self.path_words)) & NOUNS

    def __str__(self) -> str:
        return str(self.route)


def operations(document: Document, schemas: Schemas) -> list[Operation]:
    """Every operation of the document; raises `BadDocument` for a damaged or too long one."""
    routes = list(islice(document.routes(), _MOST_ROUTES + 1))
    if len(routes) > _MOST_ROUTES:
        raise BadDocument(
            f"{document.shown} has more than {_MOST_ROUTES:,} routes; keep those of the memories in a copy."
        )
    return [_operation(route, document, schemas) for route in routes]


def _operation(route: Route, document: Document, schemas: Schemas) -> Operation:
    given = route.operation
    body, other = _body(given.get("requestBody"), document, schemas)
    literals = " ".join(segment for segment in route.path.split("/") if "{" not in segment)
    title = said(given.get("summary") or given.get("operationId") or given.get("description") or "")
    summary = words(str(given.get("summary") or ""))[:_SUMMARY_WORDS]
    return Operation(
        route,
        title,
        tuple(_parameters(route, document, schemas)),
        body,
        other,
        _answer(given.get("responses"), document, schemas),
        frozenset(words(literals)),
        frozenset((*words(str(given.get("operationId") or "")), *summary)),
        given.get("deprecated") is True,
        given.get("security", document.content.get("security")),
    )


def said(text: object) -> str:
    """A text of the document in one line that is safe to show."""
    return in_line(str(text).strip().partition("\n")[0], _MOST_TITLE)


def _parameters(route: Route, document: Document, schemas: Schemas) -> Iterator[Parameter]:
    found: dict[tuple[str, str], Parameter] = {}
    for source in (route.item, route.operation):
        listed = source.get("parameters")
        for raw in listed if isinstance(listed, list) else []:
            given = document.resolved(raw)
            name, where = given.get("name"), given.get("in")
            if isinstance(name, str) and isinstance(where, str):
                needed = given.get("required") is True or where == "path"
                schema = schemas.of(_with_example(given, given.get("schema")))
                found[where, name] = Parameter(where, name, needed, schema)
    yield from found.values()


def _with_example(given: Mapping[str, Any], schema: object) -> object:
    """The schema of a parameter, with an example that stands beside it."""
    return {"allOf": [schema], "example": given["example"]} if "example" in given else schema


def _body(raw: object, document: Document, schemas: Schemas) -> tuple[Schema | None, str]:
    content = document.resolved(raw).get("content")
    if not isinstance(content, dict) or not content:
        return None, ""
    media = _json(content, document)
    if media is None:
        return None, said(next(iter(content)))
    return schemas.of(_described(media, document)), ""


def _answer(raw: object, document: Document, schemas: Schemas) -> Schema | None:
    """What a success answers; None if there is no description of JSON."""
    responses = raw if isinstance(raw, dict) else {}
    successes = sorted(str(status) for status in responses if str(status).startswith("2"))
    for status in (*successes, *(["default"] if "default" in responses else [])):
        content = document.resolved(responses[status]).get("content")
        media = _json(content, document) if isinstance(content, dict) else None
        if media is not None:
            schema = schemas.of(_described(media, document))
            return schema if schema.kind or schema.fields else None
    return None


def _json(content: Mapping[str, Any], document: Document) -> dict[str, Any] | None:
    """The media object for JSON; None if there is none."""
    for kind, media in content.items():
        name = kind.partition(";")[0].strip().lower()
        if name in (_JSON, "*/*") or name.endswith("+json"):
            return document.resolved(media)
    return None


def _described(media: Mapping[str, Any], document: Document) -> object:
    """The schema of a body, or one that its example has."""
    schema = document.resolved(media.get("schema"))
    told = any(key in schema for key in ("properties", "items", "allOf", "anyOf", "oneOf"))
    if told or schema.get("type") not in (None, "object", "array"):
        return media.get("schema")
    examples = media.get("examples")
    first = (
        document.resolved(next(iter(examples.values()))) if isinstance(examples, dict) and examples else {}
    )
    for example in (media.get("example"), first.get("value"), schema.get("example")):
        if example is not None:
            return of_example(example)
    return media.get("schema")
