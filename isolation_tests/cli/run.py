"""`isolation-tests run`: runs all checks on a target, through pytest."""

from __future__ import annotations

import re
from pathlib import Path

import click

import isolation_tests
from isolation_tests.cli.common import (
    ENVIRONMENT_HELP,
    PROFILE_HELP,
    STATUS,
    TARGETS,
    reports_errors,
    run_elsewhere,
    target_options,
)
from isolation_tests.core.errors import ExitStatus, UsageProblem
from isolation_tests.targets.settings import Settings, gather

REPORT_HELP = "Folder for evidence and report; `none` writes no files.  [default: reports/local]"
KNOWN_HELP = "TOML file of known findings in place of the target's own; `none` ignores both."
FAIL_ON_HELP = "`hazard`: a hazard that the target does not declare fails the run too."
JUNIT_HELP = "Also write a JUnit file, with the verdict, anomalies and findings of each check."
EXPORT_HELP = "Also write this file; its ending selects the format (.md, .sarif, ...); repeatable."
BUDGET_HELP = (
    "A limit of the run: requests, requests_per_second, concurrency, seconds or bytes; none lifts it; "
    "repeatable."
)
DRY_RUN_HELP = "Print what a run would send; open the target, but test nothing."
WORKERS_HELP = "Number of processes: a number, auto, or 0 for only this one."
UNLOADED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""Variables that keep the user's own pytest settings out of `isolation-tests run`."""


@click.command(epilog=f"{TARGETS}\n\n{STATUS}")
@click.argument("target", required=False)
@click.option("--profile", metavar="NAME", help=f"{PROFILE_HELP}  [default: ci]")
@click.option("--report", metavar="DIR", help=REPORT_HELP)
@click.option("--known", metavar="FILE", help=KNOWN_HELP)
@click.option("--fail-on", metavar="WHAT", help=FAIL_ON_HELP)
@click.option("--junit", metavar="FILE", help=JUNIT_HELP)
@click.option("--export", "exports", multiple=True, metavar="FILE", help=EXPORT_HELP)
@click.option("--budget", multiple=True, metavar="KEY=VALUE", help=BUDGET_HELP)
@click.option("--dry-run", is_flag=True, help=DRY_RUN_HELP)
@click.option("-n", "--workers", metavar="N", default="auto", show_default=True, help=WORKERS_HELP)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@target_options
@reports_errors
def run(
    target: str | None,
    profile: str | None,
    report: str | None,
    known: str | None,
    fail_on: str | None,
    junit: str | None,
    exports: tuple[str, ...],
    budget: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001 - click passes it by name
    workers: str,
    own_environment: bool,  # noqa: FBT001 - click passes it by name
    disposable: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Test TARGET, print the verdict, and write a report.

    Runs all checks of the profile, and writes the evidence too. The default TARGET is ISOLATION_TARGET, or
    else `target` in [tool.isolation_tests] of pyproject.toml. The command line wins over ISOLATION_*
    variables, and these win over pyproject.toml.
    """
    import pytest

    given = {"target": target, "profile": profile, "report": report, "known": known, "seed": seed}
    given |= {"fail-on": fail_on}
    if own_environment:
        files = [f"--export={file}" for file in exports] + ([f"--junit={junit}"] if junit else [])
        files += [f"--budget={limit}" for limit in budget] + (["--dry-run"] if dry_run else [])
        command = ["run", f"--workers={workers}", *files]
        return run_elsewhere(command, given, options, disposable=disposable, verbose=verbose)
    if dry_run:
        named = {name.replace("-", "_"): value for name, value in given.items()}
        return _rehearsed(Settings(**named, options=options, budget=budget, disposable=disposable))
    arguments = [f"--isolation-{name}={value}" for name, value in given.items() if value is not None]
    arguments += [f"--isolation-export={file}" for file in exports]
    arguments += [f"--isolation-budget={limit}" for limit in budget]
    arguments += [f"--junitxml={junit}", "-o", "junit_suite_name=isolation-tests"] if junit else []
    arguments += [f"--isolation-option={option}" for option in options]
    arguments += ["--isolation-disposable"] if disposable else []
    if not re.fullmatch("auto|[0-9]{1,3}", workers):
        raise UsageProblem(f"--workers must be a number or auto, not {workers!r}.")
    arguments += [] if int(workers.replace("auto", "1")) == 0 else ["-n", workers, "--dist", "worksteal"]
    package = Path(isolation_tests.__file__).parent
    arguments = [
        f"--config-file={Path(__file__).with_name('certify.ini')}",
        f"--rootdir={package}",
        *("-p", "xdist", "-p", "isolation_tests"),
        *(["-v"] if verbose else ["--tb=no", "-q"]),
        "-rN",
        "--no-header",
        *arguments,
        str(package / "properties"),
    ]
    with pytest.MonkeyPatch.context() as variables:
        for name, value in UNLOADED.items():
            variables.setenv(name, value)
        return int(pytest.main(arguments))


def _rehearsed(given: Settings) -> int:
    from isolation_tests.engine.profiles import profile
    from isolation_tests.engine.run import new_key
    from isolation_tests.engine.safety.rehearsal import forecast_lines, rehearse
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.targets.budget import budget_of
    from isolation_tests.targets.resolve import resolve

    settings = gather(given, folder=Path.cwd())
    if settings.target is None:
        raise UsageProblem("No target is given; name the one whose run you want to know.")
    target = resolve(
        settings.target, options=settings.option_map(), known=settings.known, disposable=settings.disposable
    )
    budget, asked = budget_of(target.config, settings.limits()), profile(settings.profile or "ci")
    key = new_key(settings.seed_number())
    forecast = rehearse(target, asked, key)
    for line in forecast_lines(forecast, target.name, asked, key.seed, budget):
        console().print(line, markup=False)
    return int(ExitStatus.HELD)
