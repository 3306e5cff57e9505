"""What all commands share: options, one sentence for an error, exit statuses."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

import click

from isolation_tests.core.errors import SPEAKER, ExitStatus, Problem, sentence

Command = TypeVar("Command", bound=Callable[..., Any])
STATUS = "Exit status: 0 held, 1 violated, 2 inconclusive or incomplete, 3 usage, 4 internal error."
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


def told(command: Command) -> Command:
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
