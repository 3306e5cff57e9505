"""Shared by all commands: options, error messages and exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isolation_tests.core.errors import SPEAKER, ExitStatus, Problem, UsageProblem, sentence, traced
from isolation_tests.core.inert import plain

Command = TypeVar("Command", bound=Callable[..., Any])
STATUS = "Exit status: 0 held, 1 violated, 2 inconclusive or incomplete, 3 usage, 4 internal error."
TARGETS = """TARGET is a short name (mem0, reference), a .toml file, module:factory, file.py:factory,
scoped:TARGET (ScopedMemory in front of a target), or fault:NAME@TARGET (a seeded fault in front of a target;
without @TARGET, in front of reference). `isolation-tests targets` lists the short names and the faults."""
PROFILE_HELP = "How much to test: quick (seconds), ci, or hunt (long searches)."
ENVIRONMENT_HELP = "Use a separate environment with the releases that the target requires; it is kept."
SEED_HELP = "Whole number that repeats the people, facts and sequences of a run."
DISPOSABLE_HELP = "A run may destroy TARGET's whole store: users with hostile names write and delete too."
OPTION_HELP = "An option for the target's factory; repeatable."


def target_options(command: Command) -> Command:
    """Add the options of every command that opens a target."""
    for decorate in (
        click.option("-v", "--verbose", is_flag=True, help="Show each check and tracebacks."),
        click.option("--disposable", is_flag=True, help=DISPOSABLE_HELP),
        click.option("--seed", metavar="N", help=SEED_HELP),
        click.option("-O", "--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION_HELP),
    ):
        command = decorate(command)
    return command


def reports_errors(command: Command) -> Command:
    """Turn errors that the user can fix into one sentence and an exit status; others are internal errors."""

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
            click.echo("This is a bug in isolation-tests; -v shows the traceback.", err=True)
            status = int(ExitStatus.INTERNAL)
        sys.exit(status)

    return wrapped  # type: ignore[return-value]  # same parameters, other result


def explain_error(error: Exception, *, verbose: bool) -> None:
    """Write one sentence to stderr, and with -v the traceback."""
    if verbose:
        click.echo(traced(error), err=True)
    click.echo(f"{SPEAKER}{plain(sentence(error))}", err=True)


def run_elsewhere(
    command: list[str],
    given: dict[str, str | None],
    options: tuple[str, ...],
    *,
    disposable: bool,
    verbose: bool,
) -> int:
    """Run the same command in the target's own environment, without --own-environment."""
    from isolation_tests.targets.environments import run_there
    from isolation_tests.targets.resolve import resolve
    from isolation_tests.targets.settings import Settings, gather

    target = gather(Settings(target=given["target"]), folder=Path.cwd()).target
    if target is None:
        raise UsageProblem("No target is given; name the one to run in its own environment.")
    flags = [f"--{name}={value}" for name, value in given.items() if value is not None and name != "target"]
    flags += [f"--option={option}" for option in options]
    flags += [f"--{name}" for name, on in (("disposable", disposable), ("verbose", verbose)) if on]
    named = [target] if command[0] == "run" else [f"--target={target}"]
    return run_there(resolve(target).config, [*command, *named, *flags])


class Group(click.Group):
    """Ends with 3 for usage errors, because 2 means inconclusive."""

    def main(self, *args: Any, **keywords: Any) -> Any:
        """Like click's own method, but with this suite's exit statuses."""
        try:
            return super().main(*args, **{**keywords, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            sys.exit(int(ExitStatus.USAGE))
        except click.Abort:
            click.echo("Stopped.", err=True)
            sys.exit(int(ExitStatus.INCONCLUSIVE))
        except BrokenPipeError:
            # The reader has gone; without this, the interpreter would print another error when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(int(ExitStatus.INCONCLUSIVE))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Like click's own method, but with the most similar command if there is none of that name."""
        near = get_close_matches(args[0], self.commands, n=1) if args else []
        if near and args[0] not in self.commands:
            ctx.fail(f"There is no command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)
