"""The options by which a target's file describes an MCP server, and what they become at open.

Each operation is one tool call: `tool` and `arguments`, with placeholders for what the call brings. Where
the tool's answer holds the memories is said in JMESPath.
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
    """A tool and its arguments.

    items, id, text, beside: where its answer has memories; next: the next page's cursor; total: how many.
    """

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    items: str | None = None
    id: str | None = None
    text: str | None = None
    beside: str | None = None
    next: str | None = None
    total: str = "total"


class _DeleteAll(Frozen):
    """A tool that deletes all, or each="delete" where the server has none: list, then delete one by one."""

    tool: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    each: Literal["delete"] | None = None


class _Answer(Frozen):
    """Where answers have memories, unless an operation says otherwise; an empty text: nowhere.

    form: "auto" takes what the tool gives as structured content, or else its text as JSON where it is JSON;
    "lines" takes each line of the text as one memory. Texts that differ from the structured content stand
    beside it as `content`. refused: where an ordinary answer says no.
    """

    form: Literal["auto", "lines"] = "auto"
    items: str = "@"
    id: str = "id"
    text: str = "text"
    refused: str = ""


class McpOptions(Frozen):
    """A server, how it tells users apart, and one tool call for each operation.

    command, args, env: a server that is started; url, headers: one that is running. session: "shared" is one
    connection for everybody, users being an argument of the tools; "per-user" starts one server, or opens one
    connection, for each user, whose env, args or headers hold `{user}` or `{user_digest}` (64 characters that
    fit any file name). keep: how many of those stay open; more are closed, the longest unused first. ids:
    "number" where tools want the number at the end of an id. tool_errors: what an error that a tool
    reports means.
    """

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    session: Literal["shared", "per-user"] = "shared"
    keep: int = Field(default=8, ge=1)
    ids: Literal["text", "number"] = "text"
    tool_errors: Literal["refused", "indeterminate"] = "refused"
    timeout_seconds: float = Field(default=20.0, gt=0)
    start_seconds: float = Field(default=60.0, gt=0, le=110)
    answer: _Answer = _Answer()
    add: _Call
    search: _Call
    get_all: _Call
    delete_all: _DeleteAll
    get: _Call | None = None
    update: _Call | None = None
    delete: _Call | None = None
    history: _Call | None = None
    count: _Call | None = None
    export: _Call | None = None
    maintain: _Call | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call with slots, and how to read its answer. option: its table in the file."""

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
    """A server's description, checked and compiled. calls: by the operation's name.

    launch: what starts or reaches the server, with slots; `each`: delete_all deletes one by one.
    """

    options: McpOptions
    launch: Mapping[str, Shape]
    calls: Mapping[str, Call]
    refused: Expression | None
    each: bool


def mapped(options: McpOptions) -> Mapped:
    """The description, each expression and placeholder checked; raises `BadOption` on the first bad one."""
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
            "options.session is per-user, but no env, args or headers hold {user} or {user_digest}; put "
            'one of them where the server learns its user, or write session = "shared".'
        )
    for name, call in calls.items():
        _complete(name, call, per_user=per_user)
    said = options.answer.refused
    refused = expression(said, "options.answer.refused", EXTRA) if said else None
    return Mapped(options, launch, calls, refused, options.delete_all.each is not None)


def _reachable(options: McpOptions) -> None:
    if (options.command is None) == (options.url is None):
        raise BadOption(
            "options.command or options.url: write the command that starts the server, or the address of a "
            "running one, and not both."
        )
    if options.url is not None and not re.match(r"https?://|\$\{", options.url):
        raise BadOption(
            f"options.url is {options.url!r}, which is no address; write one such as http://127.0.0.1:8000/mcp."
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
        raise BadOption('options.delete is missing, by which each = "delete" deletes; map it to a tool.')


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
        raise BadOption(f"{option}.text is empty; write where a memory has its text, in JMESPath.")
    return Reader(written("items"), written("id"), text, written("beside"), sent=option == "options.add")


def _complete(name: str, call: Call, *, per_user: bool) -> None:
    needed = {_NEEDED[name]} if name in _NEEDED else set()
    if not per_user:
        needed.add("user")
    for placeholder in sorted(needed - call.slots()):
        raise BadOption(
            f"{call.option}.arguments never holds {{{placeholder}}}; put it where {call.tool} takes it."
        )
    if name in ("search", "get_all", "get", "history", "export") and call.reader.items is None:
        raise BadOption(f"{call.option}.items is empty; write where the answer has the memories.")
    if "cursor" in call.slots() and call.next is None:
        raise BadOption(f"{call.option}.next is missing; write where the answer has the next cursor.")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the server describes it. known: its arguments; None where it takes any."""

    name: str
    known: frozenset[str] | None
    required: frozenset[str]

    @staticmethod
    def described(name: str, schema: Mapping[str, Any]) -> Tool:
        """The tool with this input schema."""
        properties = schema.get("properties") or {}
        free = not properties or schema.get("additionalProperties")
        return Tool(name, None if free else frozenset(properties), frozenset(schema.get("required") or ()))


def fits(call: Call, tools: Mapping[str, Tool]) -> None:
    """Raise `BadOption` where the server has no such tool, or the tool takes other arguments."""
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
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known)) or 'none'}."


def document(structured: object, texts: list[str], *, lines: bool) -> Any:
    """What expressions are asked of: the structured content, else the text as JSON, else the text itself.

    Several texts make a list. Texts that say something else than the structured content, which a model would
    read too, stand beside it as `content`. lines: a list of the lines that are not blank.
    """
    if lines:
        return [line for text in texts for line in text.splitlines() if line.strip()]
    parsed = [_parsed(text) for text in texts]
    if isinstance(structured, dict):
        result = structured.get("result")
        return structured if parsed in ([structured], [result], result) else {"content": texts, **structured}
    return parsed[0] if len(parsed) == 1 else parsed or None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def refusal(answer: object, refused: Expression | None) -> str | None:
    """What an ordinary answer gives as its reason to say no; None where it says nothing of the kind."""
    reason = None if refused is None or isinstance(answer, str | list) else refused.find(answer)
    if reason is None or reason is False or reason == "":
        return None
    return reason if isinstance(reason, str) else json.dumps(reason)
