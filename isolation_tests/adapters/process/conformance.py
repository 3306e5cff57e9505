"""Whether a bridge keeps to the protocol: one rule after the other, for the authors of bridges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import Indeterminate, Memory, Page, Refused
from isolation_tests.adapters.process.link import Bridge, started
from isolation_tests.adapters.process.protocol import BridgeError

__all__ = ["Outcome", "check"]

_OVERLAPPING = 50
_LONG_TEXT = 2**20
_VALUES: tuple[object, ...] = (
    None,
    False,
    0,
    1,
    1.0,
    0.1,
    2**53 + 1,
    "",
    "\0",
    "Zoë",
    "Zoe\u0308",
    "\U0001f600",
    "\ud800",
    {"$ne": None},
    ["a", {}],
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule of the protocol came to. problem: empty if the bridge keeps it. note: worth knowing."""

    rule: str
    problem: str = ""
    note: str = ""


class _Broken(Exception):  # noqa: N818 - a rule is broken
    """A rule is broken; the text says how."""


async def check(
    command: Sequence[str], *, folder: Path, options: Mapping[str, Any], seconds: float
) -> AsyncIterator[Outcome]:
    """Start a bridge and yield the outcome of each rule, in the order of their importance.

    seconds: limit for each call. The check writes and deletes as users that it makes up. Raises `BadOption`
    and `Unavailable` as `link.started` does.
    """
    last = "it ends by itself when its input is closed, with status 0, and prints nothing more"
    try:
        async with started(
            command, folder=folder, environment={}, options=options, start_seconds=60, call_seconds=seconds
        ) as bridge:
            hello = bridge.hello
            offered = ", ".join(sorted(hello.capabilities)) or "no optional capability"
            yield Outcome("it says hello", note=f"{hello.name} {hello.version}, {offered}")
            for rule, try_it in _RULES:
                yield await _outcome(rule, try_it, bridge)
            for name in sorted(_SAMPLES.keys() & hello.capabilities):
                yield await _outcome(f"{name} answers in its form", _SAMPLES[name], bridge)
    except BridgeError as error:
        yield Outcome(last, problem=str(error))
    else:
        yield Outcome(last)


async def _outcome(rule: str, try_it: Callable[[Bridge], Awaitable[str]], bridge: Bridge) -> Outcome:
    try:
        return Outcome(rule, note=await try_it(bridge))
    except (_Broken, BridgeError, Refused, Indeterminate, NotImplementedError) as error:
        return Outcome(rule, problem=str(error) or type(error).__name__)


async def _echoes(bridge: Bridge) -> str:
    changed = []
    for value in _VALUES:
        try:
            await bridge.call("echo", {"value": value})
        except Refused:
            changed.append(ascii(value))
    if not changed:
        return ""
    return (
        f"its language changes {', '.join(changed)}: the suite never sends such a user, and refuses the call"
    )


async def _keeps(bridge: Bridge) -> str:
    user, text = _user(), f"the code is {uuid4().hex}"
    await bridge.call("add", {"user": user, "text": text})
    await _shows(bridge, user, text)
    await _shows(bridge, _user(), None)
    await bridge.call("delete_all", {"user": user})
    await _shows(bridge, user, None)
    return ""


async def _shows(bridge: Bridge, user: str, text: str | None) -> None:
    due = [] if text is None else [text]
    listed = [row.text for row in await bridge.call("get_all", {"user": user})]
    if listed != due:
        raise _Broken(f"get_all must answer {len(due)} memories here, not {len(listed)}")
    if text is not None and not await bridge.call("search", {"user": user, "query": text, "limit": 5}):
        raise _Broken("search does not find the text that was added")


async def _no_user(bridge: Bridge) -> str:
    try:
        rows = await bridge.call("get_all", {"user": None})
    except Refused:
        return "it is refused"
    return f"{len(rows)} memories are shown for it"


