"""Volume: thousands of memories that stand at once, beside a few that were stored before them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from isolation_tests.model import FactSpec, Operation, Plan, Step, UserIndex
from isolation_tests.plans.cells import BULK, REOPEN, Cell, Material, add, list_all, ordinary, search, settle
from isolation_tests.plans.crowds.witnesses import FIRST, NEWCOMER, OWNERS, SECOND, look

EACH = BULK - 10
"""How many of them one user stores: fewer than other plans have, so that no limit for one user is met."""
_LONGEST_PART_SECONDS = 50.0
_RISES = (1 / 4, 1 / 2, 1)
"""The parts of the whole after which everybody looks."""
_WITNESSES = NEWCOMER + 1


def volume_plan(material: Material) -> Plan:
    """Two users store facts, and they and a newcomer look on every surface; again after each step of a bulk.

    The bulk is of more users, of whom the first and the latest look too. Where the target can be opened
    again, everybody looks once more after that.
    """
    left = max(1, material.volume)
    crowd = math.ceil(left / EACH)
    rises = sorted({math.ceil(part * crowd) for part in _RISES})
    owners = (*OWNERS, *range(_WITNESSES, _WITNESSES + crowd))
    facts = tuple(FactSpec(text=material.people.fact(), owners=(UserIndex(owner),)) for owner in owners)
    looking = look(material)
    within = material.volume_seconds or None
    steps: list[Step] = [
        *(add(owner, fact) for fact, owner in enumerate(OWNERS)),
        settle(FIRST, 0),
        settle(SECOND, len(OWNERS) - 1),
        *looking,
    ]
    for before, after in pairwise((0, *rises)):
        for number in range(before, after):
            some, left = min(EACH, left), left - EACH
            fact = len(OWNERS) + number
            steps.append(add(owners[fact], fact, times=some, within=within))
        looked = [*looking, *_of_the_bulk(material, owners, sorted({0, after - 1}))]
        steps += looked
        if after == crowd and REOPEN in material.capabilities:
            steps += [Step(op=Operation.REOPEN, user=UserIndex(FIRST)), *looked]
    return Plan(
        name="volume",
        anomaly="D1",
        users=tuple(ordinary(user) for user in range(_WITNESSES + crowd)),
        facts=facts,
        steps=tuple(steps),
    )


def _of_the_bulk(material: Material, owners: Sequence[int], numbers: Sequence[int]) -> list[Step]:
    """What these users of the bulk look at."""
    steps: list[Step] = []
    for fact in (len(OWNERS) + number for number in numbers):
        user = owners[fact]
        steps += [settle(user), list_all(user, anomaly="D1"), search(user, fact, anomaly="S4")]
        if "count" in material.capabilities:
            steps.append(Step(op=Operation.COUNT, user=UserIndex(user)))
    return steps


def before_bulk(plan: Plan) -> int:
    """How many steps of a plan come before the first that stores many memories."""
    return next((n for n, step in enumerate(plan.steps) if step.times is not None), len(plan.steps))


def without_bulk(plan: Plan, *, wait: float = 0.0) -> Plan:
    """The plan up to its bulk; with a wait of so many seconds, its first look comes once more after that."""
    first = before_bulk(plan)
    steps = plan.steps[:first]
    if wait:
        looks = tuple(step for step in steps if step.op not in (Operation.ADD, Operation.SETTLE))
        parts = math.ceil(wait / _LONGEST_PART_SECONDS)
        pause = settle(NEWCOMER, pause=wait / parts)
        steps = (*steps, *(pause for _ in range(parts)), *looks)
    return plan.model_copy(update={"steps": steps})


VOLUME_CELLS = [Cell("D1-volume", "D1", volume_plan, quick=False, also=("S1", "S4", "completeness"))]
