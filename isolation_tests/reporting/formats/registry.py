"""The formats in which a run can be exported: which file ending each has, and who writes it.

A format's module is imported when it is asked for. Each renders whole evidence to text; what it can't show it
leaves out, and nothing that it shows says more than the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from isolation_tests.core.errors import UsageProblem
from isolation_tests.reporting.evidence.errors import NotWritable
from isolation_tests.reporting.evidence.evidence import Evidence

__all__ = ["FORMATS", "STDOUT", "Format", "Output", "encoded", "is_output", "outputs", "write_outputs"]

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is named and written.

    ending: of its files, by which it is recognised. render: takes whole evidence and the folder it lies in,
    where a strength or a certificate may lie too, and returns text.
    """

    name: str
    ending: str
    media_type: str
    render: Callable[[Evidence, Path], str]


@dataclass(frozen=True, slots=True)
class Output:
    """One thing to write: a format, and the file it goes to (`-`: standard output)."""

    kind: Format
    place: str


def _html(evidence: Evidence, folder: Path) -> str:
    from isolation_tests.reporting.html.page import beside, render_html

    return render_html(evidence, beside(folder))


def _markdown(evidence: Evidence, folder: Path) -> str:
    from isolation_tests.reporting.evidence.strength import BadStrengthError, read_strength
    from isolation_tests.reporting.formats.markdown import render

    try:
        return render(evidence, read_strength(folder))
    except BadStrengthError as error:
        return render(evidence, str(error))


def _of(module: str) -> Callable[[Evidence, Path], str]:
    """The `render` of a module that needs the evidence only."""

    def render(evidence: Evidence, _: Path) -> str:
        written = cast(
            "Callable[[Evidence], str]", import_module(f"isolation_tests.reporting.{module}").render
        )
        return written(evidence)

    return render


_ALL = (
    Format("html", ".html", "text/html", _html),
    Format("markdown", ".md", "text/markdown", _markdown),
    Format("csv", ".csv", "text/csv", _of("table")),
    Format("ctrf", ".ctrf.json", "application/json", _of("ctrf")),
    Format("sarif", ".sarif", "application/sarif+json", _of("sarif")),
    Format("oscal", ".oscal.json", "application/json", _of("oscal")),
    Format("badge", ".badge.json", "application/json", _of("badge")),
)
FORMATS: dict[str, Format] = {kind.name: kind for kind in _ALL}


def outputs(places: Iterable[str], name: str | None = None) -> tuple[Output, ...]:
    """What to write, by the format's name or each file's ending.

    Raises `UsageProblem` for a format or an ending that there is not, and for a file that is named twice.
    """
    found = tuple(Output(_named(name) if name else _by_ending(place), place) for place in places)
    twice = {one.place for one in found if sum(other.place == one.place for other in found) > 1}
    if twice:
        raise UsageProblem(f"{min(twice)} is named twice; name each file once.")
    return found


def is_output(place: str) -> bool:
    """Whether this is standard output, or a file whose ending tells a format."""
    return place == STDOUT or any(place.lower().endswith(kind.ending) for kind in FORMATS.values())


def encoded(text: str) -> bytes:
    """A rendered text as it is written: UTF-8, what that can't carry spelled."""
    return text.encode("utf-8", "backslashreplace")


def write_outputs(evidence: Evidence, wanted: Iterable[Output], *, folder: Path, into: Path) -> list[Path]:
    """Write each file, whole or not at all; return their paths.

    folder: where the evidence lies. into: what the files' names are relative to. Raises `NotWritable` for the
    first that can't be written.
    """
    return [
        _written(into / one.place, encoded(one.kind.render(evidence, folder)))
        for one in wanted
        if one.place != STDOUT
    ]


def _written(path: Path, content: bytes) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        return partial.replace(path)
    except OSError as error:
        raise NotWritable(path.parent, error.strerror or type(error).__name__) from error


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
