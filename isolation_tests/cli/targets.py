"""Commands to start with: init, targets and explain; and environments, for what was installed for targets."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from isolation_tests.cli.common import reports_errors
from isolation_tests.core.errors import ExitStatus, UsageProblem
from isolation_tests.core.inert import plain

ANSWER_HELP = "The answer to one of the questions, such as base_url=URL; repeatable."
OPENAPI_HELP = "For http: propose the description from the service's OpenAPI document (JSON or YAML)."


@click.command()
@click.argument("kind")
@click.argument("name", default="my-memory")
@click.option("--folder", type=click.Path(path_type=Path), default=".", help="Where to write.  [default: .]")
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help=ANSWER_HELP)
@click.option("--openapi", "document", type=click.Path(path_type=Path), metavar="FILE", help=OPENAPI_HELP)
@click.option("--yes", is_flag=True, help="Ask no questions; use defaults for all that --set leaves open.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@reports_errors
def init(
    kind: str,
    name: str,
    folder: Path,
    given: tuple[str, ...],
    document: Path | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    force: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Write the first files of a new target.

    KIND is python (an adapter), process (a bridge in JavaScript), http (a description of an HTTP service) or
    mcp (of an MCP server). NAME is the target's short name. The files work right away, or a run says what to
    add. With --openapi, no questions are asked: the terminal says what the document led to and what is left.
    """
    from isolation_tests.targets.scaffold import next_question, next_steps, write_target
    from isolation_tests.targets.settings import Settings

    answers = Settings(options=given).option_map()
    if document is not None:
        return _from_document(kind, document, name, folder, answers, overwrite=force)
    while not yes and (question := next_question(kind, name, answers)) is not None:
        answers[question.name] = click.prompt(question.text, default=question.default)
    for path in write_target(kind, name, folder, answers, overwrite=force):
        click.echo(f"wrote {path}")
    for step in next_steps(kind, name, folder, answers):
        click.echo(step)
    return int(ExitStatus.HELD)


def _from_document(
    kind: str, document: Path, name: str, folder: Path, answers: dict[str, str], *, overwrite: bool
) -> int:
    """Write the target's file that an OpenAPI document suggests, and say why."""
    from isolation_tests.targets.openapi.target import write_from_document

    if kind != "http":
        raise UsageProblem(
            f"--openapi describes an HTTP service; write `isolation-tests init http`, not {kind!r}."
        )
    written = write_from_document(document, name, folder, answers, overwrite=overwrite)
    for line in (*written.told, f"wrote {written.path}", *written.steps):
        click.echo(plain(line))
    return int(ExitStatus.HELD)


@click.command()
@reports_errors
def targets() -> int:
    """List the targets, what they need, and the seeded faults."""
    from isolation_tests.faults import FAULTS
    from isolation_tests.reporting.formats.terminal import console, listing
    from isolation_tests.targets.resolve import listed

    rows = [(name, title, status) for name, title, status in listed()]
    console().print(listing("Targets", ("target", "what it is", "status"), rows), soft_wrap=False)
    console().print(
        'To install an extra: pip install "isolation-tests[EXTRA]"\n'
        "To run in a separate environment: isolation-tests run TARGET --own-environment\n",
        markup=False,
    )
    faults = [(f"fault:{fault.name}", fault.anomaly, fault.summary) for fault in FAULTS.values()]
    console().print(
        listing("Seeded faults", ("target", "anomaly", "what is planted"), faults), soft_wrap=False
    )
    return int(ExitStatus.HELD)


@click.command()
@click.option("--remove", "ids", multiple=True, metavar="ID", help="Remove this one; repeatable.")
@click.option("--remove-all", "everything", is_flag=True, help="Remove all of them.")
@reports_errors
def environments(
    ids: tuple[str, ...],
    everything: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """List what --own-environment has installed, or remove it.

    It is kept in your cache folder. A run that needs it again installs it again.
    """
    from isolation_tests.reporting.formats.terminal import console, listing
    from isolation_tests.targets.kept import kept, remove

    for id in [one.id for one in kept()] if everything else ids:
        gone = remove(id)
        click.echo(f"removed {gone.id} ({_megabytes(gone.bytes)})")
    left = kept()
    if not left:
        click.echo("Nothing is installed for targets.")
    elif not (ids or everything):
        rows = [
            (one.id, ", ".join(one.holds) or "not finished", f"{one.made:%Y-%m-%d}", _megabytes(one.bytes))
            for one in left
        ]
        headings = ("id", "what was installed", "on", "size")
        console().print(listing("Environments", headings, rows), soft_wrap=False)
        click.echo(f"In {left[0].folder.parent.parent}. Remove one with --remove ID.")
    return int(ExitStatus.HELD)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


@click.command()
@click.argument("anomaly")
@reports_errors
def explain(anomaly: str) -> int:
    """Explain an ANOMALY such as A1: its law, cases and usual fix."""
    from isolation_tests.catalogue import CATALOGUE
    from isolation_tests.reporting.formats.terminal import console
    from isolation_tests.reporting.narrative.controls import CONTROLS

    wanted = next(
        (name for name in CATALOGUE if name.lower() == anomaly.split("-", maxsplit=1)[0].lower()), None
    )
    if wanted is None:
        near = get_close_matches(anomaly.upper(), CATALOGUE, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}?" if near else f"the anomalies are {', '.join(CATALOGUE)}."
        raise UsageProblem(f"There is no anomaly {anomaly!r}; {hint}")
    entry = CATALOGUE[wanted]
    lines = [
        f"{entry.id} {entry.name} ({entry.severity}, tested from level {entry.level})",
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
