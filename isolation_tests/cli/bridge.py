"""`isolation-tests bridge`: for the authors of bridges, which are programs in any language."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import click

from isolation_tests.cli.common import OPTION_HELP, reports_errors
from isolation_tests.core.errors import ExitStatus, UsageProblem

SCHEMA = "protocol-1.schema.json"


@click.group()
def bridge() -> None:
    """Check a bridge, or print the protocol's JSON Schema."""


@bridge.command("check", epilog="Exit status: 0 it keeps to the protocol, 2 it does not, 3 usage.")
@click.argument("command")
@click.option("--seconds", type=float, default=20.0, show_default=True, help="Limit for each call.")
@click.option("-O", "--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION_HELP)
@reports_errors
def check(command: str, seconds: float, options: tuple[str, ...]) -> int:
    """Start COMMAND and check that it keeps to the bridge protocol.

    COMMAND is one text, such as "node my-bridge.mjs". The check writes and deletes as users that it makes up.
    """
    from isolation_tests.adapter import BadOption, Unavailable
    from isolation_tests.targets.settings import Settings

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageProblem(f"{command!r} is not a command ({error}); quote it as in a shell.") from error
    if not words or seconds <= 0:
        raise UsageProblem("Name a command, and a limit above 0 seconds.")
    try:
        return asyncio.run(_checked(words, seconds, Settings(options=options).option_map()))
    except (BadOption, Unavailable) as error:
        raise UsageProblem(str(error).removeprefix("options.command: ")) from error


async def _checked(words: list[str], seconds: float, options: dict[str, str]) -> int:
    from isolation_tests.adapters.process.conformance import check as checking
    from isolation_tests.core.inert import inert

    status = ExitStatus.HELD
    async for outcome in checking(words, folder=Path.cwd(), options=options, seconds=seconds):
        said = outcome.problem or outcome.note
        click.echo(
            f"{'FAILED' if outcome.problem else 'ok':6}  {outcome.rule}"
            + (f": {inert(said)}" if said else "")
        )
        status = ExitStatus.INCONCLUSIVE if outcome.problem else status
    return int(status)


@bridge.command("schema")
@reports_errors
def schema() -> int:
    """Print the JSON Schema of the protocol's lines."""
    from isolation_tests.adapters import process

    click.echo(Path(process.__file__).with_name(SCHEMA).read_text(encoding="utf-8"), nl=False)
    return int(ExitStatus.HELD)
