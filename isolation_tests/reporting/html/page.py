"""One self-contained HTML page from a run's evidence: no network, no scripts, light and dark, printable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from isolation_tests.catalogue import CATALOGUE, Anomaly
from isolation_tests.causes.clusters import Cause
from isolation_tests.core.inert import inert
from isolation_tests.model import Case, Operation, Verdict
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, Evidence, Header
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.grid import grid
from isolation_tests.reporting.evidence.strength import BadStrengthError, Strength, grouped, read_strength
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.html.environment import environment
from isolation_tests.reporting.html.latency_chart import chart, latencies
from isolation_tests.reporting.html.name_diff import Sides, alone, side_by_side
from isolation_tests.reporting.html.sequence_diagram import Diagram, Shown, diagram, parties, shown_by
from isolation_tests.reporting.html.timeline import Timeline, timeline
from isolation_tests.reporting.html.who_saw_whom import who_saw_whom
from isolation_tests.reporting.narrative.causes import headline, support
from isolation_tests.reporting.narrative.commands import calibrating, installing, rerun, showing_again
from isolation_tests.reporting.narrative.controls import exercised
from isolation_tests.reporting.narrative.coverage import coverage_line, coverage_rows
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.reporting.narrative.sections import (
    level_meaning,
    meaning,
    statistics_of,
    tested,
    untested,
)
from isolation_tests.reporting.narrative.wording import (
    RUN_NOT_HELD,
    law_of,
    row_verdict,
    verdict_line,
)
from isolation_tests.testdata.display import difference

__all__ = ["Beside", "beside", "render_html", "write_html"]

_MOST_OPEN = 3
_LONGEST = 20_000
_LONGEST_CODE = 8_000


@dataclass(frozen=True, slots=True)
class Beside:
    """The measured strength beside the evidence, or why an existing one can't be shown."""

    strength: Strength | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Finding:
    """A finding as the page shows it."""

    number: int
    case: Case
    story: str
    names: Sides
    relation: str
    diagram: Diagram
    shown: tuple[Shown, ...]
    timeline: Timeline | None
    reproduction: str
    replay: str


@dataclass(frozen=True, slots=True)
class _Group:
    """The findings of one anomaly. law: the judge's name for it if the catalogue does not know it."""

    anomaly: str
    entry: Anomaly | None
    law: str
    findings: tuple[_Finding, ...]

    @property
    def known(self) -> int:
        """The number of findings that are listed as known."""
        return sum(finding.case.known is not None for finding in self.findings)


def write_html(evidence: Evidence, path: Path | str) -> Path:
    """Write the page atomically; return its path. Raises `NotWritable` if it can't be written.

    The page includes the strength in the same folder. The same evidence and strength always give the same
    page, so that a certificate can hold its digest.
    """
    path = Path(path)
    page = render_html(evidence, beside(path.parent))
    return write_whole(path, page.encode("utf-8", "backslashreplace"))


def beside(folder: Path) -> Beside:
    """The measured strength in a run's folder; an invalid strength file becomes a doubt."""
    try:
        return Beside(read_strength(folder))
    except BadStrengthError as error:
        return Beside(doubt=str(error))


def render_html(evidence: Evidence, found: Beside | None = None) -> str:
    """The page as text. Text from a target is cut, made inert and escaped."""
    footer = evidence.footer
    found = found or Beside()
    summary = summary_of(evidence)
    groups = _groups(summary.cases, evidence.header)
    numbers = {finding.case.finding.key: finding.number for group in groups for finding in group.findings}
    cells, covered = grid(evidence.results), summary.coverage
    rows = latencies(evidence.results)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            header=evidence.header,
            footer=footer,
            summary=summary,
            headline=verdict_line(summary),
            meaning=meaning(summary),
            level_meaning=level_meaning(summary),
            tested=tested(evidence),
            untested=untested(evidence, summary),
            run_not_held=RUN_NOT_HELD,
            grid=cells,
            operations=[op for op in Operation if any(op in row for row in cells.values())],
            matrix=who_saw_whom(evidence.results, numbers),
            groups=groups,
            causes=[_told(cause, numbers) for cause in summary.causes],
            open_all=len(summary.cases) <= _MOST_OPEN,
            strength=found.strength,
            spots=grouped,
            doubt=found.doubt,
            coverage=[] if covered is None else coverage_rows(covered),
            coverage_line="" if covered is None else coverage_line(covered),
            statistics=statistics_of(evidence.results, summary),
            latencies=rows,
            chart=chart(rows) if rows else None,
            controls=exercised(evidence.header, evidence.results),
            install=installing(evidence.header),
            rerun=rerun(evidence.header),
            calibrate=calibrating(evidence.header),
            digests=[(name, digest) for name, digest in _digests(evidence) if digest],
        )
    )


