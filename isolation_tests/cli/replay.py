"""`isolation-tests replay`: replays a recorded finding."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.common import ENVIRONMENT_HELP, reports_errors, run_elsewhere, target_options

TIMES_HELP = "How often to try at most.  [default: 20, or more if the finding was rare]"


@click.command(epilog="Exit status: 0 not reproduced, 1 reproduced, 2 error, 3 usage, 4 internal error.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="TARGET", help="Target to replay on.  [default: the one that showed it]")
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
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Replay the finding in FILE.

    A run writes such a FILE into its folder findings/. The command prints reproduced, not reproduced, or
    error. The target and its options are those of the run unless you give others.
    """
    if own_environment:
        given = {"target": target, "seed": seed}
        often = [] if times is None else [f"--times={times}"]
        return run_elsewhere(["replay", str(file), *often], given, options, verbose=verbose)
    from isolation_tests.engine.replay import replayed
    from isolation_tests.targets.settings import Settings

    answer = replayed(file, Settings(target=target, seed=seed, options=options), times=times)
    click.echo(answer.text)
    return answer.status
