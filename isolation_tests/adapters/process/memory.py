"""A memory system behind a bridge: a program in any language that answers calls as JSON lines."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, BadOption, Memory, Page
from isolation_tests.adapters.described.mapping import ABSENT, checked, offering
from isolation_tests.adapters.process.link import Bridge, started
from isolation_tests.adapters.resources import postgres, scratch
from isolation_tests.core import packaged
from isolation_tests.model import Frozen

__all__ = ["BridgeOptions", "ProcessMemory", "open_memory"]

EXTRA = "pgvector"
_PLACES = ("bridges", "folder", "npm", "postgres")


class BridgeOptions(Frozen):
    """How to start a bridge. Texts of `command` and `env` may hold placeholders.

    `{folder}` is an empty folder for this opening, `{bridges}` the folder of the bridges that come with the
    suite, `{npm}` the folder of the target's npm packages, and `{postgres}` the address of an empty Postgres
    that is started for this opening.
    """

    command: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments: a list, or one text that is split as a shell would."""

    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables to add."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Options for the bridge itself, sent with the hello."""

    cwd: str = "."
    """The folder in which the bridge runs: that of the target's file, unless it is given."""

    npm: str | None = None
    """The folder of the target's npm packages; set by the suite if the target's file names packages."""

    start_seconds: float = Field(default=60.0, gt=0, le=110)
    """Seconds after which a bridge that has not said hello is given up."""

    timeout_seconds: float = Field(default=20.0, gt=0)
    """Seconds after which a call times out."""

    @field_validator("command", mode="before")
    @classmethod
    def _split(cls, command: object) -> object:
        return shlex.split(command) if isinstance(command, str) else command


@asynccontextmanager
async def open_memory(**options: Any) -> AsyncIterator[ProcessMemory]:
    """Start the bridge that the options describe (see `BridgeOptions`), and end it afterwards.

    Raises `BadOption` for an option to correct, and `Unavailable` if the bridge says no hello.
    """
    asked = checked(BridgeOptions, options)
    with ExitStack() as stack:
        filled = partial(_filled, _places(asked, stack))
        async with started(
            [filled(part, "options.command") for part in asked.command],
            folder=Path(asked.cwd),
            environment={name: filled(text, f"options.env.{name}") for name, text in asked.env.items()},
            options=asked.options,
            start_seconds=asked.start_seconds,
            call_seconds=asked.timeout_seconds,
        ) as bridge:
            yield ProcessMemory(bridge)


def _places(asked: BridgeOptions, stack: ExitStack) -> dict[str, str]:
    """What the placeholders that are used stand for."""
    texts = (*asked.command, *asked.env.values())
    used = {name for name in _PLACES if any(f"{{{name}}}" in text for text in texts)}
    places = {"bridges": str(packaged.folder("bridges"))}
    if used & {"folder", "postgres"}:
        folder = stack.enter_context(scratch("bridge"))
        places["folder"] = str(folder)
        if "postgres" in used:
            places["postgres"] = stack.enter_context(postgres(folder, None, EXTRA))
    if "npm" in used:
        if asked.npm is None:
            raise BadOption(
                "options.command uses {npm}; name the packages as npm = [...] in the target's file."
            )
        places["npm"] = asked.npm
    return places


def _filled(places: dict[str, str], text: str, option: str) -> str:
    for name in _PLACES:
        if name in places:
            text = text.replace(f"{{{name}}}", places[name])
    if "\0" in text:
        raise BadOption(f"{option} holds a NUL character; remove it.")
    return text


class ProcessMemory:
    """Makes one call of the bridge for each call; `raw` is what the bridge sent with the memory.

    Optional methods and keywords exist as the bridge's hello offers them.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge, self.hello = bridge, bridge.hello
        offered = bridge.hello.capabilities
        for name in (*CORE_METHODS, *(each for each in OPTIONAL_METHODS if each in offered)):
            data = "update_metadata" if name == "update" else "metadata"
            keywords = {"filters": "filters" in offered, "key": "key" in offered, "metadata": data in offered}
            method: Callable[..., Awaitable[Any]] = getattr(self, f"_{name}")
            setattr(self, name, offering(method, keywords))

    async def _call(self, operation: str, **arguments: Any) -> Any:
        given = {name: value for name, value in arguments.items() if value is not ABSENT}
        return await self._bridge.call(operation, given)

    async def _add(
        self, user: Any, text: str, *, metadata: Any = ABSENT, key: Any = ABSENT
    ) -> Sequence[Memory]:
        return await self._call("add", user=user, text=text, metadata=metadata, key=key)  # type: ignore[no-any-return]

    async def _search(self, user: Any, query: str, *, limit: int, filters: Any = ABSENT) -> Sequence[Memory]:
        return await self._call("search", user=user, query=query, limit=limit, filters=filters)  # type: ignore[no-any-return]

    async def _get_all(self, user: Any, *, filters: Any = ABSENT) -> Sequence[Memory]:
        return await self._call("get_all", user=user, filters=filters)  # type: ignore[no-any-return]

    async def _delete_all(self, user: Any) -> None:
        await self._call("delete_all", user=user)

    async def _get(self, user: Any, id: str) -> Memory | None:
        return await self._call("get", user=user, id=id)  # type: ignore[no-any-return]

    async def _update(self, user: Any, id: str, text: str, *, metadata: Any = ABSENT) -> None:
        await self._call("update", user=user, id=id, text=text, metadata=metadata)

    async def _delete(self, user: Any, id: str) -> None:
        await self._call("delete", user=user, id=id)

    async def _history(self, user: Any, id: str) -> Sequence[Memory]:
        return await self._call("history", user=user, id=id)  # type: ignore[no-any-return]

    async def _count(self, user: Any) -> int:
        return await self._call("count", user=user)  # type: ignore[no-any-return]

    async def _users(self) -> Sequence[Any]:
        return await self._call("users")  # type: ignore[no-any-return]

    async def _export(self, user: Any) -> Sequence[Memory]:
        return await self._call("export", user=user)  # type: ignore[no-any-return]

    async def _page(self, user: Any, cursor: str | None) -> Page:
        return await self._call("page", user=user, cursor=cursor)  # type: ignore[no-any-return]

    async def _maintain(self, user: Any) -> None:
        await self._call("maintain", user=user)

    async def _intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        return await self._call("intrude", user=user, victim=victim, how=how)  # type: ignore[no-any-return]
