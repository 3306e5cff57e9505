"""Puts a wrapper around the adapter that a factory opens."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

Wrap = Callable[[Any], Any]


def wrap_factory(wrap: Wrap, factory: Callable[..., Any]) -> Callable[..., Any]:
    """A factory with the same options that opens the adapter with `factory` and wraps it with `wrap`."""
    fronted = partial(_open, wrap, factory)
    with suppress(TypeError, ValueError):
        fronted.__signature__ = inspect.signature(factory)  # type: ignore[attr-defined]  # inspect reads it
    return fronted


def _open(wrap: Wrap, factory: Callable[..., Any], /, **options: Any) -> Any:
    return _wrapped(wrap, factory(**options))


def _wrapped(wrap: Wrap, opened: Any) -> Any:
    """The wrapper around an adapter, or around an awaitable or context manager that yields one."""
    if inspect.isawaitable(opened):
        return _wrapped_later(wrap, opened)
    if isinstance(opened, AbstractContextManager):
        return _Context(wrap, opened)
    if isinstance(opened, AbstractAsyncContextManager):
        return _AsyncContext(wrap, opened)
    return wrap(opened)


async def _wrapped_later(wrap: Wrap, opened: Awaitable[Any]) -> Any:
    return _wrapped(wrap, await opened)


@dataclass
class _Context:
    wrap: Wrap
    inner: AbstractContextManager[Any]

    def __enter__(self) -> Any:
        return self.wrap(self.inner.__enter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        return self.inner.__exit__(kind, error, trace)


@dataclass
class _AsyncContext:
    wrap: Wrap
    inner: AbstractAsyncContextManager[Any]

    async def __aenter__(self) -> Any:
        return self.wrap(await self.inner.__aenter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        return await self.inner.__aexit__(kind, error, trace)
