"""The parts of a seeded fault: its description, the wrapper, and a record of who wrote what.

A fault is a wrapper around any adapter, sync or async. It breaks one thing and passes everything else on. It
has the adapter's methods and signatures, so that the suite finds the same capabilities as without the fault.
Handlers are written once, as coroutines; around a sync adapter they finish at once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Memory

METHODS = (*CORE_METHODS, *OPTIONAL_METHODS)
_MOST = 50

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break isolation on purpose, to measure whether the suite detects it.

    name: `<anomaly>-<mechanism>`. summary: the mechanism in one sentence. plant: takes an adapter and
    returns the broken one. like: a public case of the anomaly. needs: what an adapter must offer for the
    fault to have an effect: methods ("history"), keywords of methods ("add.key"), "async", and a number of
    axes beside the user ("axes.2").
    """

    name: str
    anomaly: str
    summary: str
    plant: Callable[[Any], Any]
    like: str | None = None
    needs: tuple[str, ...] = ()

    def fits(self, adapter: Any) -> bool:
        """Whether the adapter offers everything that the fault needs; otherwise the fault has no effect."""
        return all(_offers(adapter, *need.split(".")) for need in self.needs)


def _offers(adapter: Any, method: str, keyword: str | None = None) -> bool:
    if method == "async":
        return any(inspect.iscoroutinefunction(getattr(adapter, name, None)) for name in METHODS)
    if method == "axes":
        axes = getattr(adapter, "axes", None)
        return isinstance(axes, Mapping) and len(axes) > int(keyword or 1)
    offered = getattr(adapter, method, None)
    return callable(offered) and (keyword is None or keyword in inspect.signature(offered).parameters)


def _at_once(handler: Handler, *args: Any, **keywords: Any) -> Any:
    """Run a handler of a sync adapter to its end; nothing in it waits, so it needs no event loop."""
    running = handler(*args, **keywords)
    try:
        running.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("A sync adapter returned an awaitable; make its methods `async def`.")


async def call(method: Handler, *args: Any, **keywords: Any) -> Any:
    """Call a method that may be sync or async, and return its answer."""
    answer = method(*args, **keywords)
    return await answer if inspect.isawaitable(answer) else answer


def tag(user: Any) -> str:
    """A user of any type as text: hostile values can't be keys, and in Python 1, 1.0 and True are equal."""
    return f"{type(user).__name__}:{user!r}"


def is_missing(user: Any) -> bool:
    """Whether the user is missing: None or blank text."""
    return user is None or (isinstance(user, str) and not user.strip())


def unique(rows: Iterable[Memory]) -> list[Memory]:
    """The rows in order, with each id once; rows without an id are all kept."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        if row.id is None or row.id not in seen:
            kept.append(row)
        if row.id is not None:
            seen.add(row.id)
    return kept


class Wrapper:
    """An adapter around another one: a method `_on_<name>` replaces the inner `<name>`, if that exists."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._waits = any(inspect.iscoroutinefunction(getattr(inner, name, None)) for name in METHODS)
        for name in METHODS:
            offered = getattr(inner, name, None)
            if callable(offered):
                setattr(self, name, self._front(name, offered))

    def __getattr__(self, name: str) -> Any:
        """Any other attribute (`close`) is the inner adapter's."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._inner, name)

    def _handler(self, name: str) -> Handler | None:
        handler: Handler | None = getattr(self, f"_on_{name}", None)
        return handler

    def _front(self, name: str, offered: Handler) -> Handler:
        handler = self._handler(name)
        if handler is None:
            return offered
        front = functools.partial(handler) if self._waits else functools.partial(_at_once, handler)
        # `__wrapped__` makes inspect.signature show the inner keywords, which the suite looks for.
        return functools.update_wrapper(front, offered)


class Remembering(Wrapper):
    """A wrapper that records who wrote through it, and who owns each id."""

    def __init__(self, inner: Any) -> None:
        self._writers: dict[str, Any] = {}
        self._owners: dict[str, Any] = {}
        self._texts: dict[str, dict[str, str]] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        self._writers[tag(user)] = user
        self._note(user, rows)
        return rows

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.search, user, query, limit=limit, **keywords)
        self._note(user, rows)
        return rows

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.get_all, user, **keywords)
        self._note(user, rows)
        return rows

    async def _on_delete_all(self, user: Any) -> None:
        await call(self._inner.delete_all, user)
        self._forget(user)

    async def _on_update(self, user: Any, id: str, text: str, **keywords: Any) -> Any:
        return await self._act("update", user, id, text, **keywords)

    async def _on_delete(self, user: Any, id: str) -> Any:
        return await self._act("delete", user, id)

    async def _act(self, name: str, user: Any, id: str, *args: Any, **keywords: Any) -> Any:
        """Make a by-id call on the inner adapter and update the record."""
        answer = await call(getattr(self._inner, name), user, id, *args, **keywords)
        texts = self._texts.get(tag(user), {})
        if name == "delete" and id in texts:
            del texts[id], self._owners[id]
        if name == "update" and id in texts:
            texts[id] = args[0]
        return answer

    def _note(self, user: Any, rows: Iterable[Memory]) -> None:
        # Systems that store in the background return ids only when the rows are read.
        texts = self._texts.setdefault(tag(user), {})
        for row in rows:
            if row.id is not None and tag(self._owners.setdefault(row.id, user)) == tag(user):
                texts[row.id] = row.text

    def _forget(self, user: Any) -> None:
        self._writers.pop(tag(user), None)
        for known in self._texts.pop(tag(user), {}):
            self._owners.pop(known, None)

    def _is_foreign(self, user: Any, id: str) -> bool:
        return id in self._owners and tag(self._owners[id]) != tag(user)

    def _others(self, user: Any) -> list[Any]:
        # A copy, because other threads write at the same time.
        return [v for name, v in list(self._writers.items()) if name != tag(user)]

    async def _delete_everything(self) -> None:
        for known, owner in list(self._owners.items()):
            await self._act("delete", owner, known)

    async def _lists_of_others(self, user: Any) -> list[Memory]:
        """What the others have; only the last of many count, so that answers stay small in a crowd."""
        lists = [await call(self._inner.get_all, other) for other in self._others(user)[-_MOST:]]
        return [row for rows in lists for row in rows]


class Leaving(Remembering):
    """A wrapper that is told what its users delete."""

    def _left(self, user: Any, memories: dict[str, str]) -> None:
        """Take note of deleted memories: the text by the id."""

    async def _on_delete(self, user: Any, id: str) -> Any:
        text = self._texts.get(tag(user), {}).get(id)
        answer = await super()._on_delete(user, id)
        if text is not None:
            self._left(user, {id: text})
        return answer

    async def _on_delete_all(self, user: Any) -> None:
        memories = dict(self._texts.get(tag(user), {}))
        await super()._on_delete_all(user)
        self._left(user, memories)
