"""`isolation-tests clean`: deletes what the test users of killed runs left behind."""

from __future__ import annotations

import click

from isolation_tests.cli.common import TARGETS, reports_errors, target_options
from isolation_tests.core.errors import ExitStatus, UsageProblem

CLEAN_STATUS = "Exit status: 0 nothing is left, 2 some users are left, 3 usage, 4 internal error."
RUN_HELP = "Clean this run: from its journal, and whatever TARGET lists under the run's names."
OLDER_HELP = "Clean every dead run that began longer ago, such as 30m, 12h or 1d."
ALL_HELP = "Clean every dead run of TARGET that was started here."


@click.command(epilog=f"{TARGETS}\n\n{CLEAN_STATUS}")
@click.argument("target")
@click.option("--run", "run_id", metavar="ID", help=RUN_HELP)
@click.option("--older-than", "older", metavar="AGE", help=OLDER_HELP)
@click.option("--all-mine", is_flag=True, help=ALL_HELP)
@target_options
@reports_errors
def clean(
    target: str,
    run_id: str | None,
    older: str | None,
    all_mine: bool,  # noqa: FBT001 - click passes it by name
    disposable: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Delete what killed runs left on TARGET.

    Every run keeps a journal of its test users on this machine, and removes it once they are deleted. This
    command deletes what the journals of dead runs still list, and nothing else. Give the options of the run
    again. What can't be deleted is listed by name, and stays in the journal.
    """
    del seed, verbose
    from isolation_tests.engine.run import blaming
    from isolation_tests.engine.safety.cleaning import age, clean_record, clean_run, dead_runs, selected
    from isolation_tests.targets.resolve import resolve
    from isolation_tests.targets.settings import Settings

    if sum([run_id is not None, older is not None, all_mine]) != 1:
        raise UsageProblem("Say which runs to clean: with --run ID, --older-than AGE or --all-mine.")
    settings = Settings(target=target, options=options, disposable=disposable)
    opened = resolve(target, options=settings.option_map(), known="none", disposable=disposable)
    dead = dead_runs(opened)
    with blaming(opened.name):
        if run_id is not None:
            outcomes = [clean_run(run_id, opened, dead)]
        else:
            chosen = selected(dead, run_id=None, older=None if older is None else age(older))
            outcomes = [clean_record(record, opened) for record in chosen]
    for outcome in outcomes:
        click.echo(outcome.sentence())
    if not outcomes:
        click.echo("There is nothing to clean.")
    return int(ExitStatus.INCONCLUSIVE if any(each.left for each in outcomes) else ExitStatus.HELD)