async def _overlap(bridge: Bridge) -> str:
    sent = [f"value {number}" for number in range(_OVERLAPPING)]
    came = await asyncio.gather(*(bridge.call("echo", {"value": value}) for value in sent))
    if came != sent:
        raise _Broken("an answer has the number of another call")
    return ""


async def _cancelled(bridge: Bridge) -> str:
    call = asyncio.ensure_future(bridge.call("search", {"user": _user(), "query": "x", "limit": 1}))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    await bridge.call("echo", {"value": "still there"})
    return ""


async def _unknown(bridge: Bridge) -> str:
    if not {"error", "refused", "unsupported"} & set(await bridge.ask("no_such_call", {"user": _user()})):
        raise _Broken("it must answer an error")
    return ""


async def _long(bridge: Bridge) -> str:
    await bridge.call("echo", {"value": "x" * _LONG_TEXT})
    return ""


async def _stored(bridge: Bridge) -> tuple[str, str]:
    user = _user()
    rows: list[Memory] = await bridge.call("add", {"user": user, "text": "one text"})
    if not rows or rows[0].id is None:
        raise _Broken("add must answer the id of what it stored, because calls by id are offered")
    return user, rows[0].id


async def _get(bridge: Bridge) -> str:
    user, id = await _stored(bridge)
    row = await bridge.call("get", {"user": user, "id": id})
    if row is None or row.text != "one text":
        raise _Broken("get does not answer the memory that was added")
    return await _gone(bridge, user)


async def _by_id(bridge: Bridge, name: str, **more: str) -> str:
    user, id = await _stored(bridge)
    await bridge.call(name, {"user": user, "id": id, **more})
    return await _gone(bridge, user)


async def _of_user(bridge: Bridge, name: str, due: Callable[[Any], bool], **more: Any) -> str:
    user, _ = await _stored(bridge)
    if not due(await bridge.call(name, {"user": user, **more})):
        raise _Broken(f"{name} does not show the memory that was added")
    return await _gone(bridge, user)


async def _gone(bridge: Bridge, user: str) -> str:
    await bridge.call("delete_all", {"user": user})
    return ""


async def _users(bridge: Bridge) -> str:
    user, _ = await _stored(bridge)
    if user not in await bridge.call("users", {}):
        raise _Broken("users does not name a user who has a memory")
    return await _gone(bridge, user)


async def _with(bridge: Bridge, name: str, **more: Any) -> str:
    user = _user()
    await bridge.call(name, {"user": user, **more})
    return await _gone(bridge, user)


def _user() -> str:
    return f"iso-{uuid4().hex}"


def _one_item(page: Page) -> bool:
    return [row.text for row in page.items] == ["one text"] and page.cursor is None


_RULES: tuple[tuple[str, Callable[[Bridge], Awaitable[str]]], ...] = (
    ("echo answers the value that it got", _echoes),
    ("what a user adds is listed and found, for this user only, until it is deleted", _keeps),
    ("a user who is null gets an answer", _no_user),
    ("calls that overlap get their own answers", _overlap),
    ("a cancelled call disturbs no other", _cancelled),
    ("a call that it does not know gets an answer", _unknown),
    ("a value of one MiB goes through", _long),
)
_SAMPLES: dict[str, Callable[[Bridge], Awaitable[str]]] = {
    "get": _get,
    "update": lambda bridge: _by_id(bridge, "update", text="another text"),
    "delete": lambda bridge: _by_id(bridge, "delete"),
    "history": lambda bridge: _by_id(bridge, "history"),
    "count": lambda bridge: _of_user(bridge, "count", lambda number: number == 1),
    "users": _users,
    "export": lambda bridge: _of_user(bridge, "export", bool),
    "page": lambda bridge: _of_user(bridge, "page", _one_item, cursor=None),
    "maintain": lambda bridge: _of_user(bridge, "maintain", lambda answer: answer is None),
    "filters": lambda bridge: _with(bridge, "get_all", filters={"topic": "x"}),
    "metadata": lambda bridge: _with(bridge, "add", text="t", metadata={"topic": "x"}),
    "key": lambda bridge: _with(bridge, "add", text="t", key="k1"),
}
