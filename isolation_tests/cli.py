"""The command line: run, sweep, calibrate, replay, report, targets, init, explain."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import click

from isolation_tests.problems import ExitStatus, Problem, UsageProblem, sentence

Command = TypeVar("Command", bound=Callable[..., Any])
TARGETS = """A target is a short name (mem0, reference), a .toml file, module:factory, file.py:factory, or
fault:NAME, a seeded fault in front of the reference (fault:NAME@TARGET: of another target)."""
STATUS = "Exit status: 0 held, 1 violated, 2 inconclusive or incomplete, 3 usage, 4 internal error."
CALIBRATE_STATUS = "Exit status: 0 every fault that fits was caught, 2 not, 3 usage, 4 internal error."
PROFILE_HELP = "How much to ask: quick (seconds), ci or hunt (long searches)."
FAULT_HELP = "Only this fault; may be given several times."
SEED_HELP = "Whole number that repeats a run's names and facts."
REPORT_HELP = "Folder for evidence and report; none: no files.  [default: reports/local]"
KNOWN_HELP = "TOML file of known findings instead of the target's; none: no known ones."
ENVIRONMENT_HELP = "Run in an environment with the releases that the target requires; made once, kept."
ANSWER_HELP = "The answer to a question, such as base_url=URL; may be given several times."
INTO_HELP = "Write the table into this file, between the two marks that it has for it."
STRENGTH_HELP = "Folder of a run of TARGET, to which the strength is added."
WORKERS_HELP = "Processes: a number, auto, or 0 for no others than this."
OPTION_HELP = "An option for the target's factory; may be given several times."
UNLOADED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""The user's own pytest set-up must not disturb `isolation-tests run`."""


