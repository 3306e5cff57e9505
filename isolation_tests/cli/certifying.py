"""Commands that ask a target something: run, calibrate, replay, sweep."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest.mock import patch

import click

import isolation_tests
from isolation_tests.cli.shared import STATUS, target_options, told
from isolation_tests.core.errors import ExitStatus, UsageProblem

TARGETS = """A target is a short name (mem0, reference), a .toml file, module:factory, file.py:factory, or
fault:NAME, a seeded fault in front of the reference (fault:NAME@TARGET: of another target)."""
CALIBRATE_STATUS = "Exit status: 0 every fault that fits was caught, 2 not, 3 usage, 4 internal error."
PROFILE_HELP = "How much to ask: quick (seconds), ci or hunt (long searches)."
FAULT_HELP = "Only this fault; may be given several times."
REPORT_HELP = "Folder for evidence and report; none: no files.  [default: reports/local]"
KNOWN_HELP = "TOML file of known findings instead of the target's; none: no known ones."
ENVIRONMENT_HELP = "Run in an environment with the releases that the target requires; made once, kept."
STRENGTH_HELP = "Folder of a run of TARGET, to which the strength is added."
TIMES_HELP = "How often to try before giving up.  [default: 20; more for what was rare when it was recorded]"
JUNIT_HELP = "Write pytest's JUnit file too, with verdict, anomalies and findings of each check."
EXPORT_HELP = "Write this too, in the format of its ending (.md, .sarif, ...); may be given several times."
KEY_HELP = "The private key that `report keygen` wrote: issues a certificate for whatever can be certified."
WORKERS_HELP = "Processes: a number, auto, or 0 for no others than this."
UNLOADED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""The user's own pytest set-up must not disturb `isolation-tests run`."""


@click.command(epilog=f"{TARGETS}\n\n{STATUS}")
@click.argument("target", required=False)
@click.option("--profile", metavar="NAME", help=f"{PROFILE_HELP}  [default: ci]")
@click.option("--report", metavar="DIR", help=REPORT_HELP)
@click.option("--known", metavar="FILE", help=KNOWN_HELP)
@click.option("--junit", metavar="FILE", help=JUNIT_HELP)
@click.option("--export", "exports", multiple=True, metavar="FILE", help=EXPORT_HELP)
@click.option("-n", "--workers", metavar="N", default="auto", show_default=True, help=WORKERS_HELP)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@target_options
@told
def run(
    target: str | None,
    profile: str | None,
    report: str | None,
    known: str | None,
    junit: str | None,
    exports: tuple[str, ...],
    workers: str,
    own_environment: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Certify TARGET: run every check, print what was proved, write evidence and a report.

    Without TARGET, ISOLATION_TARGET or `target` in [tool.isolation_tests] of pyproject.toml says what to
    certify. Settings come from the command line, ISOLATION_* variables, and pyproject.toml, in that order.
    """
    import pytest

    given = {"target": target, "profile": profile, "report": report, "known": known, "seed": seed}
    if own_environment:
        files = [f"--export={file}" for file in exports] + ([f"--junit={junit}"] if junit else [])
        return _elsewhere(["run", f"--workers={workers}", *files], given, options, verbose=verbose)
    arguments = [f"--isolation-{name}={value}" for name, value in given.items() if value is not None]
    arguments += [f"--isolation-export={file}" for file in exports]
    arguments += [f"--junitxml={junit}", "-o", "junit_suite_name=isolation-tests"] if junit else []
    arguments += [f"--isolation-option={option}" for option in options]
    if not re.fullmatch("auto|[0-9]{1,3}", workers):
        raise UsageProblem(f"--workers takes a number or auto, not {workers!r}.")
    arguments += [] if int(workers.replace("auto", "1")) == 0 else ["-n", workers, "--dist", "worksteal"]
    here = Path(isolation_tests.__file__).parent
    with patch.dict(os.environ, UNLOADED):
        return int(
            pytest.main(
                [
                    f"--config-file={here / 'certify.ini'}",
                    f"--rootdir={here}",
                    *("-p", "xdist", "-p", "isolation_tests"),
                    *(["-v"] if verbose else ["--tb=no", "-q"]),
                    "-rN",
                    "--no-header",
                    *arguments,
                    str(here / "properties"),
                ]
            )
        )


def _elsewhere(
    command: list[str], given: dict[str, str | None], options: tuple[str, ...], *, verbose: bool
) -> int:
    """The same command in the target's own environment, without the flag that asked for it."""
    from isolation_tests.targets.environments import run_there
    from isolation_tests.targets.resolve import resolve
    from isolation_tests.targets.settings import Settings, gather

    target = gather(Settings(target=given["target"]), folder=Path.cwd()).target
    if target is None:
        raise UsageProblem("No target was named: say which to run in an environment of its own.")
    flags = [f"--{name}={value}" for name, value in given.items() if value is not None and name != "target"]
    flags += [f"--option={option}" for option in options] + (["--verbose"] if verbose else [])
    named = [target] if command[0] == "run" else [f"--target={target}"]
    return run_there(resolve(target).config, [*command, *named, *flags])


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
@told
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
    from isolation_tests.calibration import calibrate as calibrated
    from isolation_tests.kills import kill_table, write_strength
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


@click.command(epilog="Exit status: 0 not reproduced, 1 reproduced, 2 error, 3 usage, 4 internal error.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="TARGET", help="Where to replay it.  [default: the target it was found in]")
@click.option(
    "--times",
    type=click.IntRange(1),
    metavar="N",
    help=TIMES_HELP,
)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@target_options
@told
def replay(
    file: Path,
    target: str | None,
    times: int | None,
    own_environment: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Perform a finding again from the FILE that a run wrote under findings/.

    Says reproduced, not reproduced, or error. The target and its options are those of the run, unless
    others are given here.
    """
    if own_environment:
        given = {"target": target, "seed": seed}
        often = [] if times is None else [f"--times={times}"]
        return _elsewhere(["replay", str(file), *often], given, options, verbose=verbose)
    from isolation_tests.replaying import replayed
    from isolation_tests.targets.settings import Settings

    answer = replayed(file, Settings(target=target, seed=seed, options=options), times=times)
    click.echo(answer.text)
    return answer.status


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--profile", metavar="NAME", default="ci", show_default=True, help=PROFILE_HELP)
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=KEY_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@told
def sweep(
    folder: Path,
    names: tuple[str, ...],
    profile: str,
    key: Path | None,
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Certify each TARGET, or all that are ready here, and publish it below FOLDER.

    Writes evidence, pages and the board. Evidence is compressed; replay files are left out, and so is what
    shows a finding without a public reference. A run that comes to nothing leaves what was published before.
    Where nobody watches a terminal, and with -v, there is a line for each target. The exit status is the
    highest of all.
    """
    from isolation_tests.cli.certificates import certifier
    from isolation_tests.publishing import sweep as swept
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
