"""Published systems: what each folder's evidence shows, or why it is refused; none is dropped silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.model import Verdict
from isolation_tests.reporting.board.history import (
    HISTORY_NAME,
    BadHistoryError,
    PastRun,
    past_run,
    read_past,
)
from isolation_tests.reporting.evidence.errors import EvidenceError
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, REPORT_NAME, Evidence, Header
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.strength import (
    STRENGTH_NAME,
    BadStrengthError,
    read_strength,
    strength_lines,
)
from isolation_tests.reporting.evidence.summary import AnomalyRow, Summary, summary_of
from isolation_tests.reporting.narrative.wording import row_verdict, verdict_line

__all__ = [
    "FoundFinding",
    "Published",
    "Refused",
    "folders",
    "load",
    "sentence_of",
    "spelled",
    "strength_words",
    "word_of",
]

LOCAL = "local"
"""The folder of local runs, which hold reproductions and are never published."""
_TRACES = (f"{EVIDENCE_NAME}*", REPORT_NAME, HISTORY_NAME, STRENGTH_NAME)


@dataclass(frozen=True, slots=True)
class FoundFinding:
    """A finding on the board. known: why it is known; None: new. withheld: its plan is not published."""

    key: str
    anomaly: str
    known: str | None
    seen: int
    tried: int
    withheld: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A published system.

    slug: the folder's name. line: the verdict in one sentence. run: the record of this run. past: earlier
    runs, oldest first. history_fault, strength_fault: why the file is refused.
    """

    slug: str
    header: Header
    verdict: Verdict
    word: str
    level: str
    line: str
    rows: tuple[AnomalyRow, ...]
    findings: tuple[FoundFinding, ...]
    run: PastRun
    strength: str
    strength_lines: tuple[str, ...] = ()
    strength_fault: str = ""
    past: tuple[PastRun, ...] = ()
    history_fault: str = ""

    @property
    def date(self) -> str:
        """The date on which the run ended."""
        return self.run.ended[:10]

    @property
    def violated(self) -> tuple[str, ...]:
        """The violated anomalies, new and known."""
        return tuple(row.id for row in self.rows if row.verdict is Verdict.VIOLATED)


@dataclass(frozen=True, slots=True)
class Refused:
    """A folder whose evidence is refused. sentence: why, and what to do."""

    slug: str
    sentence: str


def folders(root: Path) -> list[Path]:
    """The folders of published systems in a folder, by name; local runs are skipped."""
    found = {path.parent for trace in _TRACES for path in root.glob(f"*/{trace}")}
    return sorted(path for path in found if path.name != LOCAL and not path.name.startswith("."))


def load(root: Path) -> Iterator[tuple[Published | Refused, Evidence | None]]:
    """Each published system in a folder with its evidence, refused ones included.

    Raises `EvidenceError` if there is none.
    """
    there = folders(root)
    if not there:
        raise EvidenceError(
            f"{root} contains no published evidence; give the folder that `isolation-tests sweep` wrote."
        )
    for folder in there:
        try:
            evidence = read(folder)
            yield _published(folder, evidence), evidence
        except (EvidenceError, OSError) as error:
            yield Refused(folder.name, sentence_of(error, root)), None


def spelled(versions: Mapping[str, str], suite_version: str) -> str:
    """The tested versions; without distributions, the version of the suite itself."""
    there = (f"{name} {version}" for name, version in versions.items())
    return ", ".join(there) or f"isolation-tests {suite_version}"


def strength_words(folder: Path, header: Header) -> str:
    """The strength in a few words. Raises `BadStrengthError`."""
    strength = read_strength(folder)
    if strength is None:
        return "not measured"
    if strength.versions != header.target.distributions:
        return "not measured for this version"
    selected = "" if strength.whole else "selected "
    profile = "" if strength.profile == header.profile else f" with profile {strength.profile}"
    return f"{strength.caught} of {strength.fitting} {selected}faults{profile}"


def _published(folder: Path, evidence: Evidence) -> Published:
    header, summary = evidence.header, summary_of(evidence)
    strength, lines, strength_fault = _strength(folder, header)
    past, history_fault = _past(folder)
    run = past_run(evidence, summary)
    return Published(
        slug=folder.name,
        header=header.model_copy(update={"expected": ()}),
        verdict=summary.verdict,
        word=word_of(run),
        level=summary.level.value if summary.level else "none",
        line=verdict_line(summary),
        rows=summary.rows,
        findings=_findings(summary),
        run=run,
        strength=strength,
        strength_lines=lines,
        strength_fault=strength_fault,
        past=tuple(earlier for earlier in past if earlier.digest != run.digest),
        history_fault=history_fault,
    )


def word_of(run: PastRun) -> str:
    """The run's verdict in the words of an anomaly's verdict."""
    return row_verdict(AnomalyRow("", "", run.verdict, 0, 0, 0, int(not run.known_only), int(run.known_only)))


def _findings(summary: Summary) -> tuple[FoundFinding, ...]:
    order = {name: place for place, name in enumerate(CATALOGUE)}
    found = (
        FoundFinding(
            key=case.finding.key,
            anomaly=case.finding.anomaly,
            known=case.known,
            seen=case.seen,
            tried=case.tried,
            withheld=case.withheld,
        )
        for case in summary.cases
    )
    return tuple(sorted(found, key=lambda each: (order.get(each.anomaly, len(order)), each.key)))


def _strength(folder: Path, header: Header) -> tuple[str, tuple[str, ...], str]:
    try:
        words, strength = strength_words(folder, header), read_strength(folder)
    except BadStrengthError as error:
        return "refused", (), sentence_of(error, folder.parent)
    fits = strength is not None and strength.versions == header.target.distributions
    return words, tuple(strength_lines(strength)) if strength and fits else (), ""


def _past(folder: Path) -> tuple[tuple[PastRun, ...], str]:
    try:
        return read_past(folder), ""
    except BadHistoryError as error:
        return (), sentence_of(error, folder.parent)


def sentence_of(error: Exception, root: Path) -> str:
    """The error's sentence without local paths, which must not be published."""
    return str(error).replace(f"{root}/", "").replace(f"{root.resolve()}/", "")
