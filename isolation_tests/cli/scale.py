"""`isolation-tests scale`: tests a target with very many users."""

from __future__ import annotations

import re
from pathlib import Path

import click

from isolation_tests.cli.common import STATUS, TARGETS, reports_errors, target_options
from isolation_tests.core.errors import UsageProblem

USERS_HELP = "Number of users."
FACTS_HELP = "Most facts of a user."
SIZES_HELP = "`equal`: every user has that many facts; `zipf`: few have many, half of the users have one."
TOGETHER_HELP = "Most users in the store at once; older ones are deleted to make room.  [default: all]"
ANSWERS_HELP = "Begin no further range of users once so many answers were judged."
SECONDS_HELP = "Begin no further range of users after so many seconds."
SHARD_HELP = "Only this part of the users, such as 2/4; `report merge` joins the parts."
WORKERS_HELP = "Number of processes; they need a store that they all reach."
DASK_HELP = "Let the workers of this Dask cluster ask the shards (extra dask); needs --shards."
SHARDS_HELP = "With --dask: into how many shards to divide the users."
REPORT_HELP = "Folder for evidence, report and the lease file of an unfinished run.  [default: reports/scale]"
BUDGET_HELP = "A limit of the run, such as requests=5000 (see `run --help`); repeatable."
KNOWN_HELP = "TOML file of known findings in place of the target's own; `none` ignores both."


@click.command(epilog=f"{TARGETS}\n\n{STATUS}")
@click.argument("target")
@click.option("--users", type=int, metavar="N", required=True, help=USERS_HELP)
@click.option("--facts", type=int, metavar="K", default=1, show_default=True, help=FACTS_HELP)
@click.option(
    "--sizes", type=click.Choice(["equal", "zipf"]), default="equal", show_default=True, help=SIZES_HELP
)
@click.option("--together", type=int, metavar="N", help=TOGETHER_HELP)
@click.option("--answers", type=click.IntRange(1), metavar="N", help=ANSWERS_HELP)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), metavar="S", help=SECONDS_HELP)
@click.option("--shard", metavar="I/N", help=SHARD_HELP)
@click.option(
    "-n",
    "--workers",
    type=click.IntRange(1, 100),
    metavar="N",
    default=1,
    show_default=True,
    help=WORKERS_HELP,
)
@click.option("--dask", metavar="ADDRESS", help=DASK_HELP)
@click.option("--shards", type=click.IntRange(2), metavar="N", help=SHARDS_HELP)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="DIR", default="reports/scale", help=REPORT_HELP
)
@click.option("--known", metavar="FILE", help=KNOWN_HELP)
@click.option("--budget", multiple=True, metavar="KEY=VALUE", help=BUDGET_HELP)
@target_options
@reports_errors
def scale(
    target: str,
    users: int,
    facts: int,
    sizes: str,
    together: int | None,
    answers: int | None,
    seconds: float | None,
    shard: str | None,
    workers: int,
    dask: str | None,
    shards: int | None,
    report: Path,
    known: str | None,
    budget: tuple[str, ...],
    disposable: bool,  # noqa: FBT001 - click passes it by name
    seed: str | None,
    options: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Test TARGET with very many users, and write a report.

    Users come in ranges. Each range is stored, read back and probed: users search for their own fact, and
    with the words of users with related names, of strangers and of newcomers. A sample deletes everything.
    When all are stored, every user looks once more, and everything is deleted. The run ends with a bound for
    the rate of answers that show another user's fact, and with recall and latency by tenth of the users.

    A run that was stopped or killed goes on if you repeat the command.
    """
    from isolation_tests.reporting.formats.terminal import (
        Written,
        console,
        listing,
        print_header,
        print_summary,
        progress,
    )
    from isolation_tests.reporting.narrative.commands import rerun
    from isolation_tests.reporting.narrative.scale import DECILE_HEADINGS, decile_rows, scale_lines
    from isolation_tests.scale.cluster import run_on_cluster
    from isolation_tests.scale.run import Asked, run
    from isolation_tests.targets.settings import Settings

    settings = Settings(
        target=target, known=known, seed=seed, options=options, budget=budget, disposable=disposable
    )
    asked = Asked(users, facts, sizes, together, answers, seconds, _shard(shard), workers)
    if (dask is None) != (shards is None) or (dask is not None and (shard is not None or workers > 1)):
        raise UsageProblem("--dask and --shards go together, and without --shard and -n.")
    with progress(lines=verbose) as tell:
        if dask is None or shards is None:
            ended = run(settings, asked, report, tell)
        else:
            ended = run_on_cluster(settings, asked, report, dask, shards, tell)
    evidence, out = ended.evidence, console()
    print_header(evidence.header)
    again = dict.fromkeys((case.finding.key for case in ended.summary.cases), rerun(evidence.header))
    figures, question = evidence.footer.scale, evidence.header.scale
    if figures is not None and question is not None:
        rows = decile_rows(question, figures)
        out.print(listing("Recall and latency by tenth of the users", DECILE_HEADINGS, rows), soft_wrap=False)
        for line in scale_lines(figures):
            out.print(line, markup=False)
    print_summary(ended.summary, Written(ended.folder, again), evidence.footer.notes)
    if ended.unfinished:
        out.print(f"unfinished: {ended.unfinished}", markup=False)
    return ended.status


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None:
        raise UsageProblem(f"--shard must be a part and the number of parts, such as 2/4, not {text!r}.")
    return int(match[1]), int(match[2])
