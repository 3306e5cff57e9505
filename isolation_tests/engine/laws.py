"""The list of laws: each property registers here, so that what should have been asked is always known."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from isolation_tests.engine.profiles import Profile
from isolation_tests.model import Level
from isolation_tests.plans import OVERLAP, Cell

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class LawEntry:
    """A registered property. `searched` laws draw their own plans; the others have one check a cell."""

    name: str
    title: str
    level: Level
    anomalies: tuple[str, ...]
    cells: tuple[Cell, ...]
    test: Callable[..., None]

    def asked(self, profile: Profile) -> list[Cell]:
        """The cells that this profile asks."""
        return [cell for cell in self.cells if profile.whole or cell.quick]

    def covers(self, cell: Cell) -> tuple[str, ...]:
        """The anomalies that a check of this cell can name."""
        return tuple(dict.fromkeys((cell.anomaly, *cell.also, *self.anomalies)))

    def is_optional(self, cell: Cell) -> bool:
        """Whether a target that does not offer what the cell needs may reach the level all the same.

        Nothing is optional at the lowest level, and overlapping calls are what the concurrent one is about.
        """
        return self.level is not Level.CORE and cell.needs != (OVERLAP,)

    def check_id(self, cell: Cell) -> str:
        """The check's stable name."""
        return f"{self.name}[{cell.id}]"


LAWS: dict[str, LawEntry] = {}


def law(
    name: str, *, level: Level, cells: Sequence[Cell], anomalies: Sequence[str] = ()
) -> Callable[[Test], Test]:
    """Register a property under its law's name; its docstring's first line is the law.

    Raises `ValueError` for a name taken twice or a property without docstring.
    """

    def register(test: Test) -> Test:
        if not test.__doc__:
            raise ValueError(f"the property {test.__name__} has no docstring to say its law")
        earlier = LAWS.get(name)
        if earlier is not None and earlier.test.__module__ != test.__module__:
            raise ValueError(f"two properties are called {name}")
        title = test.__doc__.strip().splitlines()[0]
        LAWS[name] = LawEntry(name, title, level, tuple(anomalies), tuple(cells), test)
        marked: Any = pytest.mark.isolation_law(name)(test)
        decorated: Test = pytest.mark.parametrize("cell", cells, ids=[cell.id for cell in cells])(marked)
        return decorated

    return register


def all_laws() -> dict[str, LawEntry]:
    """Every law, after importing every module of properties."""
    package = importlib.import_module("isolation_tests.properties")
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    return LAWS
