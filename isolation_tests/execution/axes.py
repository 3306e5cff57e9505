"""The axes that an adapter declares: read once when it is opened, and checked against its methods."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from isolation_tests.adapter import CORE_METHODS, OMITTED, OPTIONAL_METHODS, USER_AXIS
from isolation_tests.model import Axis, Omitted
from isolation_tests.plans.cells import MOST_AXES

SCOPE = "scope"
"""The keyword by which a call gets the values of further axes."""
SCOPED_METHODS = tuple(name for name in (*CORE_METHODS, *OPTIONAL_METHODS) if name != "users")
"""The methods that act for a user, and so in a scope."""
_REACH = {Omitted.NONE: "what was stored without one", Omitted.ALL: "every user's memories"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class BadAxes(Exception):  # noqa: N818 - it is the adapter that is wrong
    """What an adapter says of its axes can't be; the text tells its author what to mend."""


def declared_axes(adapter: object) -> tuple[Axis, ...]:
    """The adapter's axes, outer to inner; none if the user is the only one. Raises `BadAxes`."""
    said = getattr(adapter, "axes", None)
    # An adapter may answer to any name, with a method for instance.
    if said is None or callable(said):
        _nothing_undeclared(adapter)
        return ()
    if not isinstance(said, Mapping):
        raise BadAxes(
            f"its `axes` is a {type(said).__name__}; write a mapping from each axis, outer to inner, to "
            f"{_either(OMITTED)}"
        )
    axes = tuple(_axis(name, omitted) for name, omitted in said.items())
    _user_is_there(axes)
    if len(axes) > MOST_AXES + 1:
        raise BadAxes(f"its `axes` has {len(axes) - 1} axes beside the user; declare at most {MOST_AXES}")
    dropping = [name for name in _offered(adapter) if not _takes_scope(adapter, name)] if axes[1:] else []
    if dropping:
        raise BadAxes(
            f"it declares axes, but {_called(dropping)} has no keyword `{SCOPE}` and drops them; add it, and "
            "pass its values to the system"
        )
    if not axes[1:]:
        _nothing_undeclared(adapter)
    return axes if axes[1:] else ()


def usual_scope(axes: tuple[Axis, ...]) -> dict[str, Any]:
    """Where users act whose plan says nothing of further axes: all over the run in one and the same place."""
    return {axis.name: f"iso-{axis.name}" for axis in further(axes)}


def further(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes beside the user, outer to inner."""
    return tuple(axis for axis in axes if axis.name != USER_AXIS)


def _axis(name: object, omitted: object) -> Axis:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadAxes(
            f"its `axes` has the axis {name!r}; name an axis in lower-case letters, digits and '_', such as "
            "'tenant' or 'session'"
        )
    if omitted not in OMITTED:
        raise BadAxes(f"its `axes` says {omitted!r} of an omitted {name}; write {_either(OMITTED)}")
    return Axis(name=name, omitted=Omitted(omitted))


def _user_is_there(axes: tuple[Axis, ...]) -> None:
    user = next((axis for axis in axes if axis.name == USER_AXIS), None)
    if user is None:
        raise BadAxes(f"its `axes` lacks {USER_AXIS!r}; put it in its place among the axes, outer to inner")
    if user.omitted is not Omitted.REFUSED:
        raise BadAxes(
            f"its `axes` says that a call without a user reaches {_REACH[user.omitted]}, which contradicts "
            f"that users are kept apart; write {USER_AXIS!r}: 'refused'"
        )


def _nothing_undeclared(adapter: object) -> None:
    using = [name for name in _offered(adapter) if _takes_scope(adapter, name)]
    if using:
        raise BadAxes(
            f"{_called(using)} has the keyword `{SCOPE}`, but no `axes` says what is in it; declare the "
            "axes, or give the keyword another name"
        )


def _offered(adapter: object) -> list[str]:
    return [name for name in SCOPED_METHODS if callable(getattr(adapter, name, None))]


def _takes_scope(adapter: object, method: str) -> bool:
    try:
        return SCOPE in inspect.signature(getattr(adapter, method)).parameters
    except (TypeError, ValueError):
        return False


def _called(names: list[str]) -> str:
    return f"its {names[0]}()" if len(names) == 1 else f"its {names[0]}() (and {len(names) - 1} more)"


def _either(words: Mapping[str, str]) -> str:
    *first, last = (repr(word) for word in words)
    return f"{', '.join(first)} or {last}"
