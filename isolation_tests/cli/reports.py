"""Commands that read the evidence of earlier runs."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.shared import told
from isolation_tests.problems import ExitStatus

INTO_HELP = "Write the table into this file, between the two marks that it has for it."


@click.group()
def report() -> None:
    """Read the evidence of earlier runs again."""


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports")
@click.option("--into", type=click.Path(path_type=Path), metavar="FILE", help=INTO_HELP)
@told
def table(folder: Path, into: Path | None) -> int:
    """Write the published verdicts below FOLDER as a Markdown table, one row a system."""
    from isolation_tests.reporting.board import board, insert

    text = board(folder)
    if into is None:
        click.echo(text)
    else:
        click.echo(f"{into}: {'written' if insert(into, text) else 'up to date'}")
    return int(ExitStatus.HELD)


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports/local")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@told
def page(folder: Path, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Read a run's evidence in FOLDER again and rewrite its page.

    Refuses evidence that is not whole. The exit status is that of the run.
    """
    del verbose
    from isolation_tests.reporting.errors import NoFooter
    from isolation_tests.reporting.evidence import EVIDENCE_NAME, read
    from isolation_tests.reporting.html import write_html
    from isolation_tests.reporting.summary import summarise
    from isolation_tests.reporting.text import verdict_line
    from isolation_tests.terminal import console

    partial = folder / f"{EVIDENCE_NAME}.partial"
    if partial.exists():
        raise NoFooter(partial)
    evidence = read(folder)
    stale = (*evidence.footer.unmatched_known, *evidence.footer.expired_known)
    page = write_html(evidence, (folder if folder.is_dir() else folder.parent) / "report.html")
    console().print(f"report: {page}", markup=False)
    console().print(verdict_line(summarise(evidence.header, evidence.results, stale)), markup=False)
    return int(evidence.footer.exit_status)
