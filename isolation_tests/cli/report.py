"""Commands that read the evidence of earlier runs."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.certificate import certify, keygen, verify
from isolation_tests.cli.common import STATUS, reports_errors
from isolation_tests.core.errors import ExitStatus

DEFAULT_FOLDER = "reports/local"
EXPORT_STATUS = """Exit status: 0 written, whatever the verdict of the run (`report page` ends with that),
3 usage, or evidence that can't be believed, 4 internal error."""
FORMAT_HELP = "Of every OUT, whatever its ending: html, markdown, csv, ctrf, sarif, oscal or badge."
ACROSS_HELP = "Compare runs of different targets."
DIFF_STATUS = """Exit status: 0 not worse, 1 worse (a new finding, a lower level, a check that no longer
holds), 3 usage or evidence that can't be believed, 4 internal error."""
OUT_HELP = "Write the site into this folder instead, with all that it links to."
INTO_HELP = "Write the table into this file, between the two marks that it has for it."


@click.group()
def report() -> None:
    """Read the evidence of earlier runs again, certify it, and verify certificates."""


for command in (keygen, certify, verify):
    report.add_command(command)


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports")
@click.option("--into", type=click.Path(path_type=Path), metavar="FILE", help=INTO_HELP)
@reports_errors
def table(folder: Path, into: Path | None) -> int:
    """Write the published verdicts below FOLDER as a Markdown table, one row a system."""
    from isolation_tests.reporting.board.readme_table import board, insert

    text = board(folder)
    if into is None:
        click.echo(text)
    else:
        click.echo(f"{into}: {'written' if insert(into, text) else 'up to date'}")
    return int(ExitStatus.HELD)


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=OUT_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def board(folder: Path, out: Path | None, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Make a static site of the published verdicts below FOLDER: a board, and a page and a badge a system.

    It needs no network and no server. The exit status is 2 where a system's evidence is refused.
    """
    del verbose
    from isolation_tests.reporting.board.site import write_site

    site = write_site(folder, out)
    click.echo(site.sentence())
    return int(ExitStatus.INCONCLUSIVE if site.refused else ExitStatus.HELD)


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports/local")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def page(folder: Path, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Read a run's evidence in FOLDER again and rewrite its page.

    Refuses evidence that is not whole. The exit status is that of the run.
    """
    del verbose
    from isolation_tests.reporting.evidence.evidence import REPORT_NAME
    from isolation_tests.reporting.evidence.reader import read_whole
    from isolation_tests.reporting.evidence.summary import summary_of
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.reporting.html.page import write_html
    from isolation_tests.reporting.narrative.wording import verdict_line

    evidence = read_whole(folder)
    page = write_html(evidence, (folder if folder.is_dir() else folder.parent) / REPORT_NAME)
    console().print(f"report: {page}", markup=False)
    console().print(verdict_line(summary_of(evidence)), markup=False)
    return int(evidence.footer.exit_status)


@report.command(epilog=EXPORT_STATUS)
@click.argument("arguments", nargs=-1, required=True, metavar="[FOLDER] OUT...")
@click.option("--format", "name", metavar="NAME", help=FORMAT_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def export(arguments: tuple[str, ...], name: str | None, verbose: bool) -> int:  # noqa: FBT001
    """Write a run's evidence in FOLDER (reports/local) in other formats, one file an OUT; - is the screen.

    The format of OUT is told by its ending: .html, .md (a comment on a change, a job's summary), .csv (the
    findings), .ctrf.json, .sarif, .oscal.json or .badge.json. Refuses evidence that is not whole.
    """
    del verbose
    from isolation_tests.reporting.evidence.reader import read_whole
    from isolation_tests.reporting.formats.registry import STDOUT, encoded, outputs, write_outputs

    folder, places = _folder_and_places(arguments)
    wanted = outputs(places, name)
    evidence = read_whole(folder)
    beside = folder if folder.is_dir() else folder.parent
    for path in write_outputs(evidence, wanted, folder=beside, into=Path()):
        click.echo(f"written: {path}", err=True)
    for one in wanted:
        if one.place == STDOUT:
            click.echo(encoded(one.kind.render(evidence, beside)), nl=False)
    return int(ExitStatus.HELD)


@report.command(epilog=DIFF_STATUS)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--across", is_flag=True, help=ACROSS_HELP)
@click.option(
    "--format", "name", type=click.Choice(["text", "markdown"]), default="text", help="text or markdown."
)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def diff(old: Path, new: Path, across: bool, name: str, verbose: bool) -> int:  # noqa: FBT001
    """Compare the run in folder OLD with the later one in NEW: findings, verdicts, checks, versions.

    A finding that is gone is called fixed only where each check that showed it was asked again and held.
    """
    del verbose
    from isolation_tests.reporting.evidence.reader import read_whole
    from isolation_tests.reporting.formats.comparison import compare, markdown, sentence, tables
    from isolation_tests.reporting.formats.registry import encoded
    from isolation_tests.reporting.formats.terminal import console

    comparison = compare(read_whole(old), read_whole(new), across=across)
    if name == "markdown":
        click.echo(encoded(markdown(comparison)), nl=False)
    else:
        for table in tables(comparison):
            console().print(table, soft_wrap=False)
        console().print(sentence(comparison), markup=False)
    return int(ExitStatus.VIOLATED if comparison.regressions else ExitStatus.HELD)


@report.command(epilog=STATUS)
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def merge(out: Path, folders: tuple[Path, ...], verbose: bool) -> int:  # noqa: FBT001
    """Merge the runs in each FOLDER, parts of one (the shards of a CI matrix), into the folder OUT.

    All are of one target, asked alike, each narrowed to its part. What no part reported counts as not run,
    and of several results of a check the worst counts. The exit status is that of the whole.
    """
    del verbose
    from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, REPORT_NAME
    from isolation_tests.reporting.evidence.merge import merge as merged
    from isolation_tests.reporting.evidence.summary import summary_of
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.reporting.html.page import write_html
    from isolation_tests.reporting.narrative.wording import verdict_line

    evidence = merged(out, folders)
    page = write_html(evidence, out / REPORT_NAME)
    console().print(f"evidence: {out / EVIDENCE_NAME}", markup=False)
    console().print(f"report:   {page}", markup=False)
    console().print(verdict_line(summary_of(evidence)), markup=False)
    return int(evidence.footer.exit_status)


def _folder_and_places(arguments: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """The first of several arguments is the folder, unless it is itself something to write."""
    from isolation_tests.reporting.formats.registry import is_output

    first, rest = arguments[0], arguments[1:]
    if not rest or (is_output(first) and not Path(first).is_dir()):
        return Path(DEFAULT_FOLDER), arguments
    return Path(first), rest
