"""Performs a recorded finding again, against the target it was found in or another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isolation_tests import judges
from isolation_tests.campaign import new_key
from isolation_tests.checks import Certifier
from isolation_tests.problems import ExitStatus
from isolation_tests.profiles import PROFILES
from isolation_tests.reporting.replays import Replay, read_replay
from isolation_tests.settings import Settings
from isolation_tests.targets import resolve


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay, in words, with its exit status."""

    text: str
    status: int


def replayed(file: Path, settings: Settings, *, times: int) -> Replayed:
    """Perform the recorded plan until its finding shows, at most `times` times.

    Raises `EvidenceError` for a file that is no replay file, `Problem` for a target that can't be opened.
    """
    record = read_replay(file)
    target = resolve(settings.target or record.target, options=settings.option_map(), known="none")
    certifier = Certifier(
        target, PROFILES["quick"], new_key(settings.seed_number()), probed={}
    )
    try:
        return _performed(record, certifier, target.name, times)
    finally:
        certifier.close()


def _performed(record: Replay, certifier: Certifier, name: str, times: int) -> Replayed:
    key = record.finding.key
    blocked = certifier.blocked(record.plan)
    if blocked:
        return Replayed(f"error: {key} can't be replayed on {name}: {blocked}", int(ExitStatus.INCONCLUSIVE))
    for attempt in range(1, times + 1):
        judged = judges.judge(certifier.perform(record.plan))
        for finding in judged.findings:
            if finding.key == key:
                text = f"reproduced: {key} on {name}, at try {attempt} of {times}: {finding.story}"
                return Replayed(text, int(ExitStatus.VIOLATED))
        if judged.errors or judged.doubts:
            problem = (*judged.errors, *judged.doubts)[0]
            return Replayed(f"error: {key} on {name}: {problem}", int(ExitStatus.INCONCLUSIVE))
    return Replayed(f"not reproduced: {key} on {name} in {times} tries", int(ExitStatus.HELD))
