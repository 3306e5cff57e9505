"""A run in words for a terminal: header, table, verdict and findings; colour never carries meaning alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich import box
from rich.table import Table
from rich.text import Text

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.inert import plain
from isolation_tests.core.plural import counted
from isolation_tests.model import Case, Level, Verdict
from isolation_tests.reporting.evidence.evidence import Header
from isolation_tests.reporting.evidence.summary import AnomalyRow, Hazard, Summary
from isolation_tests.reporting.narrative.reproduction import related_user, reproduction, story
from isolation_tests.reporting.narrative.scopes import differences, told
from isolation_tests.testdata.display import show

__all__ = [
    "RUN_NOT_HELD",
    "axes_of",
    "finding_text",
    "hazard_text",
    "header_lines",
    "law_of",
    "names_of",
    "pairs",
    "row_verdict",
    "summary_table",
    "verdict_line",
]

RUN_NOT_HELD = (
    "A check that one anomaly violated proves nothing about the other anomalies that it covers:"
    " there it counts as run, not as held."
)
_STYLES = {
    Verdict.VIOLATED: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.NOT_SUPPORTED: "dim",
    Verdict.HELD: "green",
}


def header_lines(header: Header) -> list[str]:
    """What is tested and how, one topic per line."""
    target = header.target
    versions = pairs(target.distributions, " ") or "version unknown"
    title = f" ({target.title})" if target.title not in ("", target.name) else ""
    source = f", from {target.source}" if target.source not in ("", target.adapter) else ""
    known = (
        f"{header.known_file} ({counted(header.known_count, 'entry', 'entries')})"
        if header.known_file
        else "none"
    )
    seed = "random seed" if header.seed is None else f"seed {header.seed}"
    levels = Counter(check.level for check in header.expected)
    by_level = ", ".join(f"{levels[level]} {level}" for level in Level if levels[level])
    disposable = (
        "yes: hostile user names write and delete too, which may destroy the whole store"
        if target.disposable
        else "no: hostile user names only read, so the highest level is safe; --disposable changes that"
    )
    aliases, owner_keys = ", ".join(header.aliases) or "none", ", ".join(header.owner_keys) or "none"
    workers = counted(header.workers, "worker")
    lines = [
        f"isolation-tests {header.suite_version}, run {header.run_id}, started {header.started}",
        f"target: {target.name}{title}, {versions}",
        f"adapter: {target.adapter}{source}",
        f"options: {pairs(target.options) or 'none'}",
        f"disposable: {disposable}",
        *([f"axes, outer to inner: {axes_of(header)}"] if header.axes else []),
        f"capabilities: {_capabilities(header)}",
        f"declared aliases: {aliases}; owner keys: {owner_keys}",
        *([f"declared non-deterministic: {target.volatile}"] if target.volatile else []),
        f"{seed}, profile {header.profile}, {workers}, Python {header.python} on {header.platform}",
        f"known findings: {known}",
        f"ISOLATION_* variables: {pairs(header.variables) or 'none'}",
        f"expected checks: {len(header.expected)}{f' ({by_level})' if by_level else ''}",
    ]
    if header.outline:
        limits = pairs({name: f"{limit:,g}" for name, limit in header.limits.items()}) or "no limits"
        lines.append(f"about to send: {header.outline}; budget: {limits}")
    if header.merged:
        lines.append(f"merged from runs {', '.join(header.merged)}")
    if header.selection:
        lines.append(f"narrowed by {' '.join(header.selection)}: checks left out count as not run")
    return [plain(line) for line in lines]


def verdict_line(summary: Summary) -> str:
    """The verdict, the level and the number of checks behind them, as one sentence."""
    parts = [f"{summary.counts[Verdict.HELD]} of {counted(len(summary.checks), 'check')} held"]
    if violated := summary.counts[Verdict.VIOLATED]:
        parts.append(f"{violated} violated{_findings(summary)}")
    for verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.NOT_SUPPORTED):
        silent = len(summary.not_run) + len(summary.explained) if verdict is Verdict.INCONCLUSIVE else 0
        if verdict is Verdict.NOT_SUPPORTED and (silent := summary.spared):
            parts.append(f"{silent} left out (the target is not disposable)")
        if number := summary.counts[verdict] - silent:
            parts.append(f"{number} {_words(verdict)}")
    if summary.explained:
        parts.append(f"{len(summary.explained)} skipped because a finding explains them")
    if summary.not_run:
        parts.append(f"{len(summary.not_run)} not run")
    if summary.hazards:
        undeclared = len(summary.undeclared)
        words = f" ({undeclared} undeclared)" if undeclared else ""
        parts.append(f"{counted(len(summary.hazards), 'hazard')}{words}")
    if summary.stale_known:
        parts.append(counted(len(summary.stale_known), "outdated known finding"))
    only_known = summary.verdict is Verdict.VIOLATED and summary.known_only
    word = "VIOLATED, known" if only_known else _words(summary.verdict).upper()
    unreached = (
        "no level reached" if summary.whole else "no level (this profile runs only part of the matrix)"
    )
    level = f"level {summary.level}" if summary.level else unreached
    return f"{word}, {level}: {', '.join(parts)}."


def _findings(summary: Summary) -> str:
    known = sum(case.known is not None for case in summary.cases)
    new = len(summary.cases) - known
    causes = sum(not cause.known for cause in summary.causes)
    numbers = [
        *([counted(causes, "cause")] if causes else []),
        *([counted(new, "finding")] if new else []),
        *([counted(known, "known finding")] if known else []),
    ]
    return f" ({', '.join(numbers)})" if numbers else ""


def row_verdict(row: AnomalyRow) -> str:
    """An anomaly's verdict in words; a known finding is still a violation, marked as known.

    Held in part: all supported checks held, and some checks were not supported.
    """
    known = row.verdict is Verdict.VIOLATED and row.known and not row.findings
    if row.verdict is Verdict.NOT_SUPPORTED and row.held:
        return "held in part"
    return "VIOLATED, known" if known else _words(row.verdict)


def summary_table(summary: Summary) -> Table:
    """One row per anomaly: its verdict, its checks that held, ran and did not run, and its findings.

    An anomaly that no check tells apart from a proven finding has no row.
    """
    table = Table(
        title="What was proved, by anomaly",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        caption=RUN_NOT_HELD if any(row.verdict is Verdict.INCONCLUSIVE for row in summary.rows) else None,
        caption_justify="left",
    )
    for heading in ("anomaly", "verdict"):
        table.add_column(heading, overflow="fold")
    for heading in ("held", "run", "not run", "findings", "known"):
        table.add_column(heading, justify="right")
    for row in summary.rows:
        if row.explained:
            continue
        figures = (row.held, row.checks, row.not_run, row.findings, row.known)
        table.add_row(
            Text(plain(row.id if row.id == row.name else f"{row.id} {row.name}")),
            Text(row_verdict(row), style=_STYLES[row.verdict]),
            *(Text(str(figure) if figure else "-") for figure in figures),
        )
    return table


def finding_text(case: Case, replay: str | None) -> str:
    """A finding for a reader: law, story, both names, reproduction, replay command and usual fix.

    replay: the command that replays it; None if it has no replay file.
    """
    finding = case.finding
    entry = CATALOGUE.get(finding.anomaly)
    lines = [
        f"{finding.anomaly} {entry.name if entry else ''}".rstrip()
        + (" (known: " + case.known + ")" if case.known is not None else ""),
        f"  law:      {law_of(case)}",
        f"  story:    {story(case)}",
        *(f"  {label + ':':<10}{value}" for label, value in names_of(case)),
        "  reproduction:",
        *(f"    {line}" for line in reproduction(case).splitlines()),
    ]
    if replay is not None:
        lines.append(f"  replay:   {replay}")
    if entry:
        lines.append(f"  usual fix: {entry.fix}")
    return plain("\n".join(lines))


def hazard_text(hazard: Hazard) -> str:
    """A hazard in one line: what it is, and what to do or why the target takes it."""
    finding = hazard.finding
    what = f"hazard: a blank user ({finding.relation}) has a place of its own, as {finding.operation} shows"
    advice = "refuse such a user, or declare the hazard in the target's file"
    return plain(f"{what}; " + (f"declared: {hazard.reason}" if hazard.reason else advice))


def law_of(case: Case) -> str:
    """The broken law from the catalogue; the judge's name for it if the anomaly is unknown."""
    entry = CATALOGUE.get(case.finding.anomaly)
    return entry.law if entry else case.finding.law.value


