"""`isolation-tests replay`: replays a recorded finding."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.common import ENVIRONMENT_HELP, reports_errors, run_elsewhere, target_options

TARGET_HELP = "Target to replay on.  [default: the one in FILE, if it comes with isolation-tests]"
TIMES_HELP = "How often to try at most.  [default: 20, or more if the finding was rare]"


@click.command(epilog="Exit status: 0 not reproduced, 1 reproduced, 2 error, 3 usage, 4 internal error.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="TARGET", help=TARGET_HELP)
@click.option(
    "--times",
    type=click.IntRange(1),
    metavar="N",
    help=TIMES_HELP,
)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@target_options
@reports_errors
def replay(
    file: Path,
    target: str | None,
    times: int | None,
    own_environment: bool,  # noqa: FBT001 - click passes it by name
    disposable: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Replay the finding in FILE.

    A run writes such a FILE into its folder findings/, and its report shows the whole command. The command
    prints reproduced, not reproduced, or error. FILE selects the target only if it is one that comes with
    isolation-tests; name any other with --target, and give the options of the run again with -O.
    """
    from isolation_tests.engine.replay import replayed, target_named

    if own_environment:
        from isolation_tests.reporting.evidence.replay_file import read_replay

        given = {"target": target_named(file, read_replay(file), target), "seed": seed}
        often = [] if times is None else [f"--times={times}"]
        command = ["replay", str(file), *often]
        return run_elsewhere(command, given, options, disposable=disposable, verbose=verbose)
    from isolation_tests.targets.settings import Settings

    settings = Settings(target=target, seed=seed, options=options, disposable=disposable)
    answer = replayed(file, settings, times=times)
    click.echo(answer.text)
    return answer.status
