"""Seeded faults: known ways to break isolation, planted on purpose in front of an adapter."""

from __future__ import annotations

import difflib
from typing import Any

from isolation_tests.faults.lifetime import (
    caches,
    concurrency,
    crowds,
    deletes,
    derived,
    indexes,
    leftovers,
    queues,
    reuse,
)
from isolation_tests.faults.scope import (
    axes,
    filters,
    forms,
    injection,
    keys,
    legs,
    names,
    patterns,
    unscoped,
)
from isolation_tests.faults.support.base import Fault
from isolation_tests.faults.support.places import of_users
from isolation_tests.faults.surfaces import (
    arguments,
    by_id,
    completeness,
    side_channels,
    side_doors,
    starvation,
    values,
    views,
)

__all__ = ["ALL_FAULTS", "FAULTS", "Fault", "UnknownFaultError", "plant"]

ALL_FAULTS: tuple[Fault, ...] = (
    *unscoped.FAULTS,
    *axes.FAULTS,
    *legs.FAULTS,
    *filters.FAULTS,
    *injection.FAULTS,
    *patterns.FAULTS,
    *names.FAULTS,
    *forms.FAULTS,
    *by_id.FAULTS,
    *keys.FAULTS,
    *deletes.FAULTS,
    *derived.FAULTS,
    *side_channels.FAULTS,
    *side_doors.FAULTS,
    *completeness.FAULTS,
    *starvation.FAULTS,
    *caches.FAULTS,
    *leftovers.FAULTS,
    *reuse.FAULTS,
    *values.FAULTS,
    *arguments.FAULTS,
    *indexes.FAULTS,
    *queues.FAULTS,
    *crowds.FAULTS,
    *concurrency.FAULTS,
    *views.FAULTS,
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in ALL_FAULTS}


class UnknownFaultError(KeyError):
    """There is no seeded fault of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.near = difflib.get_close_matches(name, FAULTS, n=3, cutoff=0.4)

    def __str__(self) -> str:
        """One sentence with the most similar names; a KeyError would show only its argument."""
        near = f"did you mean {' or '.join(self.near)}?" if self.near else f"choose from {', '.join(FAULTS)}."
        return f"There is no seeded fault {self.args[0]!r}; {near}"


def plant(name: str, adapter: Any) -> Any:
    """Put a fault in front of an adapter and return the broken adapter, sync or async as the inner one.

    Raises `UnknownFaultError` for a name that is not in `FAULTS`.
    """
    if name not in FAULTS:
        raise UnknownFaultError(name)
    fault = FAULTS[name]
    return fault.plant(adapter) if fault in axes.FAULTS else of_users(fault.plant)(adapter)
