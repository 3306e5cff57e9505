"""Cleans up after runs: deletes what their users stored, from the journal, or by the scheme of the names."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from isolation_tests.core.errors import TargetProblem, UsageProblem, withheld
from isolation_tests.core.plural import counted
from isolation_tests.engine.identity import run_info
from isolation_tests.execution.journal import RUN_ID, Leased, RunRecord, records
from isolation_tests.execution.reaper import Reaper
from isolation_tests.targets.resolve import Target
from isolation_tests.testdata.display import show

__all__ = [
    "Cleaned",
    "age",
    "clean_record",
    "clean_run",
    "dead_runs",
    "is_quiet",
    "left_behind",
    "reaped",
    "selected",
]

_PATIENCE_SECONDS = 60.0
_WORKERS_SECONDS = 30.0
_POLL_SECONDS = 0.1
_AGE = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a run's users. left: the names that could not be cleaned, to be shown."""

    run_id: str
    cleaned: int
    left: tuple[str, ...]

    def sentence(self) -> str:
        """The outcome in words, with each name that is left."""
        done = f"run {self.run_id}: {counted(self.cleaned, 'test user')} cleaned"
        names = ", ".join(self.left)
        return f"{done}; {len(self.left)} left: {names}" if self.left else f"{done}."


def dead_runs(target: Target) -> list[RunRecord]:
    """The runs of this target on this machine that ended without cleaning up, oldest first.

    A run with other options may have reached another store, so it does not count. Journals of dead runs
    without leftovers are removed.
    """
    own = run_info(target, "")
    found = []
    for record in records():
        info = record.info
        if (info.name, info.place, info.options) != (own.name, own.place, own.options) or record.alive():
            continue
        if record.left():
            found.append(record)
        else:
            record.remove()
    return found


def left_behind(target: Target, spec: str) -> list[str]:
    """One sentence for each dead run that left users on this target, with the command that cleans up.

    spec: the target as the user named it.
    """
    return [_told(record, spec) for record in dead_runs(target)]


def _told(record: RunRecord, spec: str) -> str:
    info = record.info
    users = counted(len(record.left()), "test user")
    command = shlex.join(["isolation-tests", "clean", spec, "--run", info.run_id])
    return f"run {info.run_id} of {info.started[:16]} left {users} on this target; clean up with: {command}"


def is_quiet(record: RunRecord) -> bool:
    """Whether no process but the first of a run lives any more; waits some seconds for those that end."""
    deadline = time.monotonic() + _WORKERS_SECONDS
    while record.alive(first=False):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def age(text: str) -> dt.timedelta:
    """An age such as 30m, 12h or 1d; raises `UsageProblem` for anything else."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise UsageProblem(f"{text!r} is not an age; write minutes, hours or days, such as 30m, 12h or 1d.")
    return dt.timedelta(**{_UNITS[match[2]]: int(match[1])})


def selected(dead: Iterable[RunRecord], *, run_id: str | None, older: dt.timedelta | None) -> list[RunRecord]:
    """The runs with this id, or those that began longer ago than `older`; all of them without either."""
    now = dt.datetime.now(dt.UTC)
    return [
        record
        for record in dead
        if (run_id is None or record.info.run_id == run_id)
        and (older is None or now - record.started > older)
    ]


def clean_record(record: RunRecord, target: Target, more: Iterable[Leased] = ()) -> Cleaned:
    """Delete what a run's journal says is left, and `more`; what can't be deleted stays in the journal.

    Raises a `Problem` if the target can't be opened, or if another process cleans the same run.
    """
    with record.cleaning(patience=_PATIENCE_SECONDS):
        names = [*record.left(), *more]
        left = reaped(record.info.run_id, target, names, record.mark)
    if not left:
        record.remove()
    return Cleaned(record.info.run_id, len(names) - len(left), tuple(map(show, left)))


def clean_run(run_id: str, target: Target, dead: Iterable[RunRecord]) -> Cleaned:
    """Delete what is left of one run: from its journal, and what the target lists under the run's names.

    Raises `UsageProblem` for a text that is not a whole run id, for a run that still goes on here, and if
    neither the journal nor the target knows the run's users.
    """
    if not RUN_ID.fullmatch(run_id):
        raise UsageProblem(f"{run_id!r} is not a run's id; give all of its six letters and digits.")
    if any(record.info.run_id == run_id and record.alive() for record in records()):
        raise UsageProblem(f"Run {run_id} still goes on; stop it first.")
    listed = listed_users(run_id, target)
    found = selected(dead, run_id=run_id, older=None)
    if found:
        known = {repr(each.name) for each in found[0].left()}
        return clean_record(found[0], target, [each for each in listed or () if repr(each.name) not in known])
    if listed is None:
        raise UsageProblem(
            f"There is no journal of run {run_id} on {target.name} here, and the target can't list its "
            "users; run this where the run was started, with the same target and options."
        )
    left = reaped(run_id, target, listed, lambda _: None)
    return Cleaned(run_id, len(listed) - len(left), tuple(map(show, left)))


def listed_users(run_id: str, target: Target) -> list[Leased] | None:
    """The users of one run that the target lists; None if it can't list users. Raises `TargetProblem`.

    A name counts only if it begins with the whole `iso-<run>-` and the eight digits of a user.
    """
    scheme = re.compile(rf"iso-{run_id}-([0-9a-f]{{2}})[0-9a-f]{{6}}")
    session = target.open()
    try:
        names = session.call("users")
    except (AttributeError, NotImplementedError):
        return None
    except Exception as error:  # noqa: BLE001 - told without the text, which may be a stranger's
        raise TargetProblem(f"{target.name} could not list its users: {withheld(error)}.") from None
    finally:
        with contextlib.suppress(Exception):
            session.close()
    found = ((scheme.match(name), name) for name in names if isinstance(name, str))
    return [Leased(int(match[1], 16), name) for match, name in found if match is not None]


def reaped(run_id: str, target: Target, names: list[Leased], done: Callable[[Any], None]) -> list[Any]:
    """Delete what is stored under the names, and tell `done` each; return those that could not be deleted."""
    if not names:
        return []
    consistency = target.config.consistency_seconds
    reaper = Reaper(run_id, target.open, consistency=consistency, disposable=target.disposable)
    return reaper.reap(names, done)
