"""The list of laws. Each property registers here, so that a run knows which checks to expect."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from isolation_tests.engine.profiles import Profile
from isolation_tests.model import Level
from isolation_tests.plans import OVERLAP, Cell
from isolation_tests.plans.cells import concerns

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class LawEntry:
    """A registered property with its cells; each cell is one check.

    budget: how many of the profile's drawn examples its cells share, as a multiple.
    """

    name: str
    title: str
    level: Level
    anomalies: tuple[str, ...]
    cells: tuple[Cell, ...]
    test: Callable[..., None]
    budget: int = 1

    def asked(self, profile: Profile, offered: Collection[str] = ()) -> list[Cell]:
        """The cells that this profile runs on a target with these capabilities.

        Only the axes among them matter here: a target is asked of no axis that it does not declare. What else
        it lacks, the checks themselves say.
        """
        asked = (cell for cell in self.cells if profile.whole or cell.quick)
        return [cell for cell in asked if concerns(cell.needs, offered)]

    def covers(self, cell: Cell) -> tuple[str, ...]:
        """The anomalies that a check of this cell can report."""
        return tuple(dict.fromkeys((cell.anomaly, *cell.also, *self.anomalies)))

    def is_optional(self, cell: Cell) -> bool:
        """Whether a target can reach the level although it lacks what the cell needs.

        No cell is optional at the lowest level, and overlapping calls are the purpose of the concurrent
        level.
        """
        return self.level is not Level.CORE and cell.needs != (OVERLAP,)

    def check_id(self, cell: Cell) -> str:
        """The check's stable name."""
        return f"{self.name}[{cell.id}]"


LAWS: dict[str, LawEntry] = {}


def law(
    name: str, *, level: Level, cells: Sequence[Cell], anomalies: Sequence[str] = (), budget: int = 1
) -> Callable[[Test], Test]:
    """Register a property under the name of its law; the first line of its docstring is the law.

    Raises `ValueError` for a duplicate name and for a property without a docstring.
    """

    def register(test: Test) -> Test:
        if not test.__doc__:
            raise ValueError(f"the property {test.__name__} needs a docstring that states its law")
        earlier = LAWS.get(name)
        if earlier is not None and earlier.test.__module__ != test.__module__:
            raise ValueError(f"two properties have the name {name}")
        title = test.__doc__.strip().splitlines()[0]
        LAWS[name] = LawEntry(name, title, level, tuple(anomalies), tuple(cells), test, budget)
        marked: Any = pytest.mark.isolation_law(name)(test)
        decorated: Test = pytest.mark.parametrize("cell", cells, ids=[cell.id for cell in cells])(marked)
        return decorated

    return register


def all_laws() -> dict[str, LawEntry]:
    """Every law; imports every module of properties first."""
    package = importlib.import_module("isolation_tests.properties")
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    return LAWS
