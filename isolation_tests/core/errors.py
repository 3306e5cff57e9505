"""What can go wrong before anything is judged: one sentence each, and the exit status it leads to."""

from __future__ import annotations

from enum import IntEnum

from isolation_tests.core.masking import masked_text

SPEAKER = "isolation-tests: "
"""What stands before each sentence of the suite's own on standard error."""


class ExitStatus(IntEnum):
    """The exit status of every command and of every certifying pytest run."""

    HELD = 0
    VIOLATED = 1
    INCONCLUSIVE = 2
    USAGE = 3
    INTERNAL = 4


class Problem(Exception):  # noqa: N818 - the user reads it as a sentence, not as a crash
    """One clear sentence that says what is wrong and what to do next."""

    status = ExitStatus.USAGE


class UsageProblem(Problem):
    """The request can't be carried out as it was written."""


class TargetProblem(Problem):
    """The target is at fault: it can't be opened, reached or called as the contract says."""

    status = ExitStatus.INCONCLUSIVE


def sentence(error: BaseException) -> str:
    """What was raised, for people: the suite's own sentences as they are, anything else with its kind."""
    own = type(error).__module__.startswith("isolation_tests.")
    text = masked_text(str(error))
    return text if own else f"{type(error).__name__}: {text}" if text else type(error).__name__
