"""`isolation-tests replay`: replays a recorded finding."""

from __future__ import annotations

from pathlib import Path

import click

from isolation_tests.cli.common import ENVIRONMENT_HELP, reports_errors, run_elsewhere, target_options
from isolation_tests.core.errors import ExitStatus, UsageProblem

TARGET_HELP = "Target to replay on.  [default: the one in FILE, if it comes with isolation-tests]"
TIMES_HELP = "How often to try at most.  [default: 20, or more if the finding was rare]"
TEST_HELP = "Replay nothing: write the finding as a pytest test that fails as long as it shows."
FIXTURE_HELP = "With --as-test: the fixture that gives the memory.  [default: isolation_memory]"
FORCE_HELP = "With --as-test: overwrite an existing file."


@click.command(epilog="Exit status: 0 not reproduced, 1 reproduced, 2 error, 3 usage, 4 internal error.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="TARGET", help=TARGET_HELP)
@click.option(
    "--times",
    type=click.IntRange(1),
    metavar="N",
    help=TIMES_HELP,
)
@click.option("--as-test", type=click.Path(path_type=Path), metavar="TEST.py", help=TEST_HELP)
@click.option("--fixture", metavar="NAME", help=FIXTURE_HELP)
@click.option("--force", is_flag=True, help=FORCE_HELP)
@click.option("--own-environment", is_flag=True, help=ENVIRONMENT_HELP)
@target_options
@reports_errors
def replay(
    file: Path,
    target: str | None,
    times: int | None,
    as_test: Path | None,
    fixture: str | None,
    force: bool,  # noqa: FBT001 - click passes it by name
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

    With --as-test, the finding becomes a test of your own project. It tests the target of FILE if that comes
    with isolation-tests, or the one of --target, or what the fixture isolation_memory gives.
    """
    if as_test is not None:
        from isolation_tests.cli.as_test import Wanted, write_test

        if own_environment or disposable or seed is not None:
            raise UsageProblem(
                "--own-environment, --disposable and --seed do not go with --as-test, which runs nothing; "
                "leave them out."
            )
        click.echo(write_test(file, Wanted(as_test, target, fixture, options, times, force)))
        return int(ExitStatus.HELD)
    if fixture is not None or force:
        raise UsageProblem("--fixture and --force go with --as-test only.")
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
