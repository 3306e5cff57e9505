"""`isolation-tests calibrate`: plants seeded faults in front of a target to see which the suite catches."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.common import PROFILE_HELP, TARGETS, reports_errors, target_options
from isolation_tests.core.errors import ExitStatus

CALIBRATE_STATUS = """Exit status: 0 every fault that could be planted was caught, 2 some were not, 3 usage,
4 internal error."""
FAULT_HELP = "Plant only this fault; repeatable."
STRENGTH_HELP = "Add the result to the report in this folder of an earlier run of TARGET."


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
    help="Number of processes; 0 means one per core.",
)
@target_options
@reports_errors
def calibrate(
    target: str,
    profile: str,
    names: tuple[str, ...],
    report: Path | None,
    workers: int,
    disposable: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Measure which violations the suite would catch in TARGET.

    A seeded fault is a known way to break isolation. This command plants each one in front of TARGET, one at
    a time, and lists those that the suite catches. A fault that it does not catch is a blind spot for TARGET.
    With -v, or if the output is not a terminal, there is a line for each fault.
    """
    from isolation_tests.calibration.calibrate import calibrate as calibrated
    from isolation_tests.calibration.kill_matrix import kill_table, write_strength
    from isolation_tests.reporting.formats.terminal import console, progress
    from isolation_tests.targets.settings import Settings

    settings = Settings(target=target, profile=profile, seed=seed, options=options, disposable=disposable)
    with progress(lines=verbose) as tell:
        outcome = calibrated(settings, only=names, workers=workers, tell=tell)
    console().print(kill_table(outcome), soft_wrap=False)
    console().print(outcome.sentence(), markup=False)
    if report is not None:
        console().print(f"strength: {write_strength(report, outcome, settings)}", markup=False)
    return int(ExitStatus.HELD if outcome.complete else ExitStatus.INCONCLUSIVE)
