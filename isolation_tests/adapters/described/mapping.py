"""Shared by all described systems: templates that build requests, and expressions that read answers.

A text in such a file may hold `${NAME}`, an environment variable, and `{name}`, a placeholder. A text that
is only a placeholder keeps the value's type; in a longer text, the value is formatted as in an f-string.
`{{name}}` stands for `{name}` itself. JMESPath expressions find values in an answer.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from isolation_tests.adapter import BadOption, Memory
from isolation_tests.adapters.resources import need
from isolation_tests.core.masking import remember, secret_values

__all__ = [
    "ABSENT",
    "Absent",
    "Expression",
    "Mismatch",
    "OutOfBounds",
    "Reader",
    "Shape",
    "Template",
    "checked",
    "cut",
    "described",
    "expression",
    "filled",
    "given",
    "offering",
    "shape",
    "slots",
    "template",
    "whole_number",
]

_PART = re.compile(r"\{\{(?P<plain>\w+)\}\}|\$\{(?P<variable>\w+)\}|\{(?P<name>\w+)\}")
_KEYS_SHOWN = 12
ModelT = TypeVar("ModelT", bound=BaseModel)


class Mismatch(Exception):  # noqa: N818 - the answer is at fault, or the file
    """An answer does not match the description; the text begins with the key to correct."""


class OutOfBounds(Mismatch):
    """An answer is larger, deeper or longer than the suite reads; nothing of it is in the text."""

    told = True


class Absent(Enum):
    """Marks an argument that the call did not have; a field with nothing else in it is left out."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def given(value: Any) -> Any:
    """The value of a call's optional argument; `ABSENT` if the call did not have it."""
    return ABSENT if value is None else value


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value of the call."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots."""

    parts: tuple[str | Slot, ...]

    def value(self, values: Mapping[str, Any]) -> Any:
        """The value with its own type if the template is a single slot; otherwise the text."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Slot):
            return values[self.parts[0].name]
        return self.text(values)

    def text(self, values: Mapping[str, Any], write: Callable[[object], str] = str) -> str:
        """The text, with each value formatted by `write`; a missing value is empty."""
        return "".join(
            part if isinstance(part, str) else self._written(part, values, write) for part in self.parts
        )

    @staticmethod
    def _written(slot: Slot, values: Mapping[str, Any], write: Callable[[object], str]) -> str:
        value = values[slot.name]
        return "" if value is ABSENT else write(value)


Shape = Template | dict[str, Any] | list[Any] | int | float | bool | None
"""A JSON value whose texts are templates."""


def template(text: str, names: Collection[str], option: str) -> Template:
    """The text with its environment variables replaced and its placeholders turned into slots.

    names: the placeholders that are allowed here. option: the key of the text. Raises `BadOption` for another
    placeholder and for a variable that is not set.
    """
    parts: list[str | Slot] = []
    end = 0
    for match in _PART.finditer(text):
        parts.append(text[end : match.start()])
        parts.append(_part(match, names, option))
        end = match.end()
    parts.append(text[end:])
    return Template(tuple(part for part in parts if part) or ("",))


def _part(match: re.Match[str], names: Collection[str], option: str) -> str | Slot:
    if match["plain"]:
        return f"{{{match['plain']}}}"
    if match["name"]:
        if match["name"] in names:
            return Slot(match["name"])
        near = get_close_matches(match["name"], names, n=1)
        known = ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"
        hint = f"did you mean {{{near[0]}}}?" if near else f"the placeholders here are {known}."
        raise BadOption(f"{option} contains {{{match['name']}}}, which is not a placeholder here; {hint}")
    found = os.environ.get(match["variable"])
    remember(secret_values({option: found, match["variable"]: found}))
    if not found:
        raise BadOption(
            f"{option} needs the environment variable {match['variable']}, which is not set; "
            f"set it before the run: export {match['variable']}=..."
        )
    return found


def shape(value: Any, names: Collection[str], option: str) -> Shape:
    """The JSON value with each text turned into a template; raises `BadOption` as `template` does."""
    if isinstance(value, str):
        return template(value, names, option)
    if isinstance(value, Mapping):
        return {str(key): shape(inner, names, f"{option}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shape(inner, names, f"{option}.{number}") for number, inner in enumerate(value)]
    if value is None or isinstance(value, int | float):
        return value
    raise BadOption(f"{option} is a {type(value).__name__}, which JSON does not have; write it as text.")


def filled(value: Shape, values: Mapping[str, Any]) -> Any:
    """The JSON value with a call's values filled in; absent values are left out of objects and lists."""
    if isinstance(value, Template):
        return value.value(values)
    if isinstance(value, dict):
        pairs = ((key, filled(inner, values)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not ABSENT}
    if isinstance(value, list):
        return [inner for each in value if (inner := filled(each, values)) is not ABSENT]
    return value


def slots(*values: Any) -> set[str]:
    """The placeholders in shapes, at any depth."""
    return set(_slots(values))


def _slots(value: Any) -> Iterator[str]:
    if isinstance(value, Template):
        yield from (part.name for part in value.parts if isinstance(part, Slot))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _slots(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _slots(inner)


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression in a file. option: its key."""

    option: str
    text: str
    compiled: Any

    def find(self, answer: object) -> Any:
        """What the expression finds in the answer; None if there is nothing."""
        try:
            return self.compiled.search(answer)
        except Exception as error:
            raise Mismatch(
                f"{self.option}: {self.text!r} fails on an answer that {described(answer)}: {error}"
            ) from error

    def missed(self, answer: object, due: str) -> Mismatch:
        """The error for an answer in which the expression does not find what it should."""
        return Mismatch(
            f"{self.option}: {self.text!r} finds no {due} in an answer that {described(answer)}; "
            "correct the expression."
        )


def expression(text: str, option: str, extra: str) -> Expression:
    """The compiled expression; raises `BadOption` if it is not JMESPath. extra: the one with JMESPath."""
    jmespath = need("jmespath", extra)
    try:
        return Expression(option, text, jmespath.compile(text))
    except jmespath.exceptions.JMESPathError as error:
        first = str(error).partition("\n")[0].rstrip(":.")
        raise BadOption(
            f"{option}: {text!r} is not a JMESPath expression ({first}); write one such as data.items."
        ) from error


def described(answer: object) -> str:
    """What an answer looks like, as a phrase: its keys, never its values."""
    if isinstance(answer, Mapping):
        keys = [str(key) for key in answer]
        more = ", ..." if len(keys) > _KEYS_SHOWN else ""
        return f"has the keys {', '.join(keys[:_KEYS_SHOWN])}{more}" if keys else "is an empty object"
    if isinstance(answer, list):
        inner = f" whose first item {described(answer[0])}" if answer else ""
        return f"is a list of {len(answer)}{inner}"
    return "is empty" if answer is None else f"is a {type(answer).__name__}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Finds memories in an answer.

    items: finds the rows, a list or a single row; None if the answer holds none. id, text: find these in a
    row; id is None if the system gives no ids. beside: finds other parts of an answer that hold what users
    said (a graph's relations, sources); without rows, each of them counts as a memory. sent: whether a row
    may lack its text, because the caller has just sent it.
    """

    items: Expression | None
    id: Expression | None
    text: Expression
    beside: Expression | None = None
    sent: bool = False

    def memories(self, answer: object) -> list[Memory]:
        """The memories in an answer; raises `Mismatch` if the answer does not match the description.

        `raw` of the first one also holds the rest of the answer, so that another user's fact there is found.
        """
        if self.items is None:
            return []
        found = self.items.find(answer)
        if found is None:
            raise self.items.missed(answer, "memories")
        rows = found if isinstance(found, list) else [found]
        memories = [self.memory(row) for row in rows]
        beside = (
            {key: part for key, part in answer.items() if part is not found}
            if isinstance(answer, dict)
            else {}
        )
        if memories and beside and found is not answer:
            first = memories[0]
            memories[0] = Memory(first.id, first.text, {"row": first.raw, "beside": beside})
        return memories or self._others(answer)

    def one(self, answer: object) -> Memory | None:
        """The single memory in an answer; None if there is none."""
        found = None if self.items is None else self.items.find(answer)
        if isinstance(found, list):
            found = found[0] if found else None
        return None if found is None else self.memory(found)

    def memory(self, row: object) -> Memory:
        """The memory in a row."""
        text = self.text.find(row)
        if not isinstance(text, str):
            if not (self.sent and text is None):
                raise self.text.missed(row, "text")
            text = ""
        return Memory(self._id(row), text, row)

    def _id(self, row: object) -> str | None:
        if self.id is None:
            return None
        found = self.id.find(row)
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            raise self.id.missed(row, "id")
        return str(found)

    def _others(self, answer: object) -> list[Memory]:
        found = None if self.beside is None else self.beside.find(answer)
        parts = found if isinstance(found, list) else [found]
        return [Memory(None, "", part) for part in parts if part]


def cut(found: list[Memory], limit: int) -> list[Memory]:
    """The first memories up to the limit; the others stay visible in the last one's `raw`."""
    if len(found) <= limit:
        return found
    last, rest = found[limit - 1], [row.raw for row in found[limit:]]
    return [*found[: limit - 1], Memory(last.id, last.text, {"row": last.raw, "past the limit": rest})]


def whole_number(answer: object, where: Expression) -> int:
    """The whole number that an expression finds."""
    found = where.find(answer)
    if isinstance(found, bool) or not isinstance(found, int):
        raise where.missed(answer, "whole number")
    return found


def checked(model: type[ModelT], options: Mapping[str, Any]) -> ModelT:
    """The options as a model; raises `BadOption` for the first wrong one."""
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise BadOption(_fault(error, model)) from error


def _fault(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors()[0]
    place = ".".join(["options", *map(str, first["loc"])])
    if first["type"] == "extra_forbidden":
        keys = _keys(model, first["loc"][:-1])
        near = get_close_matches(str(first["loc"][-1]), keys, n=1)
        return f"{place} is not an option; " + (
            f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(keys)}."
        )
    if first["type"] == "missing":
        return f"{place} is missing; add it to the table [{place.rpartition('.')[0]}] of the file."
    if first["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"{place} must be a table; write [{place}] and its keys below it."
    due = first["msg"].removeprefix("Value error, ")
    return f"{place}: {due[:1].lower()}{due[1:].rstrip('.')}; correct it."


def _keys(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that a table of the file can have."""
    for step in place:
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                model = next(_models(field.annotation), model)
                break
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models(inner)


def offering(method: Callable[..., Any], keywords: Mapping[str, bool]) -> Callable[..., Any]:
    """The method with a signature that lacks the optional keywords that are false.

    The suite finds a capability by its keyword, so a keyword that the file does not map must not show.
    """
    offered = partial(method)
    signature = inspect.signature(method)
    kept = [each for each in signature.parameters.values() if keywords.get(each.name, True)]
    offered.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # inspect reads it
    return offered
