"""The bridge protocol, version 1: which lines are sent, and which answers are accepted.

Each line is one JSON object. `protocol-1.schema.json` beside this file is the same as a JSON Schema, and
docs/reference/bridge-protocol.md explains it to the authors of bridges.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from isolation_tests.adapter import OPTIONAL_METHODS, Indeterminate, Memory, Page, Refused
from isolation_tests.core.bounded import TooDeep, parsed

__all__ = [
    "CAPABILITIES",
    "KEYWORDS",
    "VERSION",
    "BadLineError",
    "BridgeError",
    "Hello",
    "answered",
    "call_line",
    "cancel_line",
    "carried",
    "hello_line",
    "identified",
    "line_of",
    "read_hello",
]

VERSION = 1
AXES = ["user"]
KEYWORDS = ("filters", "key", "metadata", "update_metadata")
CAPABILITIES = (*OPTIONAL_METHODS, *KEYWORDS)
_MOST_SHOWN = 120
_EXACT_INTEGERS = 2**53
_FAILED = ("refused", "indeterminate", "error", "unsupported")


class BridgeError(Exception):
    """The bridge's own error, or a broken rule of the protocol: neither a pass nor a violation."""


class BadLineError(BridgeError):
    """A line that the protocol does not allow at all: nothing that the bridge says is believed after it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """How a bridge introduces itself. capabilities: optional operations and keywords that it offers."""

    name: str
    version: str
    capabilities: frozenset[str]


def hello_line(options: Mapping[str, Any]) -> bytes:
    """The first line. options: the target's own options for the bridge."""
    return _encoded({"hello": {"protocol": VERSION, "options": dict(options)}})


def call_line(number: int, operation: str, arguments: Mapping[str, Any]) -> bytes:
    """One call. arguments: by name; one that is not given is absent, and None is `null`.

    Raises `Refused` for a value that JSON can't carry.
    """
    for name, value in arguments.items():
        _must_be_json(value, name)
    return _encoded({"id": number, "call": operation, "arguments": dict(arguments)})


def cancel_line(number: int) -> bytes:
    """The caller of this call has given up; an answer is not needed."""
    return _encoded({"cancel": number})


def _encoded(message: Mapping[str, Any]) -> bytes:
    # ASCII, so that no language's text encoding decides what arrives; a lone surrogate travels as its escape.
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def carried(value: object) -> bool:
    """Whether every JSON library carries a value unchanged; others are tried with `echo` first.

    Whole floats, big numbers and texts that are not printable ASCII are where languages differ.
    """
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return value.isascii() and value.isprintable()
    if isinstance(value, int):
        return -_EXACT_INTEGERS < value < _EXACT_INTEGERS
    if isinstance(value, dict):
        return all(carried(key) and carried(part) for key, part in value.items())
    return isinstance(value, list) and all(carried(part) for part in value)


def _must_be_json(value: object, name: str) -> None:
    """Raise `Refused` unless JSON carries the value as it is: tuples and number keys would arrive changed."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise Refused(f"JSON can't carry {name}: a key in it is a {type(key).__name__}, not text")
            _must_be_json(part, name)
    elif isinstance(value, list):
        for part in value:
            _must_be_json(part, name)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused(f"JSON can't carry {name}: it has no {value}")
    elif not (value is None or isinstance(value, str | int | float)):
        raise Refused(f"JSON can't carry {name}: it has no {type(value).__name__}")


def line_of(raw: bytes, *, quote: bool = False) -> dict[str, Any]:
    """A line from the bridge as an object; raises `BadLineError` for anything else.

    quote: whether the message may quote the line. Every open call gets the message, so it must not hold what
    the bridge meant for one user only.
    """
    try:
        said = parsed(raw)
    except TooDeep as error:
        raise BadLineError(f"the bridge printed a line that is nested too deeply: {error}") from None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        line = _shown(raw.decode("utf-8", "replace")) if quote else f"a line of {len(raw):,} bytes"
        raise BadLineError(
            f"the bridge printed {line}, which is not a JSON object; write logs to standard error, because "
            "standard output is for the protocol"
        )
    return said


def read_hello(said: Mapping[str, Any]) -> Hello:
    """The bridge's introduction; raises `BadLineError` with what is wrong with it."""
    hello = said.get("hello")
    if set(said) != {"hello"} or not isinstance(hello, dict):
        raise BadLineError(f'the bridge began with {_shown(said)}; its first line must be {{"hello": ...}}')
    if hello.get("protocol") != VERSION or isinstance(hello.get("protocol"), bool):
        raise BadLineError(
            f"the bridge speaks version {_shown(hello.get('protocol'))} of the protocol, and this suite "
            f"speaks version {VERSION}; use a bridge for version {VERSION}"
        )
    for key in ("name", "version"):
        if not (isinstance(hello.get(key), str) and hello[key]):
            raise BadLineError(f"the bridge's hello needs a text that is not empty as {key!r}")
    if strange := _strange(hello, {"protocol", "name", "version", "capabilities", "axes"}):
        raise BadLineError(f"the bridge's hello has {strange}")
    if hello.get("axes", AXES) != AXES:
        raise BadLineError(
            f'the bridge separates by {_shown(hello["axes"])}; version {VERSION} knows only ["user"]'
        )
    return Hello(hello["name"], hello["version"], _capabilities(hello.get("capabilities", [])))


