"""Published systems: what each folder's evidence shows, or why it is refused; none is left out in silence."""

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
from isolation_tests.reporting.evidence.reader import read_whole
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
"""The folder of this machine's own runs: they hold reproductions and are never published."""
_TRACES = (f"{EVIDENCE_NAME}*", REPORT_NAME, HISTORY_NAME, STRENGTH_NAME)


@dataclass(frozen=True, slots=True)
class FoundFinding:
    """A finding as a board tells it. known: why it is known; None: it is new. withheld: without its plan."""

    key: str
    anomaly: str
    known: str | None
    seen: int
    tried: int
    withheld: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A system as its folder shows it.

    slug: the folder's name. line: the verdict in one sentence. run: this run as the next will remember it.
    past: earlier ones, oldest first. history_fault, strength_fault: why they can't be believed.
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
        """The day on which the run ended."""
        return self.run.ended[:10]

    @property
    def violated(self) -> tuple[str, ...]:
        """The anomalies that were seen, new and known alike."""
        return tuple(row.id for row in self.rows if row.verdict is Verdict.VIOLATED)


@dataclass(frozen=True, slots=True)
class Refused:
    """A folder whose evidence can't be believed. sentence: why, and what to do."""

    slug: str
    sentence: str


def folders(root: Path) -> list[Path]:
    """The folders of published systems below a folder, by name; this machine's own runs are none."""
    found = {path.parent for trace in _TRACES for path in root.glob(f"*/{trace}")}
    return sorted(path for path in found if path.name != LOCAL and not path.name.startswith("."))


def load(root: Path) -> Iterator[tuple[Published | Refused, Evidence | None]]:
    """Each published system below a folder with its evidence, one after the other; the refused ones too.

    Raises `EvidenceError` where there is none at all.
    """
    there = folders(root)
    if not there:
        raise EvidenceError(
            f"{root} holds no published evidence; give the folder that `isolation-tests sweep` wrote to."
        )
    for folder in there:
        try:
            evidence = read_whole(folder)
            yield _published(folder, evidence), evidence
        except (EvidenceError, OSError) as error:
            yield Refused(folder.name, sentence_of(error, root)), None


def spelled(versions: Mapping[str, str], suite_version: str) -> str:
    """What was tested, by distribution; without any, the suite itself."""
    there = (f"{name} {version}" for name, version in versions.items())
    return ", ".join(there) or f"isolation-tests {suite_version}"


def strength_words(folder: Path, header: Header) -> str:
    """The strength in a few words. Raises `BadStrengthError`."""
    strength = read_strength(folder)
    if strength is None:
        return "not measured"
    if strength.versions != header.target.distributions:
        return "not measured for this version"
    chosen = "" if strength.whole else "chosen "
    asked = "" if strength.profile == header.profile else f" at profile {strength.profile}"
    return f"{strength.caught} of {strength.fitting} {chosen}faults{asked}"


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
    """The whole verdict, in the words of an anomaly's; known: all that is wrong is known."""
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
    """The sentence without the place of the reports on this machine, which is nobody else's business."""
    return str(error).replace(f"{root}/", "").replace(f"{root.resolve()}/", "")
