"""`isolation-tests sweep`: tests many targets and publishes their verdicts."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.common import PROFILE_HELP, reports_errors
from isolation_tests.core.errors import ExitStatus

KEY_HELP = "The private key that `report keygen` wrote; with it, issue certificates where possible."
SWEEP_STATUS = "Exit status: the highest of all runs, as for `isolation-tests run`."


@click.command(epilog=SWEEP_STATUS)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--profile", metavar="NAME", default="ci", show_default=True, help=PROFILE_HELP)
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=KEY_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def sweep(
    folder: Path,
    names: tuple[str, ...],
    profile: str,
    key: Path | None,
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Test many targets and publish the results below FOLDER.

    Without TARGET, tests all targets that are ready here. Writes evidence, pages and the board. The published
    evidence is compressed, and has no replay files and no proof of findings without a public reference. If a
    run fails, the earlier publication stays. With -v, or if the output is not a terminal, there is a line for
    each target.
    """
    from isolation_tests.cli.certificate import certifier
    from isolation_tests.engine.sweep import sweep as swept
    from isolation_tests.reporting.board.published import folders
    from isolation_tests.reporting.board.site import write_site
    from isolation_tests.reporting.formats.terminal import console, listing, progress

    certify = None if key is None else certifier(key)
    with progress(lines=verbose) as tell:
        outcomes = swept(folder, names, profile=profile, certify=certify, tell=tell)
    rows = [(one.target, str(one.status), one.sentence) for one in outcomes]
    console().print(listing("Verdicts", ("target", "status", "verdict"), rows), soft_wrap=False)
    if folders(folder):
        click.echo(write_site(folder).sentence())
    return max((one.status for one in outcomes), default=int(ExitStatus.INCONCLUSIVE))
