"""What a run prints: header before, table, findings and verdict after."""

from __future__ import annotations

from rich.console import Console

from isolation_tests.campaign import Campaign
from isolation_tests.model import CheckResult
from isolation_tests.reporting.evidence import Header
from isolation_tests.reporting.text import finding_text, header_lines, plain, summary_table, verdict_line

MOST_FINDINGS = 12


def console() -> Console:
    """A console that never breaks names and commands over lines by itself."""
    return Console(highlight=False, soft_wrap=True)


def print_header(header: Header) -> None:
    """What is about to be tested."""
    out = console()
    for line in header_lines(header):
        out.print(line, markup=False)


def print_smoke_failure(result: CheckResult) -> None:
    """Why nothing else was asked, in words about the adapter."""
    out = console()
    out.print(
        f"\nThe smoke test came to {result.verdict}, so nothing else was asked: {plain(result.reason)}.\n"
        "Alice and Bob each store one fact, search, list and delete; an adapter has to get this right "
        "before its isolation can be judged.",
        markup=False,
    )


def print_summary(campaign: Campaign) -> None:
    """The table by anomaly, each finding once, notes, where the evidence is, and the verdict."""
    summary = campaign.summary
    if summary is None:
        return
    out = console()
    out.print()
    out.print(summary_table(summary), soft_wrap=False)
    news = [case for case in summary.cases if case.known is None]
    known = [case for case in summary.cases if case.known is not None]
    for case in news[:MOST_FINDINGS]:
        out.print("\n" + finding_text(case, campaign.replays.get(case.finding.key)), markup=False)
    if len(news) > MOST_FINDINGS:
        out.print(f"\n... and {len(news) - MOST_FINDINGS} more findings; the report has them all.")
    for case in known:
        out.print(f"known: {case.finding.key}: {plain(case.known or '')}", markup=False)
    for row in summary.unsettled[:MOST_FINDINGS]:
        out.print(f"{row.verdict}: {row.check}: {plain(row.reason)}", markup=False)
    for note in summary.stale_known:
        out.print(f"known findings: {note}", markup=False)
    if campaign.leftovers:
        out.print(f"left behind: {len(campaign.leftovers)} users' memories could not be deleted", markup=False)
    if campaign.folder is not None:
        out.print(f"\nevidence: {campaign.folder / 'evidence.jsonl'}", markup=False)
        out.print(f"report:   {campaign.folder / 'report.html'}", markup=False)
    out.print(verdict_line(summary), markup=False)