def _capabilities(said: object) -> frozenset[str]:
    if not isinstance(said, list):
        raise BadLineError(f"the bridge's capabilities must be a list, not {_shown(said)}")
    for each in said:
        if each not in CAPABILITIES:
            raise BadLineError(
                f"the bridge offers {_shown(each)}, which does not exist; the capabilities are "
                f"{', '.join(CAPABILITIES)}"
            )
    return frozenset(said)


def identified(said: Mapping[str, Any]) -> int:
    """The number of the call that a line answers; raises `BadLineError` if it has none."""
    number = said.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise BadLineError('the bridge printed an object without the "id" of a call')
    return number


def answered(operation: str, said: Mapping[str, Any]) -> Any:
    """What an answer means to the caller of an operation.

    Raises `Refused`, `Indeterminate` and NotImplementedError as the bridge says, and `BridgeError` for its
    own error and for an answer that does not fit the operation.
    """
    keys = set(said) - {"id", "data"}
    due = _ANSWERS[operation]
    if len(keys) != 1 or not keys <= {*due, *_FAILED}:
        raise BridgeError(
            f"the bridge answered {operation} with {_shown(sorted(keys)) if keys else 'nothing'}; an answer "
            f"has exactly one of {', '.join((*due, *_FAILED))}"
        )
    [kind] = keys
    if kind in _FAILED:
        raise _failure(kind, said)
    if "data" in said:
        raise BridgeError(f'the bridge answered {operation} with "data", which only failures have')
    return _READERS[kind](operation, said[kind])


def _failure(kind: str, said: Mapping[str, Any]) -> Exception:
    if not isinstance(said[kind], str):
        return BridgeError(f"the bridge's {kind!r} must be a text, not {_shown(said[kind])}")
    error = {"refused": Refused, "indeterminate": Indeterminate, "unsupported": NotImplementedError}.get(
        kind, BridgeError
    )(said[kind])
    # An attribute, so that the suite searches it for other users' data without printing it.
    error.data = said.get("data")  # type: ignore[attr-defined]
    return error


def _memory(operation: str, said: object) -> Memory:
    if not isinstance(said, dict):
        raise BridgeError(
            f"the bridge answered {operation} with the memory {_shown(said)}; it must be an object"
        )
    for key in ("id", "text"):
        if key not in said:
            raise BridgeError(f"the bridge answered {operation} with a memory that has no {key!r}")
    if strange := _strange(said, {"id", "text", "raw"}):
        raise BridgeError(f"the bridge answered {operation} with a memory that has {strange}")
    if not (said["id"] is None or (isinstance(said["id"], str) and said["id"])):
        raise BridgeError(
            f"the bridge answered {operation} with the id {_shown(said['id'])}; an id is a text that is not "
            "empty, or null if the system has no ids"
        )
    if not isinstance(said["text"], str):
        raise BridgeError(
            f"the bridge answered {operation} with the text {_shown(said['text'])}; it must be a text"
        )
    return Memory(said["id"], said["text"], said.get("raw"))


def _memories(operation: str, said: object) -> list[Memory]:
    return [_memory(operation, row) for row in _list(operation, said)]


def _list(operation: str, said: object) -> list[Any]:
    if not isinstance(said, list):
        raise BridgeError(f"the bridge answered {operation} with {_shown(said)} where a list is due")
    return said


def _page(operation: str, said: object) -> Page:
    if not isinstance(said, dict) or set(said) != {"items", "cursor"}:
        raise BridgeError(f"the bridge answered {operation} with {_shown(said)}; a page has items and cursor")
    if not (said["cursor"] is None or (isinstance(said["cursor"], str) and said["cursor"])):
        raise BridgeError(
            f"the bridge answered {operation} with the cursor {_shown(said['cursor'])}; it must be a text "
            "that is not empty, or null at the end"
        )
    return Page(_memories(operation, said["items"]), said["cursor"])


def _nothing(operation: str, said: object) -> None:
    if said is not True:
        raise BridgeError(f'the bridge answered {operation} with "nothing": {_shown(said)}; it must be true')


def _number(operation: str, said: object) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or said < 0:
        raise BridgeError(
            f"the bridge answered {operation} with {_shown(said)} where a number of memories is due"
        )
    return said


def _strange(said: Mapping[str, Any], allowed: set[str]) -> str:
    """What a message says about the first key that is not allowed; empty if all are."""
    strange = next((key for key in said if key not in allowed), None)
    return "" if strange is None else f"the key {_shown(strange)}; it can have {', '.join(sorted(allowed))}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return ascii(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…")


_ANSWERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("add", "search", "get_all", "history", "export", "intrude"), ("memories",)),
    **dict.fromkeys(("delete_all", "update", "delete", "maintain"), ("nothing",)),
    "get": ("memory", "nothing"),
    "page": ("page",),
    "count": ("number",),
    "users": ("users",),
    "echo": ("value",),
}
_READERS: dict[str, Callable[[str, Any], Any]] = {
    "memories": _memories,
    "memory": _memory,
    "nothing": _nothing,
    "page": _page,
    "number": _number,
    "users": _list,
    "value": lambda _, said: said,
}
