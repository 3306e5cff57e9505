"""The description of an MCP server in a target's file: its tables, and how they are checked and compiled.

Each operation is one tool call: `tool` and `arguments`, with placeholders for the call's values. JMESPath
expressions say where the tool's answer holds the memories.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field

from isolation_tests.adapter import BadOption
from isolation_tests.adapters.described.bodies import parsed
from isolation_tests.adapters.described.mapping import Expression, Reader, Shape, expression, shape, slots
from isolation_tests.model import Frozen

__all__ = ["Call", "Mapped", "McpOptions", "Tool", "document", "fits", "mapped", "refusal"]

EXTRA = "mcp"
OPERATIONS = (
    "add",
    "search",
    "get_all",
    "delete_all",
    "get",
    "update",
    "delete",
    "history",
    "count",
    "export",
    "maintain",
)
_PLACEHOLDERS: dict[str, set[str]] = {
    "add": {"user", "text", "metadata", "key", "new_id"},
    "search": {"user", "query", "limit", "filters"},
    "get_all": {"user", "filters", "cursor", "offset"},
    "export": {"user", "cursor", "offset"},
    "get": {"user", "id"},
    "delete": {"user", "id"},
    "history": {"user", "id"},
    "update": {"user", "id", "text", "metadata"},
}
_NEEDED = {"add": "text", "search": "query", "get": "id", "delete": "id", "history": "id", "update": "id"}
_LAUNCH = {"user", "user_digest", "folder"}


class _Call(Frozen):
    """A tool call and where its answer holds memories."""

    tool: str
    """Name of the tool."""

    arguments: dict[str, Any] = Field(default_factory=dict)
    """The tool's arguments; texts may hold placeholders such as `{user}`."""

    items: str | None = None
    """JMESPath to the list of memories, if it differs from `answer.items`."""

    id: str | None = None
    """JMESPath to a memory's id, if it differs from `answer.id`."""

    text: str | None = None
    """JMESPath to a memory's text, if it differs from `answer.text`."""

    beside: str | None = None
    """JMESPath to other parts of the answer that hold what users said, such as a graph's relations."""

    next: str | None = None
    """JMESPath to the next page's cursor."""

    total: str = "total"
    """For count: JMESPath to the number."""


class _DeleteAll(Frozen):
    """How to delete all of a user's memories: with one tool, or one by one."""

    tool: str | None = None
    """Name of the tool."""

    arguments: dict[str, Any] = Field(default_factory=dict)
    """The tool's arguments."""

    each: Literal["delete"] | None = None
    """For servers without such a tool: list the memories, then call `delete` for each."""


class _Answer(Frozen):
    """Where answers hold memories, unless an operation says otherwise. An empty text means nowhere."""

    form: Literal["auto", "lines"] = "auto"
    """How to read an answer.

    "auto" reads the structured content, or else the text, as JSON if possible; texts that differ from the
    structured content are added to it as `content`. "lines" reads each line of the text as a memory.
    """

    items: str = "@"
    """JMESPath to the list of memories."""

    id: str = "id"
    """JMESPath to a memory's id."""

    text: str = "text"
    """JMESPath to a memory's text."""

    refused: str = ""
    """JMESPath to the reason in an answer that is a refusal."""


