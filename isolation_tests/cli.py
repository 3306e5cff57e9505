"""The command line: run, calibrate, replay, report, targets, explain."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isolation_tests.problems import ExitStatus, Problem, UsageProblem

Command = TypeVar("Command", bound=Callable[..., Any])
PROFILE_HELP = "How much to ask: quick, ci (default) or hunt."
SEED_HELP = "Whole number that repeats a run's names and facts."
OPTION_HELP = "KEY=VALUE for the target's factory; may be given several times."


def _target_options(command: Command) -> Command:
    for decorate in (
        click.option("--seed", metavar="N", help=SEED_HELP),
        click.option("-O", "--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION_HELP),
        click.option("-v", "--verbose", is_flag=True, help="Show tracebacks."),
    ):
        command = decorate(command)
    return command


def _told(command: Command) -> Command:
    """Turn what the user can mend into one sentence and an exit status; the rest is an internal error."""

    @wraps(command)
    def wrapped(*args: Any, **keywords: Any) -> None:
        from isolation_tests.reporting.errors import EvidenceError

        try:
            status = command(*args, **keywords)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except (Problem, EvidenceError) as error:
            _explain(error, verbose=bool(keywords.get("verbose")))
            status = int(getattr(error, "status", ExitStatus.USAGE))
        except Exception as error:  # noqa: BLE001 - the last resort of a command line
            _explain(error, verbose=bool(keywords.get("verbose")))
            click.echo("This is a defect of isolation-tests itself; -v shows where.", err=True)
            status = int(ExitStatus.INTERNAL)
        sys.exit(status)

    return wrapped  # type: ignore[return-value]  # same parameters, other result


def _explain(error: Exception, *, verbose: bool) -> None:
    if verbose:
        traceback.print_exception(error)
    kind = "" if isinstance(error, Problem) or type(error).__module__.startswith("isolation_tests") else (
        f"{type(error).__name__}: "
    )
    click.echo(f"isolation-tests: {kind}{error}", err=True)


class _Group(click.Group):
    """Usage errors leave with 3, as in pytest runs; 2 means inconclusive here."""

    def main(self, *args: Any, **keywords: Any) -> Any:
        try:
            return super().main(*args, **{**keywords, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            sys.exit(int(ExitStatus.USAGE))
        except click.Abort:
            click.echo("Stopped.", err=True)
            sys.exit(int(ExitStatus.INCONCLUSIVE))


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 held, 1 violated, 2 inconclusive or incomplete, 3 usage, 4 internal error.",
)
@click.version_option(package_name="isolation-tests")
def main() -> None:
    """Prove that an agent-memory system keeps its users apart, or show how it does not."""


@main.command()
@click.argument("target", required=False)
@click.option("--profile", help=PROFILE_HELP)
@click.option("--report", metavar="DIR", help="Folder for evidence and report (default reports/local; none: no files).")
@click.option("--known", metavar="FILE", help="TOML file of known findings instead of the target's, or none.")
@click.option("-n", "--workers", default="auto", show_default=True, help="Processes: a number or auto.")
@_target_options
@_told
def run(
    target: str | None,
    profile: str | None,
    report: str | None,
    known: str | None,
    workers: str,
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,
) -> int:
    """Certify TARGET: a short name, a .toml file, module:factory, file.py:factory or fault:NAME."""
    import pytest

    given = {"target": target, "profile": profile, "report": report, "known": known, "seed": seed}
    arguments = [f"--isolation-{name}={value}" for name, value in given.items() if value is not None]
    arguments += [f"--isolation-option={option}" for option in options]
    if workers not in ("auto", "logical") and not workers.isdecimal():
        raise UsageProblem(f"--workers takes a number or auto, not {workers!r}.")
    arguments += [] if workers == "0" else ["-n", workers, "--dist", "worksteal"]
    here = Path(__file__).parent
    return int(
        pytest.main(
            [
                f"--config-file={here / 'certify.ini'}",
                f"--rootdir={here}",
                *([] if verbose else ["--tb=no"]),
                *(["-v"] if verbose else ["-q"]),
                "-rN",
                "--no-header",
                *arguments,
                str(here / "properties"),
            ]
        )
    )


@main.command()
@click.argument("target", default="reference")
@click.option("--profile", default="ci", show_default=True, help=PROFILE_HELP)
@click.option("--fault", "names", multiple=True, metavar="NAME", help="Only this fault; may be repeated.")
@click.option("-n", "--workers", default=0, show_default="one for each core", help="Processes.")
@_target_options
@_told
def calibrate(
    target: str,
    profile: str,
    names: tuple[str, ...],
    workers: int,
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,
) -> int:
    """Plant every seeded fault in front of TARGET, one at a time, and show which ones are caught."""
    del verbose
    from isolation_tests.calibration import calibrate as calibrated
    from isolation_tests.calibration import kill_table
    from isolation_tests.settings import Settings
    from isolation_tests.terminal import console

    settings = Settings(target=target, profile=profile, seed=seed, options=options)
    with console().status("planting faults") as status:
        outcome = calibrated(settings, only=names, workers=workers, tell=status.update)
    console().print(kill_table(outcome), soft_wrap=False)
    console().print(outcome.sentence(), markup=False)
    return int(ExitStatus.HELD if outcome.complete else ExitStatus.INCONCLUSIVE)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", help="Where to replay it (default: the target it was found in).")
@click.option("--times", default=20, show_default=True, help="How often to try before giving up.")
@_target_options
@_told
def replay(
    file: Path, target: str | None, times: int, seed: str | None, options: tuple[str, ...], verbose: bool
) -> int:
    """Perform a finding again: says reproduced (exit 1), not reproduced (exit 0) or error (exit 2)."""
    del verbose
    from isolation_tests.replaying import replayed
    from isolation_tests.settings import Settings

    answer = replayed(file, Settings(target=target, seed=seed, options=options), times=times)
    click.echo(answer.text)
    return answer.status


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports/local")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@_told
def report(folder: Path, verbose: bool) -> int:
    """Read a run's evidence again and rewrite its page; refuses evidence that is not whole."""
    del verbose
    from isolation_tests.reporting.evidence import read
    from isolation_tests.reporting.html import write_html
    from isolation_tests.reporting.summary import summarise
    from isolation_tests.reporting.text import verdict_line
    from isolation_tests.terminal import console

    evidence = read(folder)
    stale = (*evidence.footer.unmatched_known, *evidence.footer.expired_known)
    page = write_html(evidence, (folder if folder.is_dir() else folder.parent) / "report.html")
    console().print(f"report: {page}", markup=False)
    console().print(verdict_line(summarise(evidence.header, evidence.results, stale)), markup=False)
    return int(evidence.footer.exit_status)


