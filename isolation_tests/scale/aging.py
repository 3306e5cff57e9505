"""Whether lost facts went by age alone: then the loss is no other user's doing."""

from __future__ import annotations

import time

from isolation_tests.core.errors import TargetProblem
from isolation_tests.engine.lasting.witnesses import LONGEST_CONTROL_SECONDS, gone_by_age, too_old
from isolation_tests.scale.lease_file import Stored, Unit, Work
from isolation_tests.scale.part import Part
from isolation_tests.scale.ranges import Ranges

__all__ = ["blamed_on_age"]

_CONTROL_ATTEMPT = 127
"""An attempt that no range has: the names of the control are its own."""


def blamed_on_age(total: Part, hands: Ranges) -> str:
    """Why losses prove nothing: facts as old go by age, or nobody can know in time; empty if they stay.

    Two users store facts in the store, which is empty by now, wait as long as the youngest lost facts were
    there, and look.
    """
    ages = [loss.age for tried in total.tried.values() for loss in tried.losses]
    if not ages:
        return ""
    age = min(ages)
    if age > LONGEST_CONTROL_SECONDS:
        return f"users {too_old(age)}"
    unit = Unit(-1, Work.RESTORE, _CONTROL_ATTEMPT, 0, 2, witness=False, stored=Stored())
    try:
        stored, _ = hands.work(unit)
        time.sleep(age)
        _, seen = hands.work(Unit(-1, Work.LOOK, _CONTROL_ATTEMPT, 0, 2, witness=False, stored=stored))
    except TargetProblem as error:
        return f"users lost facts, and the run ended before age was ruled out: {error}"
    if len(stored.unsettled) == 2:
        return "users lost facts, and none could be stored to rule out that facts go by age"
    if any(tried.losses for tried in seen.tried.values()):
        return gone_by_age(age)
    return ""
