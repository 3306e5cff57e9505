"""The export formats: the file ending of each, and the function that renders it.

Each format renders whole evidence to text. A format may leave out what it can't express, but it never claims
more than the evidence does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.core.errors import UsageProblem
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.strength import BadStrengthError, read_strength
from isolation_tests.reporting.formats import badge, csv_table, ctrf, markdown, oscal, sarif
from isolation_tests.reporting.html.page import beside, render_html

__all__ = ["FORMATS", "STDOUT", "Format", "Output", "encoded", "is_output", "outputs", "write_outputs"]

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Format:
    """A format's name, file ending and renderer.

    ending: identifies the format of a file. purpose: what it is for, in a few words. render: takes whole
    evidence and its folder, which may also hold the measured strength, and returns text.
    """

    name: str
    ending: str
    media_type: str
    purpose: str
    render: Callable[[Evidence, Path], str]


@dataclass(frozen=True, slots=True)
class Output:
    """One export: a format and its destination, a file or `-` for standard output."""

    kind: Format
    place: str


def _html(evidence: Evidence, folder: Path) -> str:
    return render_html(evidence, beside(folder))


def _markdown(evidence: Evidence, folder: Path) -> str:
    try:
        return markdown.render(evidence, read_strength(folder))
    except BadStrengthError as error:
        return markdown.render(evidence, str(error))


def _alone(render: Callable[[Evidence], str]) -> Callable[[Evidence, Path], str]:
    """A renderer for a format that needs the evidence only."""
    return lambda evidence, _: render(evidence)


_ALL = (
    Format("html", ".html", "text/html", "people: the whole report in one file", _html),
    Format(
        "markdown",
        ".md",
        "text/markdown",
        "a pull-request comment or a job summary: at most 60,000 bytes",
        _markdown,
    ),
    Format("csv", ".csv", "text/csv", "spreadsheets: one row per finding", _alone(csv_table.render)),
    Format("ctrf", ".ctrf.json", "application/json", "dashboards of test results", _alone(ctrf.render)),
    Format("sarif", ".sarif", "application/sarif+json", "code scanning", _alone(sarif.render)),
    Format(
        "oscal",
        ".oscal.json",
        "application/json",
        "assessment tools: test evidence for named controls",
        _alone(oscal.render),
    ),
    Format(
        "badge",
        ".badge.json",
        "application/json",
        "an endpoint badge: verdict, level and date",
        _alone(badge.render),
    ),
)
FORMATS: dict[str, Format] = {kind.name: kind for kind in _ALL}


def outputs(places: Iterable[str], name: str | None = None) -> tuple[Output, ...]:
    """The exports to write: in the named format, or in the format of each file's ending.

    Raises `UsageProblem` for an unknown format or ending, and for a file that is named twice.
    """
    found = tuple(Output(_named(name) if name else _by_ending(place), place) for place in places)
    twice = {one.place for one in found if sum(other.place == one.place for other in found) > 1}
    if twice:
        raise UsageProblem(f"{min(twice)} is named twice; name each file once.")
    return found


def is_output(place: str) -> bool:
    """Whether this is standard output or a file with the ending of a format."""
    return place == STDOUT or any(place.lower().endswith(kind.ending) for kind in FORMATS.values())


def encoded(text: str) -> bytes:
    """A rendered text as UTF-8; characters that UTF-8 can't encode are escaped."""
    return text.encode("utf-8", "backslashreplace")


def write_outputs(evidence: Evidence, wanted: Iterable[Output], *, folder: Path, into: Path) -> list[Path]:
    """Write each file atomically; return the paths. Standard output is skipped.

    folder: holds the evidence. into: the folder that file names are relative to. Raises `NotWritable` for the
    first file that can't be written.
    """
    return [
        write_whole(into / one.place, encoded(one.kind.render(evidence, folder)))
        for one in wanted
        if one.place != STDOUT
    ]


def _named(name: str) -> Format:
    if name not in FORMATS:
        raise UsageProblem(f"There is no format {name!r}; choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def _by_ending(place: str) -> Format:
    for kind in FORMATS.values():
        if place.lower().endswith(kind.ending):
            return kind
    known = ", ".join(f"{kind.ending} ({kind.name})" for kind in FORMATS.values())
    raise UsageProblem(
        f"No format has the file ending of {place!r}; choose one of {known}, or give --format."
    )
