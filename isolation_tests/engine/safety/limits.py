"""The limits of a run: its ledger, each process's meter, and how many processes have room."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from isolation_tests.execution.ledger import Account, Ledger
from isolation_tests.execution.meter import Meter
from isolation_tests.model import Budget, Plan
from isolation_tests.reporting.evidence.evidence import Cost
from isolation_tests.targets.budget import budget_of
from isolation_tests.targets.resolve import Target
from isolation_tests.targets.settings import Settings

__all__ = ["Limits", "cost_of", "joined", "limited", "narrowed", "workers_within"]

MOST_LANES = 8
"""The most calls at once that one plan makes."""


class Limits:
    """The ledger of a run, in a temporary folder, which the process that began the run removes."""

    def __init__(self, budget: Budget, began: float) -> None:
        self.budget = budget
        self._folder = tempfile.TemporaryDirectory(prefix="isolation-tests-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name) / "ledger.sqlite"
        self._ledger = Ledger(self.path)
        self.meter = Meter(self._ledger, budget, began=began, room=budget.concurrency)

    def account(self) -> Account:
        """What the run has cost so far."""
        return self._ledger.read()

    def close(self) -> None:
        """Remove the ledger; the run must be over."""
        self._ledger.close()
        self._folder.cleanup()


@contextmanager
def limited(target: Target, settings: Settings, began: float) -> Iterator[Target]:
    """The target with the budget that the settings, its file or the defaults give to a run of one process."""
    limits = Limits(budget_of(target.config, settings.limits()), began)
    try:
        yield replace(target, meter=limits.meter)
    finally:
        limits.close()


def joined(target: Target, path: Path, budget: Budget, *, began: float, workers: int) -> Target:
    """The target, for one of several processes that share a run's ledger and its budget."""
    room = None if budget.concurrency is None else max(1, budget.concurrency // max(1, workers))
    return replace(target, meter=Meter(Ledger(path), budget, began=began, room=room))


def cost_of(account: Account, *, left: int) -> Cost:
    """A ledger's account for the evidence. left: users whose memories could not be deleted."""
    return Cost(
        calls=account.calls,
        requests=account.requests,
        bytes=account.bytes,
        users=account.users,
        left=left,
        slowest=round(account.slowest, 3),
        ended=account.ended,
    )


def workers_within(budget: Budget, wanted: int) -> int:
    """How many of the wanted processes may run, so that each can make overlapping calls."""
    if budget.concurrency is None:
        return wanted
    return max(1, min(wanted, budget.concurrency // MOST_LANES))


def narrowed(plan: Plan, meter: Meter) -> str | None:
    """Why the plan's calls could not overlap within the budget; None if they can."""
    lanes = {step.lane for step in plan.steps if step.lane is not None}
    if meter.room is None or len(lanes) <= meter.room:
        return None
    return (
        f"it needs {len(lanes)} calls at once, and the budget leaves {meter.room}; raise it with --budget "
        f"concurrency={MOST_LANES} or more"
    )
