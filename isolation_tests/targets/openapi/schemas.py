"""JSON Schemas of an OpenAPI document: followed, merged, and searched within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.adapters.described.openapi import Document

__all__ = ["UNKNOWN", "Schema", "Schemas", "of_example"]

_MOST_FIELDS = 100
_MOST_OBJECTS = 20
_MOST_DEPTH = 6
_MOST_PARTS = 30
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_KEPT = (
    "default",
    "example",
    "examples",
    "const",
    "enum",
    "format",
    "maximum",
    "minimum",
    "description",
    "title",
)


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema, merged from its parts. kind: its JSON type, empty if unknown.

    fields: of an object; required: their names. items: of an array. about: default, example, description and
    what else may help to choose a value. open: whether an object takes any other field.
    """

    kind: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Any = None
    about: Mapping[str, Any] = field(default_factory=dict)
    open: bool = True


UNKNOWN = Schema()


class Schemas:
    """The schemas of one document. Each part is merged once, so that circles of references come to an end."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._known: dict[int, tuple[Any, Schema]] = {}
        self._within = 0

    def of(self, raw: object) -> Schema:
        """The schema in a part of the document; `UNKNOWN` if there is none, or if it is part of itself."""
        known = self._known.get(id(raw))
        if known is not None:
            return known[1]
        # The part itself is kept, because its id counts only as long as it lives.
        self._known[id(raw)] = (raw, UNKNOWN)
        if self._within >= _MOST_PARTS:
            return UNKNOWN
        self._within += 1
        merged = self._merged(self._document.resolved(raw))
        self._within -= 1
        self._known[id(raw)] = (raw, merged)
        return merged

    def _merged(self, raw: Mapping[str, Any]) -> Schema:
        fields = raw.get("properties")
        own = Schema(
            kind=_kind(raw),
            fields=dict(list(fields.items())[:_MOST_FIELDS]) if isinstance(fields, dict) else {},
            required=_texts(raw.get("required")),
            items=raw.get("items") if isinstance(raw.get("items"), dict) else None,
            about={key: raw[key] for key in _KEPT if key in raw},
            open=raw.get("additionalProperties") in (None, True, {}),
        )
        for part in _list(raw.get("allOf")):
            own = _joined(own, self.of(part))
        for key in ("anyOf", "oneOf"):
            likely = [part for each in _list(raw.get(key)) if (part := self.of(each)).kind != "null"]
            if likely:
                own = _joined(own, likely[0])
        return own

    def fields(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        """The fields of an object, each with its schema."""
        for name, raw in schema.fields.items():
            yield name, self.of(raw)

    def paths(
        self, schema: Schema, fits: Callable[[str, Schema], bool], depth: int = 3
    ) -> Iterator[tuple[tuple[str, ...], Schema]]:
        """The ways to fields that fit, through objects, the shortest first."""
        level: list[tuple[tuple[str, ...], Schema]] = [((), schema)]
        for _ in range(min(depth, _MOST_DEPTH)):
            below = []
            for way, each in level[:_MOST_OBJECTS]:
                for name, inner in self.fields(each):
                    if fits(name, inner):
                        yield (*way, name), inner
                    if inner.fields:
                        below.append(((*way, name), inner))
            level = below


def of_example(value: object, depth: int = _MOST_DEPTH) -> dict[str, Any]:
    """A schema that an example would have."""
    kind = _KINDS.get(type(value), "")
    if depth and isinstance(value, dict):
        few = list(value.items())[:_MOST_FIELDS]
        return {"type": kind, "properties": {str(key): of_example(inner, depth - 1) for key, inner in few}}
    if depth and isinstance(value, list):
        return {"type": kind, **({"items": of_example(value[0], depth - 1)} if value else {})}
    return {"type": kind} if kind else {}


def _kind(raw: Mapping[str, Any]) -> str:
    kind = raw.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    if isinstance(raw.get("properties"), dict):
        return "object"
    if isinstance(raw.get("items"), dict):
        return "array"
    values = [raw["const"]] if "const" in raw else _list(raw.get("enum"))
    return _KINDS.get(type(values[0]), "") if values else ""


def _joined(one: Schema, other: Schema) -> Schema:
    """Two parts of one schema; where both speak, the first one counts."""
    return Schema(
        one.kind or other.kind,
        {**other.fields, **one.fields},
        one.required | other.required,
        one.items if one.items is not None else other.items,
        {**other.about, **one.about},
        one.open and other.open,
    )


def _list(value: object) -> list[Any]:
    return value[:_MOST_PARTS] if isinstance(value, list) else []


def _texts(value: object) -> frozenset[str]:
    return frozenset(each for each in _list(value) if isinstance(each, str))
