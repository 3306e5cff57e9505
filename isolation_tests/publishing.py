"""Published reports: every target that can run here, each in a process of its own, into one folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.problems import ExitStatus
from isolation_tests.reporting.board import STRENGTH_NAME
from isolation_tests.reporting.evidence import EVIDENCE_NAME, pack, read
from isolation_tests.reporting.summary import summarise
from isolation_tests.reporting.text import verdict_line
from isolation_tests.targets import READY, listed, resolve

_KEPT = frozenset({"report.html", STRENGTH_NAME})


@dataclass(frozen=True, slots=True)
class Swept:
    """How one target's run ended. sentence: its verdict, or why there is none."""

    target: str
    status: int
    sentence: str


def sweep(
    folder: Path, names: Sequence[str], *, profile: str, tell: Callable[[str], object] = lambda _: None
) -> list[Swept]:
    """Certify targets one after the other, each into `folder/<name>`, and keep what can be published.

    names: targets; without any, all that are ready here. Evidence is compressed, and replay files are left
    out: they belong beside a target once its finding is public. tell: is told the progress. Raises
    `UsageProblem` for a name that is no target.
    """
    chosen = list(names) or [name for name, _, status in listed() if status == READY]
    for name in chosen:
        resolve(name)
    outcomes = []
    for number, name in enumerate(chosen, start=1):
        tell(f"{number} of {len(chosen)}: {name}")
        outcomes.append(_certified(name, folder / name.replace(":", "-").replace("@", "-at-"), profile))
    return outcomes


def _certified(name: str, folder: Path, profile: str) -> Swept:
    own = ["--own-environment"] if resolve(name).config.lacking() else []
    command = [sys.executable, "-m", "isolation_tests", "run", name, "--profile", profile, *own]
    done = subprocess.run(  # noqa: S603
        [*command, "--report", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode in (ExitStatus.USAGE, ExitStatus.INTERNAL) or not (folder / EVIDENCE_NAME).is_file():
        said = [*done.stderr.splitlines(), *done.stdout.splitlines()] or ["nothing"]
        return Swept(name, done.returncode, said[0])
    evidence = read(folder)
    stale = (*evidence.footer.unmatched_known, *evidence.footer.expired_known)
    pack(folder)
    _clear(folder)
    return Swept(name, done.returncode, verdict_line(summarise(evidence.header, evidence.results, stale)))


def _clear(folder: Path) -> None:
    for path in [*folder.glob("findings/*.json"), *folder.glob(".evidence.lock")]:
        path.unlink()
    if (folder / "findings").is_dir():
        (folder / "findings").rmdir()