class McpOptions(Frozen):
    """An MCP server: how to reach it, how it tells users apart, and one tool call for each operation."""

    command: str | None = None
    """Command that starts the server."""

    args: tuple[str, ...] = ()
    """Arguments of the command."""

    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the command."""

    url: str | None = None
    """Address of a running server, in place of `command`."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of the requests to `url`."""

    session: Literal["shared", "per-user"] = "shared"
    """How users are told apart.

    "shared" is one connection for all users; the tools' arguments name the user. "per-user" is one server or
    connection per user; env, args or headers hold `{user}`, or `{user_digest}`: 64 characters that are safe
    in a file name.
    """

    keep: int = Field(default=8, ge=1)
    """For "per-user": how many connections stay open. The one that has been idle longest is closed first."""

    ids: Literal["text", "number"] = "text"
    """The form of ids: "number" if the tools take only the number at the end of an id."""

    tool_errors: Literal["refused", "indeterminate"] = "refused"
    """What it means if a tool reports an error."""

    timeout_seconds: float = Field(default=20.0, gt=0)
    """Seconds after which a call times out."""

    start_seconds: float = Field(default=60.0, gt=0, le=110)
    """Seconds after which the start of a server or connection times out."""

    answer: _Answer = _Answer()
    """Where answers hold memories."""

    add: _Call
    """Stores a text."""

    search: _Call
    """Searches a user's memories."""

    get_all: _Call
    """Lists a user's memories."""

    delete_all: _DeleteAll
    """Deletes all of a user's memories."""

    get: _Call | None = None
    """Reads one memory by its id."""

    update: _Call | None = None
    """Replaces the text of one memory."""

    delete: _Call | None = None
    """Deletes one memory."""

    history: _Call | None = None
    """Reads the versions of one memory."""

    count: _Call | None = None
    """Counts a user's memories."""

    export: _Call | None = None
    """Exports a user's memories."""

    maintain: _Call | None = None
    """Runs the maintenance that the server offers for one user."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call with slots, and how to read its answer. option: the key of its table in the file."""

    option: str
    tool: str
    arguments: Shape
    reader: Reader
    next: Expression | None
    total: Expression

    def slots(self) -> set[str]:
        """The placeholders of the arguments."""
        return slots(self.arguments)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A server's description, checked and compiled. calls: by the name of the operation.

    launch: how to start or reach the server, with slots. each: delete_all deletes one by one.
    """

    options: McpOptions
    launch: Mapping[str, Shape]
    calls: Mapping[str, Call]
    refused: Expression | None
    each: bool


def mapped(options: McpOptions) -> Mapped:
    """Check and compile a description; raises `BadOption` for the first bad expression or placeholder."""
    _reachable(options)
    names = _LAUNCH if options.session == "per-user" else {"folder"}
    launch = {
        part: shape(getattr(options, part), names, f"options.{part}")
        for part in ("command", "args", "env", "url", "headers")
    }
    calls = {name: _call(name, options) for name in OPERATIONS if _tool(options, name)}
    _delete_all(options)
    per_user = options.session == "per-user"
    if per_user and not slots(launch) & {"user", "user_digest"}:
        raise BadOption(
            "options.session is per-user, but env, args and headers contain no {user} or {user_digest}; put "
            'one of them where the server reads its user, or write session = "shared".'
        )
    for name, call in calls.items():
        _complete(name, call, per_user=per_user)
    said = options.answer.refused
    refused = expression(said, "options.answer.refused", EXTRA) if said else None
    return Mapped(options, launch, calls, refused, options.delete_all.each is not None)


def _reachable(options: McpOptions) -> None:
    if (options.command is None) == (options.url is None):
        raise BadOption(
            "options.command or options.url: write either the command that starts the server or the address "
            "of a running one."
        )
    if options.url is not None and not re.match(r"https?://|\$\{", options.url):
        raise BadOption(
            f"options.url is {options.url!r}; write an address such as http://127.0.0.1:8000/mcp."
        )


def _tool(options: McpOptions, name: str) -> str | None:
    return getattr(getattr(options, name), "tool", None)


def _delete_all(options: McpOptions) -> None:
    plan = options.delete_all
    if (plan.tool is None) == (plan.each is None):
        raise BadOption(
            'options.delete_all: write the tool that deletes all of a user\'s memories, or each = "delete".'
        )
    if plan.each and options.delete is None:
        raise BadOption('options.delete is missing, but each = "delete" needs it; map it to a tool.')


def _call(name: str, options: McpOptions) -> Call:
    option, raw = f"options.{name}", getattr(options, name)
    call = raw if isinstance(raw, _Call) else _Call(tool=raw.tool, arguments=raw.arguments)
    arguments = shape(call.arguments, _PLACEHOLDERS.get(name, {"user"}), f"{option}.arguments")
    following = expression(call.next, f"{option}.next", EXTRA) if call.next else None
    total = expression(call.total, f"{option}.total", EXTRA)
    return Call(option, call.tool, arguments, _reader(option, call, options.answer), following, total)


def _reader(option: str, call: _Call, answer: _Answer) -> Reader:
    def written(key: str) -> Expression | None:
        own = getattr(call, key)
        text, place = (own, option) if own is not None else (getattr(answer, key, ""), "options.answer")
        return expression(text, f"{place}.{key}", EXTRA) if text else None

    text = written("text")
    if text is None:
        raise BadOption(f"{option}.text is empty; write a JMESPath to a memory's text.")
    return Reader(written("items"), written("id"), text, written("beside"), sent=option == "options.add")


def _complete(name: str, call: Call, *, per_user: bool) -> None:
    needed = {_NEEDED[name]} if name in _NEEDED else set()
    if not per_user:
        needed.add("user")
    for placeholder in sorted(needed - call.slots()):
        raise BadOption(
            f"{call.option}.arguments does not send {{{placeholder}}}; give it to an argument of {call.tool}."
        )
    if name in ("search", "get_all", "get", "history", "export") and call.reader.items is None:
        raise BadOption(f"{call.option}.items is empty; write a JMESPath to the memories in the answer.")
    if "cursor" in call.slots() and call.next is None:
        raise BadOption(f"{call.option}.next is missing; write a JMESPath to the next cursor in the answer.")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the server describes it. known: its arguments; None if it takes any."""

    name: str
    known: frozenset[str] | None
    required: frozenset[str]

    @staticmethod
    def described(name: str, schema: Mapping[str, Any]) -> Tool:
        """The tool with this input schema."""
        properties, required = schema.get("properties"), schema.get("required")
        free = not isinstance(properties, dict) or not properties or schema.get("additionalProperties")
        needed = required if isinstance(required, list) else ()
        names = frozenset(each for each in needed if isinstance(each, str))
        return Tool(name, None if free else frozenset(properties or ()), names)