def _target_options(command: Command) -> Command:
    for decorate in (
        click.option("-v", "--verbose", is_flag=True, help="Show each check, and tracebacks."),
        click.option("--seed", metavar="N", help=SEED_HELP),
        click.option("-O", "--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION_HELP),
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
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
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
    click.echo(f"isolation-tests: {sentence(error)}", err=True)


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
        except BrokenPipeError:
            # Nobody reads on; without this the interpreter would complain once more while it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(int(ExitStatus.INCONCLUSIVE))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click's, with the nearest command where there is none of that name."""
        near = get_close_matches(args[0], self.commands, n=1) if args else []
        if near and args[0] not in self.commands:
            ctx.fail(f"There is no command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=STATUS,
)
@click.version_option(package_name="isolation-tests")
def main() -> None:
    """Prove that an agent-memory system keeps its users apart, or show how it does not.

    Begin with `isolation-tests run reference`, then name your own system's adapter.
    """


@main.command(epilog=f"{TARGETS}\n\n{STATUS}")
@click.argument("target", required=False)
@click.option("--profile", metavar="NAME", help=f"{PROFILE_HELP}  [default: ci]")
@click.option("--report", metavar="DIR", help=REPORT_HELP)
@click.option("--known", metavar="FILE", help=KNOWN_HELP)
@click.option("-n", "--workers", metavar="N", default="auto", show_default=True, help=WORKERS_HELP)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@_target_options
@_told
def run(
    target: str | None,
    profile: str | None,
    report: str | None,
    known: str | None,
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
        return _elsewhere(["run", f"--workers={workers}"], given, options, verbose=verbose)
    arguments = [f"--isolation-{name}={value}" for name, value in given.items() if value is not None]
    arguments += [f"--isolation-option={option}" for option in options]
    if not re.fullmatch("auto|[0-9]{1,3}", workers):
        raise UsageProblem(f"--workers takes a number or auto, not {workers!r}.")
    arguments += [] if int(workers.replace("auto", "1")) == 0 else ["-n", workers, "--dist", "worksteal"]
    here = Path(__file__).parent
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
    from isolation_tests.environments import run_there
    from isolation_tests.settings import Settings, gather
    from isolation_tests.targets import resolve

    target = gather(Settings(target=given["target"]), folder=Path.cwd()).target
    if target is None:
        raise UsageProblem("No target was named: say which to run in an environment of its own.")
    flags = [f"--{name}={value}" for name, value in given.items() if value is not None and name != "target"]
    flags += [f"--option={option}" for option in options] + (["--verbose"] if verbose else [])
    named = [target] if command[0] == "run" else [f"--target={target}"]
    return run_there(resolve(target).config, [*command, *named, *flags])


@main.command(epilog=f"{TARGETS}\n\n{CALIBRATE_STATUS}")
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
@_target_options
@_told
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

    This measures the strength of a run: a fault that survives is a blind spot in front of this target.
    """
    del verbose
    from isolation_tests.calibration import calibrate as calibrated
    from isolation_tests.calibration import kill_table
    from isolation_tests.settings import Settings
    from isolation_tests.terminal import console

    settings = Settings(target=target, profile=profile, seed=seed, options=options)
    with console(stderr=True).status("planting faults") as status:
        outcome = calibrated(settings, only=names, workers=workers, tell=status.update)
    console().print(kill_table(outcome), soft_wrap=False)
    console().print(outcome.sentence(), markup=False)
    if report is not None:
        from isolation_tests.calibration import write_strength

        console().print(f"strength: {write_strength(report, outcome, settings)}", markup=False)
    return int(ExitStatus.HELD if outcome.complete else ExitStatus.INCONCLUSIVE)


@main.command(epilog="Exit status: 0 not reproduced, 1 reproduced, 2 error, 3 usage, 4 internal error.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="TARGET", help="Where to replay it.  [default: the target it was found in]")
@click.option(
    "--times",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    show_default=True,
    help="How often to try before giving up.",
)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@_target_options
@_told
def replay(
    file: Path,
    target: str | None,
    times: int,
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
        return _elsewhere(["replay", str(file), f"--times={times}"], given, options, verbose=verbose)
    from isolation_tests.replaying import replayed
    from isolation_tests.settings import Settings

    answer = replayed(file, Settings(target=target, seed=seed, options=options), times=times)
    click.echo(answer.text)
    return answer.status


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--profile", metavar="NAME", default="ci", show_default=True, help=PROFILE_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@_told
def sweep(folder: Path, names: tuple[str, ...], profile: str, verbose: bool) -> int:  # noqa: FBT001
    """Certify each TARGET, or all that are ready here, and keep what can be published in FOLDER/<target>.

    Evidence is compressed; replay files are left out. The exit status is the highest of all.
    """
    del verbose
    from isolation_tests.publishing import sweep as swept
    from isolation_tests.terminal import console, listing

    with console(stderr=True).status("certifying") as status:
        outcomes = swept(folder, names, profile=profile, tell=status.update)
    rows = [(one.target, str(one.status), one.sentence) for one in outcomes]
    console().print(listing("Verdicts", ("target", "status", "verdict"), rows), soft_wrap=False)
    return max((one.status for one in outcomes), default=int(ExitStatus.INCONCLUSIVE))


@main.group()
def report() -> None:
    """Read the evidence of earlier runs again."""


@report.command()
@click.argument("folder", type=click.Path(path_type=Path), default="reports")
@click.option("--into", type=click.Path(path_type=Path), metavar="FILE", help=INTO_HELP)
@_told
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
@_told
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


@main.command()
@click.argument("kind")
@click.argument("name", default="my-memory")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=".", help="Where to write.  [default: here]"
)
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help=ANSWER_HELP)
@click.option("--yes", is_flag=True, help="Ask nothing: take the default for what --set leaves open.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
@_told
def init(
    kind: str,
    name: str,
    folder: Path,
    given: tuple[str, ...],
    yes: bool,  # noqa: FBT001 - click passes it by name
    force: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Write the first files of a target: KIND is python (an adapter), http or mcp (a description).

    NAME is the target's short name. What is written runs at once, or says what is missing.
    """
    from isolation_tests.settings import Settings
    from isolation_tests.starting import next_question, next_steps, write_target

    answers = Settings(options=given).option_map()
    while not yes and (question := next_question(kind, name, answers)) is not None:
        answers[question.name] = click.prompt(question.text, default=question.default)
    for path in write_target(kind, name, folder, answers, overwrite=force):
        click.echo(f"wrote {path}")
    for step in next_steps(kind, name, folder, answers):
        click.echo(step)
    return int(ExitStatus.HELD)


@main.command()
@_told
def targets() -> int:
    """List the targets that can be named, whether they can run here, and the seeded faults."""
    from isolation_tests.faults import FAULTS
    from isolation_tests.targets import listed
    from isolation_tests.terminal import console, listing

    rows = [(name, title, status) for name, title, status in listed()]
    console().print(listing("Targets", ("target", "what it is", "status"), rows), soft_wrap=False)
    console().print(
        'An extra is installed with: pip install "isolation-tests[EXTRA]"\n'
        "An own environment is made by: isolation-tests run TARGET --own-environment\n",
        markup=False,
    )
    faults = [(f"fault:{fault.name}", fault.anomaly, fault.summary) for fault in FAULTS.values()]
    console().print(
        listing("Seeded faults", ("target", "anomaly", "what is planted"), faults), soft_wrap=False
    )
    return int(ExitStatus.HELD)


@main.command()
@click.argument("anomaly")
@_told
def explain(anomaly: str) -> int:
    """Explain an ANOMALY such as A1: its law, real cases, controls, and how it is usually fixed."""
    from isolation_tests.anomalies import CATALOGUE
    from isolation_tests.terminal import console

    wanted = next(
        (name for name in CATALOGUE if name.lower() == anomaly.split("-", maxsplit=1)[0].lower()), None
    )
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
