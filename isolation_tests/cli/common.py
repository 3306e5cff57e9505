"""What all commands share: options, one sentence for an error, exit statuses."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isolation_tests.core.errors import SPEAKER, ExitStatus, Problem, UsageProblem, sentence

Command = TypeVar("Command", bound=Callable[..., Any])
STATUS = "Exit status: 0 held, 1 violated, 2 inconclusive or incomplete, 3 usage, 4 internal error."
TARGETS = """A target is a short name (mem0, reference), a .toml file, module:factory, file.py:factory, or
fault:NAME, a seeded fault in front of the reference (fault:NAME@TARGET: of another target)."""
PROFILE_HELP = "How much to ask: quick (seconds), ci or hunt (long searches)."
ENVIRONMENT_HELP = "Run in an environment with the releases that the target requires; made once, kept."
SEED_HELP = "Whole number that repeats a run's names and facts."
OPTION_HELP = "An option for the target's factory; may be given several times."


def target_options(command: Command) -> Command:
    """Add the options of every command that opens a target."""
    for decorate in (
        click.option("-v", "--verbose", is_flag=True, help="Show each check, and tracebacks."),
        click.option("--seed", metavar="N", help=SEED_HELP),
        click.option("-O", "--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION_HELP),
    ):
        command = decorate(command)
    return command


def reports_errors(command: Command) -> Command:
    """Turn what the user can mend into one sentence and an exit status; the rest is an internal error."""

    @wraps(command)
    def wrapped(*args: Any, **keywords: Any) -> None:
        try:
            status = command(*args, **keywords)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Problem as error:
            explain_error(error, verbose=bool(keywords.get("verbose")))
            status = int(error.status)
        except Exception as error:  # noqa: BLE001 - the last resort of a command line
            explain_error(error, verbose=bool(keywords.get("verbose")))
            click.echo("This is a defect of isolation-tests itself; -v shows where.", err=True)
            status = int(ExitStatus.INTERNAL)
        sys.exit(status)

    return wrapped  # type: ignore[return-value]  # same parameters, other result


def explain_error(error: Exception, *, verbose: bool) -> None:
    """One sentence on stderr; the traceback for whoever asked for it."""
    if verbose:
        traceback.print_exception(error)
    click.echo(f"{SPEAKER}{sentence(error)}", err=True)


def run_elsewhere(
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


class Group(click.Group):
    """Usage errors leave with 3, as in pytest runs; 2 means inconclusive here."""

    def main(self, *args: Any, **keywords: Any) -> Any:
        """As click's, with the designed exit statuses."""
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
