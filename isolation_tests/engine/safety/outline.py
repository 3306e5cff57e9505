"""One line on what a run is about to send, counted from its plans before any of them is performed."""

from __future__ import annotations

from dataclasses import dataclass, field

from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.search.order import asked
from isolation_tests.model import WRITING, Operation, Plan
from isolation_tests.testdata.relations import reaches_only_itself

__all__ = ["outline"]

_RUNS_OF_A_COMPARISON = 4
_DRAWN_CALLS, _DRAWN_USERS = 60, 4
"""About as many calls and users as a drawn plan has."""


@dataclass
class _Outline:
    calls: int = 0
    users: int = 0
    volume: int = 0
    hostile: set[bool] = field(default_factory=set)

    def take(self, plan: Plan) -> None:
        times = 1 if plan.viewer is None else _RUNS_OF_A_COMPARISON
        writers = {step.user for step in plan.steps if step.op in WRITING}
        # A wait lists, and searches too where it waits for one fact.
        waits = sum(step.op is Operation.SETTLE and step.fact is not None for step in plan.steps)
        many = sum(step.times - 1 for step in plan.steps if step.times is not None)
        self.volume = max(self.volume, many)
        self.calls += times * (len(plan.steps) + many + waits + len(writers))
        self.users += times * len(writers)
        self.hostile |= {
            step.op in WRITING for step in plan.steps if not reaches_only_itself(plan.users[step.user])
        }


def outline(examiner: Examiner) -> str:
    """How many calls and users a run will have, and what hostile names will do, as one phrase."""
    found = _Outline()
    for entry, cell in asked(examiner.profile, examiner.claimed):
        if not {*cell.needs} <= examiner.capabilities:
            continue
        try:
            plan = cell.build(examiner.material(entry.check_id(cell)))
        except NotImplementedError:
            share = max(1, examiner.profile.examples // len(entry.cells))
            found.calls, found.users = (
                found.calls + share * _DRAWN_CALLS,
                found.users + share * _DRAWN_USERS,
            )
            continue
        if not examiner.blocked(plan):
            found.take(plan)
    deeds = "read, write and delete" if True in found.hostile else "only read"
    at_once = f"; at most {_rounded(found.volume):,} memories stand at once" if found.volume else ""
    return (
        f"about {_rounded(found.calls):,} calls as {_rounded(found.users):,} users, which are deleted again"
        f"{at_once}; hostile names {deeds if found.hostile else 'are not used'}"
    )


def _rounded(number: int) -> int:
    """A number without a precision that it does not have."""
    return number if number < 100 else round(number, 1 - len(str(number)) + 1)
