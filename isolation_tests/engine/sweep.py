"""Publishes reports: tests every target that can run here, each in its own process, into one folder."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.core import packaged
from isolation_tests.core.errors import SPEAKER, ExitStatus, sentence
from isolation_tests.model import Finding
from isolation_tests.reporting.board.history import HISTORY_NAME, past_run, remember
from isolation_tests.reporting.board.withholding import rewrite, withhold
from isolation_tests.reporting.evidence.errors import EvidenceError
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, REPORT_NAME
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.evidence.writer import pack
from isolation_tests.reporting.html.page import write_html
from isolation_tests.reporting.narrative.wording import verdict_line
from isolation_tests.targets.known import Known
from isolation_tests.targets.resolve import READY, listed, resolve
from isolation_tests.targets.shipped import SCOPED

__all__ = ["Swept", "sweep"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Swept:
    """The outcome of one target's run. sentence: its verdict, or why there is none."""

    target: str
    status: int
    sentence: str


def sweep(
    folder: Path,
    names: Sequence[str],
    *,
    profile: str,
    certify: Callable[[Path], object] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> list[Swept]:
    """Test targets one by one, each into `folder/<name>`, and publish the results.

    names: targets; by default, all that are ready here. The evidence is compressed and has no replay files
    and no proof of findings without a public reference. If a run fails, the earlier publication stays.
    certify: issues a certificate for a folder, or refuses to. tell: receives the progress. Raises
    `UsageProblem` for an unknown target.
    """
    chosen = list(names) or [name for name, _, status in listed() if status == READY]
    places = {name: folder / _folder_name(resolve(name).name) for name in chosen}
    outcomes = []
    for number, (name, place) in enumerate(places.items(), start=1):
        tell(f"{number} of {len(places)}: {name}")
        outcomes.append(_swept(name, place, profile, certify))
    return outcomes


def _folder_name(target: str) -> str:
    return _UNSAFE.sub("-", target.replace("@", "-at-")).lstrip(".")


def _swept(name: str, place: Path, profile: str, certify: Callable[[Path], object] | None) -> Swept:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as made:
        run = Path(made)
        status, said = _run(name, run, profile)
        if status in (ExitStatus.USAGE, ExitStatus.INTERNAL) or not (run / EVIDENCE_NAME).is_file():
            return Swept(name, status, _kept(place, said))
        try:
            verdict = _published(name, run, place)
        except (EvidenceError, OSError) as error:
            return Swept(name, int(ExitStatus.INTERNAL), _kept(place, sentence(error)))
    return Swept(name, status, verdict + (_certified(place, certify) if certify else ""))


def _certified(place: Path, certify: Callable[[Path], object]) -> str:
    try:
        certify(place)
    except EvidenceError as error:
        return f" No certificate: {error}"
    return " Certified."


def _run(name: str, folder: Path, profile: str) -> tuple[int, str]:
    """Test a target in a separate process; return the exit status and the suite's message or first line."""
    own = ["--own-environment"] if resolve(name).config.lacking() else []
    command = [sys.executable, "-m", "isolation_tests", "run", name, "--profile", profile, *own]
    done = subprocess.run(  # noqa: S603
        [*command, "--report", str(folder)], capture_output=True, text=True, check=False
    )
    said = [*done.stderr.splitlines(), *done.stdout.splitlines(), "It printed nothing."]
    # Warnings from libraries, pip or the interpreter may come first.
    return done.returncode, next((line for line in said if line.startswith(SPEAKER)), said[0])


def _kept(place: Path, said: str) -> str:
    """Why nothing new was published, and what stays published."""
    try:
        return f"{said} The verdict of {read(place).footer.ended[:10]} stays published."
    except (EvidenceError, OSError):
        return f"{said} Nothing is published."


def _published(name: str, run: Path, place: Path) -> str:
    """Prepare a run's publication in its folder, then replace the earlier publication."""
    evidence = read(run)
    public = withhold(evidence, _public(name))
    if public.header.withheld:
        rewrite(run, public)
    _take_over(place, run)
    write_html(read(run), run / REPORT_NAME)
    pack(run)
    place.mkdir(parents=True, exist_ok=True)
    for path in (*place.glob("certificate*"), *place.glob("findings/*.json"), place / EVIDENCE_NAME):
        path.unlink(missing_ok=True)
    for path in (run / HISTORY_NAME, run / f"{EVIDENCE_NAME}.gz", run / REPORT_NAME):
        if path.exists():
            path.replace(place / path.name)
    summary = summary_of(public)
    withheld = sum(case.withheld for case in summary.cases)
    return verdict_line(summary) + (f" The proof of {withheld} of them is withheld." if withheld else "")


def _take_over(place: Path, run: Path) -> None:
    """Record the run that is about to be replaced, and keep the strength for the new page."""
    for name in (HISTORY_NAME, STRENGTH_NAME):
        if (place / name).is_file():
            shutil.copyfile(place / name, run / name)
    try:
        earlier = read(place)
    except EvidenceError:
        return
    remember(run, past_run(earlier, summary_of(earlier)))


def _public(name: str) -> Callable[[Finding], bool]:
    """Decides whether the proof of a finding may be published: it has a reference or is public already."""
    target = resolve(name)
    entries = [*target.config.known, *resolve(name.removeprefix(SCOPED)).config.known]
    shown = [path.stem for path in packaged.folder("replays").glob(f"{_folder_name(target.name)}/*.json")]

    def public(finding: Finding) -> bool:
        # For whoever fixes it, an anomaly of one operation is a single finding, whatever the relation.
        alike = f"{finding.anomaly}-{finding.operation}-"
        return any(_names(entry, finding) for entry in entries) or any(key.startswith(alike) for key in shown)

    return public


def _names(entry: Known, finding: Finding) -> bool:
    return bool(entry.reference or entry.replay) and fnmatch.fnmatchcase(finding.key, entry.finding)
