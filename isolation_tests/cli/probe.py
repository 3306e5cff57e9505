"""`isolation-tests probe`: reads a production system as two users that its operator made."""

from __future__ import annotations

import click

from isolation_tests.cli.common import OPTION_HELP, reports_errors

PROBE_STATUS = """Exit status: 0 neither user got the other's text, 1 violated, 2 inconclusive, 3 usage,
4 internal error."""


@click.command(epilog=PROBE_STATUS)
@click.argument("target")
@click.option("-O", "--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def probe(target: str, options: tuple[str, ...], verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Read the production system TARGET as its two probe users.

    TARGET is a file with environment = "production" and the two users, each with a text that only this user
    has stored. The command lists and searches as each, and writes and deletes nothing. It reaches no level.
    """
    del verbose
    from isolation_tests.engine.run import blaming
    from isolation_tests.engine.safety.probe import probe as probed
    from isolation_tests.targets.resolve import resolve
    from isolation_tests.targets.settings import Settings

    found = resolve(target, options=Settings(options=options).option_map(), known="none")
    with blaming(found.name):
        outcome = probed(found)
    for line in outcome.lines:
        click.echo(line)
    return outcome.status
