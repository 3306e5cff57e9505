"""Commands that read the evidence of earlier runs."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.certificate import certify, keygen, verify
from isolation_tests.cli.common import STATUS, reports_errors
from isolation_tests.core.errors import ExitStatus

DEFAULT_FOLDER = "reports/local"
EXPORT_STATUS = """Exit status: 0 written, whatever the verdict (`report page` ends with that of the run),
3 usage or invalid evidence, 4 internal error."""
FORMAT_HELP = "Format of every OUT, whatever its ending: html, markdown, csv, ctrf, sarif, oscal or badge."
ACROSS_HELP = "Allow runs of different targets."
DIFF_STATUS = """Exit status: 0 not worse, 1 worse (a new finding, a lower level, a check that no longer
holds), 3 usage or invalid evidence, 4 internal error."""
OUT_HELP = "Write the site and everything it links to into this folder.  [default: FOLDER]"
INTO_HELP = "Write the table into this file, between the marks for it."
FOLDER_STATUS = "Exit status: that of the run; 3 usage or invalid evidence, 4 internal error."


@click.group()
def report() -> None:
    """Read, export, compare and certify the evidence of earlier runs."""


for command in (keygen, certify, verify):
    report.add_command(command)


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports")
@click.option("--into", type=click.Path(path_type=Path), metavar="FILE", help=INTO_HELP)
@reports_errors
def table(folder: Path, into: Path | None) -> int:
    """Print the published verdicts below FOLDER as a table.

    The table is Markdown, with one row per system.
    """
    from isolation_tests.reporting.board.verdict_table import board, insert

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
    """Build a static site from the published verdicts below FOLDER.

    The site has a board of all systems, and a page and a badge for each one. It needs no network and no
    server. The exit status is 2 if the evidence of a system is invalid.
    """
    del verbose
    from isolation_tests.reporting.board.site import write_site

    site = write_site(folder, out)
    click.echo(site.sentence())
    return int(ExitStatus.INCONCLUSIVE if site.refused else ExitStatus.HELD)


@report.command(epilog=FOLDER_STATUS)
@click.argument("folder", type=click.Path(path_type=Path), default="reports/local")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def page(folder: Path, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Check the evidence in FOLDER and write its page again.

    The page is report.html. Incomplete evidence is refused.
    """
    del verbose
    from isolation_tests.reporting.evidence.evidence import REPORT_NAME
    from isolation_tests.reporting.evidence.reader import read
    from isolation_tests.reporting.evidence.summary import summary_of
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.reporting.html.page import write_html
    from isolation_tests.reporting.narrative.scale import scale_lines
    from isolation_tests.reporting.narrative.wording import verdict_line

    evidence = read(folder)
    page = write_html(evidence, (folder if folder.is_dir() else folder.parent) / REPORT_NAME)
    for line in () if evidence.footer.scale is None else scale_lines(evidence.footer.scale):
        console().print(line, markup=False)
    console().print(f"report: {page}", markup=False)
    console().print(verdict_line(summary_of(evidence)), markup=False)
    return int(evidence.footer.exit_status)


@report.command(epilog=EXPORT_STATUS)
@click.argument("arguments", nargs=-1, required=True, metavar="[FOLDER] OUT...")
@click.option("--format", "name", metavar="NAME", help=FORMAT_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def export(arguments: tuple[str, ...], name: str | None, verbose: bool) -> int:  # noqa: FBT001
    """Export the run in FOLDER to other formats.

    FOLDER is reports/local by default. Each OUT is a file, or - for standard output. Its ending selects the
    format: .html, .md (for a pull-request comment or a job summary), .csv (the findings), .ctrf.json, .sarif,
    .oscal.json or .badge.json. Incomplete evidence is refused.
    """
    del verbose
    from isolation_tests.reporting.evidence.reader import read
    from isolation_tests.reporting.formats.registry import STDOUT, encoded, outputs, write_outputs

    folder, places = _folder_and_places(arguments)
    wanted = outputs(places, name)
    evidence = read(folder)
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
    "--format", "name", type=click.Choice(["text", "markdown"]), default="text", help="Output format."
)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def diff(old: Path, new: Path, across: bool, name: str, verbose: bool) -> int:  # noqa: FBT001
    """Compare the run in OLD with the later run in NEW.

    OLD and NEW are folders with evidence. The command compares findings, verdicts, checks and versions. A
    finding counts as fixed only if every check that showed it ran again and held.
    """
    del verbose
    from isolation_tests.reporting.evidence.reader import read
    from isolation_tests.reporting.formats.comparison import compare, markdown, sentence, tables
    from isolation_tests.reporting.formats.registry import encoded
    from isolation_tests.reporting.formats.terminal import console

    comparison = compare(read(old), read(new), across=across)
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
    """Merge the runs in each FOLDER into one run in OUT.

    The runs are parts of one run, such as the shards of a CI matrix. They must have the same target and
    settings, and each runs only some of the checks, or some of the users of a scale run. A check that no part
    reports counts as not run. If several parts report a check, its worst result counts. The exit status is
    that of the merged run.
    """
    del verbose
    from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, REPORT_NAME
    from isolation_tests.reporting.evidence.merge import merge as merged
    from isolation_tests.reporting.evidence.summary import summary_of
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.reporting.html.page import write_html
    from isolation_tests.reporting.narrative.scale import scale_lines
    from isolation_tests.reporting.narrative.wording import verdict_line

    evidence = merged(out, folders)
    page = write_html(evidence, out / REPORT_NAME)
    for line in () if evidence.footer.scale is None else scale_lines(evidence.footer.scale):
        console().print(line, markup=False)
    console().print(f"evidence: {out / EVIDENCE_NAME}", markup=False)
    console().print(f"report:   {page}", markup=False)
    console().print(verdict_line(summary_of(evidence)), markup=False)
    return int(evidence.footer.exit_status)


def _folder_and_places(arguments: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """Split the arguments: the first of several is the folder, unless it is an output itself."""
    from isolation_tests.reporting.formats.registry import is_output

    first, rest = arguments[0], arguments[1:]
    if not rest or (is_output(first) and not Path(first).is_dir()):
        return Path(DEFAULT_FOLDER), arguments
    return Path(first), rest
