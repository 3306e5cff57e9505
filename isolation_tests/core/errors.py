"""Errors that a user can fix, each with one sentence and an exit status."""

from __future__ import annotations

import hashlib
import traceback
from enum import IntEnum

from isolation_tests.core.inert import plain
from isolation_tests.core.masking import masked_text

SPEAKER = "isolation-tests: "
"""The prefix of every message that the suite writes to standard error."""


class ExitStatus(IntEnum):
    """The exit status of every command, and of every pytest run that tests a target."""

    HELD = 0
    """Held, or violated by known findings only."""

    VIOLATED = 1
    """Violated by findings that are not listed as known.

    With `--fail-on hazard`, also for a hazard that the target does not declare.
    """

    INCONCLUSIVE = 2
    """Inconclusive or incomplete.

    Checks were skipped, not run or in error, or a known finding is out of date.
    """

    USAGE = 3
    """Usage: an unknown target or option, or a file that can't be read."""

    INTERNAL = 4
    """A bug in this suite."""


class Problem(Exception):  # noqa: N818 - the user reads it as a sentence, not as a crash
    """One clear sentence that says what is wrong and what to do next."""

    status = ExitStatus.USAGE


class UsageProblem(Problem):
    """The request is wrong: an unknown name, a bad option, an unreadable file."""


class TargetProblem(Problem):
    """The target is at fault: it can't be opened or reached, or it breaks the adapter contract."""

    status = ExitStatus.INCONCLUSIVE


def withheld(error: BaseException) -> str:
    """An exception by its class, and by the length and the digest of its text."""
    return f"{type(error).__name__} {withheld_text(spoken(error))}"


def withheld_text(text: str) -> str:
    """A note in place of a text that may be somebody else's: its length and its digest."""
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    return f"[text withheld, {len(text)} characters, digest {digest}]"


def spoken(error: BaseException) -> str:
    """What an exception says; empty if it can't say it."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a message that can't be made says nothing
        return ""


def traced(error: BaseException) -> str:
    """An exception with its traceback, without credentials and without what could steer a terminal."""
    return plain(masked_text("".join(traceback.format_exception(error))))


def sentence(error: BaseException) -> str:
    """An exception as text for people: the suite's own message as it is, any other with its type."""
    own = type(error).__module__.startswith("isolation_tests.")
    text = masked_text(str(error))
    return text if own else f"{type(error).__name__}: {text}" if text else type(error).__name__