def names_of(case: Case) -> list[tuple[str, str]]:
    """Both names and their difference as (label, text) pairs; one name if only one user is involved."""
    finding, users = case.finding, case.history.users
    owner = finding.viewer if finding.owner is None else finding.owner
    other = related_user(case) if owner == finding.viewer else owner
    there = [user for user in (finding.viewer, other) if user is not None and 0 <= user < len(users)]
    both = list(dict.fromkeys(there))
    labelled = list(zip(("user a", "user b"), (told(case, user, show) for user in both), strict=False))
    if len(both) == 2:
        related = f"{finding.relation}: " if finding.relation else ""
        labelled.append(("relation", related + differences(case, *both)))
    return labelled


def axes_of(header: Header) -> str:
    """The axes by which the target separates, each with what a call means that omits it."""
    return ", ".join(f"{name} (omitted: {meaning})" for name, meaning in header.axes.items())


def _capabilities(header: Header) -> str:
    if not header.capabilities:
        return "only the four core methods"
    failed = {name: answer for name, answer in header.probed.items() if answer != "ok"}
    unprobed = [name for name in header.capabilities if name not in header.probed]
    names = ", ".join(header.capabilities)
    names += f"; claimed but not working: {pairs(failed)}" if failed else ""
    return names + (f"; claimed but not probed: {', '.join(unprobed)}" if unprobed else "")


def pairs(values: Mapping[str, str], between: str = "=") -> str:
    """Names and values on one line."""
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())


def _words(verdict: Verdict) -> str:
    return {
        Verdict.VIOLATED: "VIOLATED",
        Verdict.ERROR: "error",
        Verdict.INCONCLUSIVE: "inconclusive",
        Verdict.NOT_SUPPORTED: "not supported",
        Verdict.HELD: "held",
    }[verdict]
