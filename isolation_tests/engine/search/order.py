"""The order in which a run asks its checks: those that catch most with the fewest calls come first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import TypeVar

from isolation_tests.core import packaged
from isolation_tests.engine.laws import LawEntry, all_laws
from isolation_tests.engine.profiles import Profile
from isolation_tests.plans import Cell

__all__ = ["asked", "in_order", "leading"]

Item = TypeVar("Item")


@cache
def leading() -> tuple[str, ...]:
    """The ids of the checks that come first, as measured with seeded faults; the others keep their order."""
    lines = (packaged.folder("order") / "checks.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def in_order(items: Iterable[Item], check: Callable[[Item], str]) -> list[Item]:
    """These items in the order in which their checks are asked. check: gives the check's id of an item."""
    ranks = {name: rank for rank, name in enumerate(leading())}
    return sorted(items, key=lambda item: ranks.get(check(item), len(ranks)))


def asked(profile: Profile, offered: Collection[str] = ()) -> list[tuple[LawEntry, Cell]]:
    """The checks of all laws that this profile asks of a target with these capabilities, in order."""
    checks = ((entry, cell) for entry in all_laws().values() for cell in entry.asked(profile, offered))
    return in_order(checks, lambda check: check[0].check_id(check[1]))
