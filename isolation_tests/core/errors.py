"""Errors that a user can fix, each with one sentence and an exit status."""

from __future__ import annotations

from enum import IntEnum

from isolation_tests.core.masking import masked_text

SPEAKER = "isolation-tests: "
"""The prefix of every message that the suite writes to standard error."""


class ExitStatus(IntEnum):
    """The exit status of every command, and of every pytest run that tests a target."""

    HELD = 0
    VIOLATED = 1
    INCONCLUSIVE = 2
    USAGE = 3
    INTERNAL = 4


class Problem(Exception):  # noqa: N818 - the user reads it as a sentence, not as a crash
    """One clear sentence that says what is wrong and what to do next."""

    status = ExitStatus.USAGE


class UsageProblem(Problem):
    """The request is wrong: an unknown name, a bad option, an unreadable file."""


class TargetProblem(Problem):
    """The target is at fault: it can't be opened or reached, or it breaks the adapter contract."""

    status = ExitStatus.INCONCLUSIVE


def sentence(error: BaseException) -> str:
    """An exception as text for people: the suite's own message as it is, any other with its type."""
    own = type(error).__module__.startswith("isolation_tests.")
    text = masked_text(str(error))
    return text if own else f"{type(error).__name__}: {text}" if text else type(error).__name__
