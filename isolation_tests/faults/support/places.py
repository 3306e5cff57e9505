"""Faults that know one axis, in front of adapters with more: their user is a *place*, a user in a scope.

A fault stands between two halves. The inner one makes an adapter with axes one without, whose users are
places; the outer one is the reverse. So a fault merges, caches or confuses places as it would users, and the
adapter and the suite both see the axes that they know.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from isolation_tests.faults.support.base import METHODS, Handler

SCOPE = "scope"
_NOWHERE: Mapping[str, Any] = MappingProxyType({})
"""The scope of what a fault calls for nobody in particular."""
_USERLESS = "users"


@dataclass(frozen=True)
class Place:
    """A user in a scope. values: each given axis with its value, in the order of the axes."""

    user: Any
    values: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, user: Any, scope: Mapping[str, Any]) -> Place:
        """The place of a user; equal scopes make equal places, whatever the order of their axes."""
        return cls(user, tuple(sorted(scope.items())))

    def value(self, axis: str) -> Any:
        """The value of an axis, None where it is omitted."""
        return self.user if axis == "user" else dict(self.values).get(axis)


def further(adapter: Any) -> list[str]:
    """The axes that an adapter declares beside the user, outer to inner."""
    axes = getattr(adapter, "axes", None)
    return [name for name in axes if name != "user"] if isinstance(axes, Mapping) else []


def of_places(plant: Callable[[Any, list[str]], Any], position: int) -> Callable[[Any], Any]:
    """A function that plants a fault of places. plant: takes the inner half and all axes, outer to inner.

    position: the axis beside the user that the fault is about; without it, there is nothing to break.
    """

    def planted(adapter: Any) -> Any:
        if len(further(adapter)) < position:
            return adapter
        broken = plant(_Flat(adapter, _given), [*adapter.axes])
        return _Spread(broken, adapter, Place.of)

    return planted


def of_users(plant: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that plants a fault of users, also in front of an adapter with axes.

    What the fault does on behalf of another user, it does in the caller's scope.
    """

    def planted(adapter: Any) -> Any:
        if not further(adapter):
            return plant(adapter)
        current: ContextVar[Mapping[str, Any]] = ContextVar("scope", default=_NOWHERE)

        def kept(user: Any, scope: Mapping[str, Any]) -> Any:
            current.set(scope)
            return user

        broken = plant(_Flat(adapter, lambda user: (user, current.get())))
        return _Spread(broken, adapter, kept)

    return planted


def _given(user: Any) -> tuple[Any, Mapping[str, Any]]:
    return (user.user, dict(user.values)) if isinstance(user, Place) else (user, _NOWHERE)


class _Flat:
    """An adapter without the keyword `scope`. open_up: the user and the scope that a user stands for."""

    def __init__(self, inner: Any, open_up: Callable[[Any], tuple[Any, Mapping[str, Any]]]) -> None:
        self._inner = inner
        for name in METHODS:
            method = getattr(inner, name, None)
            if callable(method):
                setattr(self, name, method if name == _USERLESS else _flattened(name, method, open_up))

    def __getattr__(self, name: str) -> Any:
        """Any other attribute (`close`) is the inner adapter's, which has no axes here."""
        if name.startswith("_") or name == "axes":
            raise AttributeError(name)
        return getattr(self._inner, name)


class _Spread:
    """An adapter with the keyword `scope` in front of a flat one. pack: the user that stands for both."""

    def __init__(self, broken: Any, like: Any, pack: Callable[[Any, Mapping[str, Any]], Any]) -> None:
        self._broken, self.axes = broken, like.axes
        for name in METHODS:
            method = getattr(broken, name, None)
            if callable(method):
                whole = method if name == _USERLESS else _spread(name, method, getattr(like, name), pack)
                setattr(self, name, whole)

    def __getattr__(self, name: str) -> Any:
        """Any other attribute is the broken adapter's."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._broken, name)


def _flattened(
    name: str, method: Handler, open_up: Callable[[Any], tuple[Any, Mapping[str, Any]]]
) -> Handler:
    def arguments(place: Any, *rest: Any, **keywords: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        user, scope = open_up(place)
        if name == "intrude":
            rest = (open_up(rest[0])[0], *rest[1:])
        return (user, *rest), {**keywords, SCOPE: scope}

    signature = inspect.signature(method)
    bare = [each for each in signature.parameters.values() if each.name != SCOPE]
    return _calling(method, arguments, signature.replace(parameters=bare))


def _spread(
    name: str, method: Handler, like: Handler, pack: Callable[[Any, Mapping[str, Any]], Any]
) -> Handler:
    def arguments(
        user: Any, *rest: Any, scope: Mapping[str, Any], **keywords: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if name == "intrude":
            rest = (pack(rest[0], scope), *rest[1:])
        return (pack(user, scope), *rest), keywords

    return _calling(method, arguments, inspect.signature(like))


def _calling(method: Handler, arguments: Handler, signature: inspect.Signature) -> Handler:
    """The method with other arguments, sync or async as before, and with this signature."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def later(*args: Any, **keywords: Any) -> Any:
            given, named = arguments(*args, **keywords)
            return await method(*given, **named)

        chosen: Handler = later
    else:

        @functools.wraps(method)
        def at_once(*args: Any, **keywords: Any) -> Any:
            given, named = arguments(*args, **keywords)
            return method(*given, **named)

        chosen = at_once
    chosen.__signature__ = signature  # type: ignore[attr-defined]  # inspect reads it
    return chosen
