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
from isolation_tests.core.errors import UsageProblem

REPORT_HELP = "Folder for evidence and report; `none` writes no files.  [default: reports/local]"
KNOWN_HELP = "TOML file of known findings in place of the target's own; `none` ignores both."
JUNIT_HELP = "Also write a JUnit file, with the verdict, anomalies and findings of each check."
EXPORT_HELP = "Also write this file; its ending selects the format (.md, .sarif, ...); repeatable."
WORKERS_HELP = "Number of processes: a number, auto, or 0 for only this one."
UNLOADED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""Variables that keep the user's own pytest settings out of `isolation-tests run`."""


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
@reports_errors
def run(
    target: str | None,
    profile: str | None,
    report: str | None,
    known: str | None,
    junit: str | None,
    exports: tuple[str, ...],
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
    if own_environment:
        files = [f"--export={file}" for file in exports] + ([f"--junit={junit}"] if junit else [])
        command = ["run", f"--workers={workers}", *files]
        return run_elsewhere(command, given, options, disposable=disposable, verbose=verbose)
    arguments = [f"--isolation-{name}={value}" for name, value in given.items() if value is not None]
    arguments += [f"--isolation-export={file}" for file in exports]
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