@main.command()
@_told
def targets() -> int:
    """List the targets that can be named, and the seeded faults."""
    from rich.table import Table

    from isolation_tests.faults import FAULTS
    from isolation_tests.targets import listed
    from isolation_tests.terminal import console

    table = Table("target", "what it is", "status", title="Targets", title_justify="left")
    for name, title, status in listed():
        table.add_row(name, title, status)
    console().print(table, soft_wrap=False)
    faults = Table("target", "anomaly", "what is planted", title="Seeded faults", title_justify="left")
    for fault in FAULTS.values():
        faults.add_row(f"fault:{fault.name}", fault.anomaly, fault.summary)
    console().print(faults, soft_wrap=False)
    return int(ExitStatus.HELD)


@main.command()
@click.argument("anomaly")
@_told
def explain(anomaly: str) -> int:
    """Explain an anomaly: its law, real cases, what it is evidence for and how it is usually fixed."""
    from difflib import get_close_matches

    from isolation_tests.anomalies import CATALOGUE
    from isolation_tests.terminal import console

    wanted = next((name for name in CATALOGUE if name.lower() == anomaly.split("-")[0].lower()), None)
    if wanted is None:
        near = get_close_matches(anomaly.upper(), CATALOGUE, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CATALOGUE)}."
        raise UsageProblem(f"There is no anomaly {anomaly!r}; {hint}")
    entry = CATALOGUE[wanted]
    lines = [
        f"{entry.id} {entry.name} ({entry.severity}, looked for from level {entry.level})",
        f"law:       {entry.law}",
        f"cases:     {', '.join(entry.cases) or 'none recorded'}",
        f"weakness:  {', '.join(entry.cwe) or 'none recorded'}",
        f"evidence for controls: {', '.join(entry.controls) or 'none'}",
        f"usual fix: {entry.fix}",
        *([f"note:      {entry.note}"] if entry.note else []),
    ]
    for line in lines:
        console().print(line, markup=False)
    return int(ExitStatus.HELD)
