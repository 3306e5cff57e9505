"""The terminal output of a run: the header before; the table, findings and verdict after."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from isolation_tests.core.inert import plain
from isolation_tests.core.masking import masked_text
from isolation_tests.core.plural import counted
from isolation_tests.model import CheckResult
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, REPORT_NAME, Header
from isolation_tests.reporting.evidence.summary import Summary
from isolation_tests.reporting.narrative.causes import cause_text, proof
from isolation_tests.reporting.narrative.coverage import coverage_line
from isolation_tests.reporting.narrative.wording import (
    hazard_text,
    header_lines,
    summary_table,
    verdict_line,
)

MOST_CAUSES = 12
MOST_UNSETTLED = 12
MOST_NOT_RUN = 3


def console(*, stderr: bool = False) -> Console:
    """A console that never breaks names and commands over lines, and escapes what it can't encode."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Console(highlight=False, soft_wrap=True, emoji=False, stderr=stderr)


@contextmanager
def progress(*, lines: bool) -> Iterator[Callable[[str], object]]:
    """Progress of a long command on standard error: one updated line on a terminal, else a line per step.

    lines: print a line per step on a terminal too.
    """
    screen = console(stderr=True)
    if lines or not screen.is_terminal:
        yield lambda text: screen.print(Text(plain(text)))
        return
    with screen.status("") as status:
        yield lambda text: status.update(Text(plain(text)))


def listing(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of plain text, in which brackets are no markup; the first column never breaks."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def print_header(header: Header) -> None:
    """Print what is about to be tested."""
    out = console()
    for line in header_lines(header):
        out.print(line, markup=False)


def print_smoke_failure(result: CheckResult) -> None:
    """Print why no other check ran, in terms of the adapter."""
    out = console()
    out.print(
        f"\nThe smoke test ended with {result.verdict}, so no other check ran: {_reason(result.reason)}\n"
        "In the smoke test, Alice and Bob each store one fact, then search, list and delete. An adapter has"
        " to pass it before its isolation can be judged.",
        markup=False,
    )


@dataclass(frozen=True, slots=True)
class Written:
    """The files that a run wrote.

    folder: None if it wrote none. replays: the command that replays each finding, by its key.
    """

    folder: Path | None = None
    replays: Mapping[str, str] = field(default_factory=dict)
    exports: Sequence[Path] = ()


def print_summary(summary: Summary, written: Written, notes: Sequence[str] = ()) -> None:
    """Print the table by anomaly, each cause once, notes, the written files and the verdict."""
    out = console()
    out.print()
    if len(summary.checks) - len(summary.not_run) > 1:
        out.print(summary_table(summary), soft_wrap=False)
    for line in _lines(summary, written, notes):
        out.print(line, markup=False)
    if written.folder is not None:
        out.print(f"\nevidence: {written.folder / EVIDENCE_NAME}", markup=False)
        out.print(f"report:   {written.folder / REPORT_NAME}", markup=False)
    for path in written.exports:
        out.print(f"export:   {path}", markup=False)
    out.print(verdict_line(summary), markup=False)


def _lines(summary: Summary, written: Written, notes: Sequence[str]) -> Iterator[str]:
    """Causes, known findings, inconclusive checks, checks that did not run, and notes."""
    news = [cause for cause in summary.causes if not cause.known]
    for cause in news[:MOST_CAUSES]:
        case = proof(summary, cause)
        yield "\n" + cause_text(cause, case, written.replays.get(case.finding.key))
    if len(news) > MOST_CAUSES:
        where = "the report lists all" if written.folder else "use --report FOLDER to see all"
        yield f"\n... and {counted(len(news) - MOST_CAUSES, 'more cause')}; {where}."
    for case in summary.cases:
        if case.known is not None:
            yield f"known finding: {case.finding.key}: {plain(case.known)}"
    yield from (hazard_text(hazard) for hazard in summary.hazards)
    for row in summary.unsettled[:MOST_UNSETTLED]:
        yield f"{row.verdict}: {row.check}: {_reason(row.reason)}"
    if len(summary.unsettled) > MOST_UNSETTLED:
        yield f"... and {len(summary.unsettled) - MOST_UNSETTLED} more inconclusive or in error."
    for key, number in Counter(row.explained for row in summary.explained).items():
        yield f"explained: {counted(number, 'check was', 'checks were')} skipped, because {key} shows it."
    if summary.coverage is not None:
        yield f"coverage: {coverage_line(summary.coverage)}"
    if summary.volume:
        yield f"volume: {plain(summary.volume)}"
    if summary.not_run:
        some = ", ".join(summary.not_run[:MOST_NOT_RUN])
        more = ", ..." if len(summary.not_run) > MOST_NOT_RUN else ""
        yield f"not run: {len(summary.not_run)} of {len(summary.checks)} expected checks: {some}{more}"
    yield from (f"outdated known finding: {plain(note)}" for note in summary.stale_known)
    yield from (f"note: {plain(note)}" for note in notes)


def _reason(reason: str) -> str:
    """The reason made safe to print: an adapter's error may contain passwords and control characters."""
    return plain(masked_text(reason))