def fits(call: Call, tools: Mapping[str, Tool]) -> None:
    """Raise `BadOption` if the server does not have the tool, or if the tool takes other arguments."""
    tool = tools.get(call.tool)
    if tool is None:
        raise BadOption(
            f"{call.option}.tool: the server has no tool {call.tool!r}; {_hint(call.tool, tools)}"
        )
    given = set(call.arguments) if isinstance(call.arguments, dict) else set()
    for missing in sorted(tool.required - given):
        raise BadOption(
            f"{call.option}.arguments lacks {missing!r}, which the tool {tool.name} requires; add it."
        )
    known = given if tool.known is None else tool.known
    for unknown in sorted(given - known):
        raise BadOption(
            f"{call.option}.arguments: the tool {tool.name} takes no {unknown!r}; {_hint(unknown, known)}"
        )


def _hint(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known)) or 'none'}."


def document(structured: object, texts: list[str], *, lines: bool) -> Any:
    """The answer that expressions read: the structured content, else the text as JSON, else the text.

    Several texts make a list. Texts that differ from the structured content are added to it as `content`,
    because a model would read them too. lines: make a list of the lines that are not blank.
    """
    if lines:
        return [line for text in texts for line in text.splitlines() if line.strip()]
    said = [_parsed(text) for text in texts]
    if isinstance(structured, dict):
        result = structured.get("result")
        return structured if said in ([structured], [result], result) else {"content": texts, **structured}
    return said[0] if len(said) == 1 else said or None


def _parsed(text: str) -> Any:
    try:
        return parsed(text)
    except ValueError:
        return text


def refusal(answer: object, refused: Expression | None) -> str | None:
    """The reason for a refusal in an answer that is not an error; None if the answer is not a refusal."""
    reason = None if refused is None or isinstance(answer, str | list) else refused.find(answer)
    if reason is None or reason is False or reason == "":
        return None
    return reason if isinstance(reason, str) else json.dumps(reason)
