"""`isolation-tests calibrate`: plants every seeded fault in front of a target."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.common import PROFILE_HELP, TARGETS, reports_errors, target_options
from isolation_tests.core.errors import ExitStatus

CALIBRATE_STATUS = "Exit status: 0 every fault that fits was caught, 2 not, 3 usage, 4 internal error."
FAULT_HELP = "Only this fault; may be given several times."
STRENGTH_HELP = "Folder of a run of TARGET, to which the strength is added."


@click.command(epilog=f"{TARGETS}\n\n{CALIBRATE_STATUS}")
@click.argument("target", default="reference")
@click.option("--profile", metavar="NAME", default="ci", show_default=True, help=PROFILE_HELP)
@click.option("--fault", "names", multiple=True, metavar="NAME", help=FAULT_HELP)
@click.option("--report", metavar="DIR", type=click.Path(path_type=Path), help=STRENGTH_HELP)
@click.option(
    "-n",
    "--workers",
    type=click.IntRange(0, 256),
    metavar="N",
    default=0,
    help="Processes; 0 takes one for each core.",
)
@target_options
@reports_errors
def calibrate(
    target: str,
    profile: str,
    names: tuple[str, ...],
    report: Path | None,
    workers: int,
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Plant every seeded fault in front of TARGET, one at a time, and show which are caught.

    This measures the strength of a run: a fault that survives is a blind spot in front of this target. Where
    nobody watches a terminal, and with -v, there is a line for each fault.
    """
    from isolation_tests.calibration.calibrate import calibrate as calibrated
    from isolation_tests.calibration.kill_matrix import kill_table, write_strength
    from isolation_tests.reporting.formats.terminal import console, progress
    from isolation_tests.targets.settings import Settings

    settings = Settings(target=target, profile=profile, seed=seed, options=options)
    with progress(lines=verbose) as tell:
        outcome = calibrated(settings, only=names, workers=workers, tell=tell)
    console().print(kill_table(outcome), soft_wrap=False)
    console().print(outcome.sentence(), markup=False)
    if report is not None:
        console().print(f"strength: {write_strength(report, outcome, settings)}", markup=False)
    return int(ExitStatus.HELD if outcome.complete else ExitStatus.INCONCLUSIVE)