def _told(cause: Cause, numbers: Mapping[str, int]) -> dict[str, object]:
    """A cause as the page shows it: in words, with the number of the finding that proves it."""
    return {
        "headline": headline(cause),
        "shown_by": support(cause),
        "known": cause.known,
        "proof": numbers[cause.case.finding.key],
    }


def _digests(evidence: Evidence) -> Iterator[tuple[str, str]]:
    target = evidence.header.target
    yield EVIDENCE_NAME, evidence.sha256
    yield f"{EVIDENCE_NAME} without its last line", evidence.footer.digest
    yield "the target's file", target.file
    yield "the file that isolation-tests ships under this name", target.packaged


@cache
def _environment() -> Environment:
    templates = environment()
    templates.filters["row_verdict"] = row_verdict
    templates.filters["words"] = _words
    templates.filters["address"] = _address
    templates.filters["code"] = _code
    return templates


def _groups(cases: Sequence[Case], header: Header) -> list[_Group]:
    """Findings by anomaly in the catalogue's order, new before known, numbered throughout."""
    order = {name: place for place, name in enumerate(CATALOGUE)}
    by_anomaly: dict[str, list[Case]] = {}
    for case in cases:
        by_anomaly.setdefault(case.finding.anomaly, []).append(case)
    groups, number = [], 0
    for name in sorted(by_anomaly, key=lambda name: (order.get(name, len(order)), name)):
        members = sorted(by_anomaly[name], key=lambda case: case.known is not None)
        findings = tuple(_finding(n, case, header) for n, case in enumerate(members, start=number + 1))
        number += len(findings)
        groups.append(_Group(name, CATALOGUE.get(name), law_of(members[0]), findings))
    return groups


def _finding(number: int, original: Case, header: Header) -> _Finding:
    case = _modest(original)
    pair = [case.history.users[user].name for user in parties(case)]
    return _Finding(
        number=number,
        case=case,
        story=story(case),
        names=side_by_side(*pair) if len(pair) == 2 else alone(*pair) if pair else Sides((), (), ()),
        relation=difference(*pair) if len(pair) == 2 else "",
        diagram=diagram(case),
        shown=shown_by(case),
        timeline=timeline(case),
        reproduction=reproduction(case),
        replay=showing_again(original, header),
    )


def _modest(case: Case) -> Case:
    """The case with overlong names and texts cut."""
    plan = case.history.plan
    users = tuple(
        user.model_copy(update={"name": _cut(user.name)}) if isinstance(user.name, str) else user
        for user in case.history.users
    )
    facts = tuple(fact.model_copy(update={"text": _cut(fact.text)}) for fact in plan.facts)
    steps = tuple(step.model_copy(update={"query": step.query and _cut(step.query)}) for step in plan.steps)
    short = plan.model_copy(update={"facts": facts, "steps": steps})
    history = case.history.model_copy(update={"plan": short, "users": users})
    return case.model_copy(update={"history": history})


def _cut(text: str) -> str:
    left_out = len(text) - _LONGEST
    return text if left_out <= 0 else f"{text[:_LONGEST]} ({left_out} more characters are left out)"


def _code(text: str) -> Markup:
    """Lines to copy, which may be longer than other text before they are cut."""
    return Markup.escape(inert(text, _LONGEST_CODE))


def _words(verdict: Verdict | None) -> str:
    return "not tested" if verdict is None else verdict.replace("_", " ").lower()


def _address(url: str) -> str:
    """An address to read, without its scheme: the page contains no links to follow."""
    return url.partition("://")[2] or url
