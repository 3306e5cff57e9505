"""A case's users in words: the name, and the values of further axes in which the users of the case differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from isolation_tests.model import BoundUser, Case
from isolation_tests.testdata.display import difference

Spell = Callable[[object], str]


def told(case: Case, user: int, spell: Spell) -> str:
    """A user's name, with their value of each axis in which the case's users differ."""
    users = case.history.users
    if not 0 <= user < len(users):
        return spell(f"user {user}")
    named, axes = users[user], differing(case)
    parts = [_value(named, axis, spell) for axis in axes]
    return f"{spell(named.name)} ({', '.join(parts)})" if parts else spell(named.name)


def differing(case: Case) -> list[str]:
    """The axes beside the user in which the users of a case differ, as they are in their scopes."""
    scopes = [user.scope for user in case.history.users if user.scope is not None]
    axes = dict.fromkeys(axis for scope in scopes for axis in scope)
    return [axis for axis in axes if any(scope.get(axis) != scopes[0].get(axis) for scope in scopes)]


def differences(case: Case, one: int, other: int) -> str:
    """How two users of a case differ: their names, or else their values of further axes."""
    users = case.history.users
    return "; ".join(_differences(case, users[one], users[other])) or "none"


def _differences(case: Case, one: BoundUser, other: BoundUser) -> Iterator[str]:
    axes = differing(case)
    if one.name != other.name or not axes:
        yield difference(one.name, other.name)
    for axis in axes:
        values = [(user.scope or {}).get(axis) for user in (one, other)]
        if None in values and values[0] != values[1]:
            yield f"in {axis}, only one of them has a value"
        elif values[0] != values[1]:
            yield f"in {axis}, {difference(values[0], values[1])}"


def _value(user: BoundUser, axis: str, spell: Spell) -> str:
    value = (user.scope or {}).get(axis)
    return f"no {axis}" if value is None else f"{axis} {spell(value)}"
