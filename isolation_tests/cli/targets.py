"""Commands for a beginning: init, targets, explain."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from isolation_tests.cli.common import reports_errors
from isolation_tests.core.errors import ExitStatus, UsageProblem

ANSWER_HELP = "The answer to a question, such as base_url=URL; may be given several times."


@click.command()
@click.argument("kind")
@click.argument("name", default="my-memory")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=".", help="Where to write.  [default: here]"
)
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help=ANSWER_HELP)
@click.option("--yes", is_flag=True, help="Ask nothing: take the default for what --set leaves open.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
@reports_errors
def init(
    kind: str,
    name: str,
    folder: Path,
    given: tuple[str, ...],
    yes: bool,  # noqa: FBT001 - click passes it by name
    force: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Write the first files of a target: KIND is python (an adapter), http or mcp (a description).

    NAME is the target's short name. What is written runs at once, or says what is missing.
    """
    from isolation_tests.targets.scaffold import next_question, next_steps, write_target
    from isolation_tests.targets.settings import Settings

    answers = Settings(options=given).option_map()
    while not yes and (question := next_question(kind, name, answers)) is not None:
        answers[question.name] = click.prompt(question.text, default=question.default)
    for path in write_target(kind, name, folder, answers, overwrite=force):
        click.echo(f"wrote {path}")
    for step in next_steps(kind, name, folder, answers):
        click.echo(step)
    return int(ExitStatus.HELD)


@click.command()
@reports_errors
def targets() -> int:
    """List the targets that can be named, whether they can run here, and the seeded faults."""
    from isolation_tests.faults import FAULTS
    from isolation_tests.reporting.formats.terminal import console, listing
    from isolation_tests.targets.resolve import listed

    rows = [(name, title, status) for name, title, status in listed()]
    console().print(listing("Targets", ("target", "what it is", "status"), rows), soft_wrap=False)
    console().print(
        'An extra is installed with: pip install "isolation-tests[EXTRA]"\n'
        "An own environment is made by: isolation-tests run TARGET --own-environment\n",
        markup=False,
    )
    faults = [(f"fault:{fault.name}", fault.anomaly, fault.summary) for fault in FAULTS.values()]
    console().print(
        listing("Seeded faults", ("target", "anomaly", "what is planted"), faults), soft_wrap=False
    )
    return int(ExitStatus.HELD)


@click.command()
@click.argument("anomaly")
@reports_errors
def explain(anomaly: str) -> int:
    """Explain an ANOMALY such as A1: its law, real cases, controls, and how it is usually fixed."""
    from isolation_tests.catalogue import CATALOGUE
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.reporting.narrative.controls import CONTROLS

    wanted = next(
        (name for name in CATALOGUE if name.lower() == anomaly.split("-", maxsplit=1)[0].lower()), None
    )
    if wanted is None:
        near = get_close_matches(anomaly.upper(), CATALOGUE, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CATALOGUE)}."
        raise UsageProblem(f"There is no anomaly {anomaly!r}; {hint}")
    entry = CATALOGUE[wanted]
    lines = [
        f"{entry.id} {entry.name} ({entry.severity}, looked for from level {entry.level})",
        f"law:       {entry.law}",
        f"cases:     {', '.join(entry.cases) or 'none recorded'}",
        f"weakness:  {', '.join(entry.cwe) or 'none recorded'}",
        f"evidence for controls: {', '.join(CONTROLS[key].label for key in entry.controls) or 'none'}",
        f"usual fix: {entry.fix}",
        *([f"note:      {entry.note}"] if entry.note else []),
    ]
    for line in lines:
        console().print(line, markup=False)
    return int(ExitStatus.HELD)
