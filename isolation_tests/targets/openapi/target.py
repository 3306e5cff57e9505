"""Writes the target's file of an HTTP service from its OpenAPI document."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isolation_tests.adapters.described.openapi import BadDocument, read_document
from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.openapi.proposal import propose
from isolation_tests.targets.openapi.telling import told
from isolation_tests.targets.openapi.writing import tables
from isolation_tests.targets.scaffold import KINDS, rendered, require_place, write_files

__all__ = ["Written", "write_from_document"]

_TEMPLATE = "openapi.toml.j2"
_SETTINGS = ("base_url", "secret", "user_field")


@dataclass(frozen=True, slots=True)
class Written:
    """A target's file that was written. told: what was proposed, by line. steps: the commands to run next."""

    path: Path
    told: tuple[str, ...]
    steps: tuple[str, ...]


def write_from_document(
    document: Path, name: str, folder: Path, answers: Mapping[str, str], *, overwrite: bool = False
) -> Written:
    """Write the target's file that an OpenAPI document suggests.

    name, folder, overwrite: as for `write_target`. answers: base_url, secret and user_field, each of which
    wins over the document. Raises `UsageProblem` as `write_target` does, and for a document that can't be
    read.
    """
    require_place(name, folder)
    _require_settings(answers)
    if document.parts[:1] in (("http:",), ("https:",)):
        raise UsageProblem("--openapi takes a file, and nothing is fetched; download the document first.")
    capitals = name.replace("-", "_").upper()
    secret = answers.get("secret", f"{capitals}_KEY")
    try:
        read = read_document(document)
        proposal = propose(read, capitals, secret, answers.get("base_url"), answers.get("user_field"))
        lines = tables(proposal, secret)
        summary = told(proposal, lines)
    except BadDocument as error:
        raise UsageProblem(str(error)) from error
    except ModuleNotFoundError as error:
        raise UsageProblem(f"{document}: {error}") from error
    variables = proposal.variables()
    values = {
        "name": name,
        "file": f"{name}.toml",
        "variables": variables,
        "base": proposal.base,
        "document": Path(os.path.relpath(document, folder)).as_posix(),
        "tables": "\n".join(map(str, lines)),
    }
    path = folder / f"{name}.toml"
    write_files({path: rendered(_TEMPLATE, values)}, overwrite=overwrite)
    exports = (f"export {variable}=..." for variable in variables)
    return Written(path, tuple(summary), (*exports, f"isolation-tests run {path} --profile quick"))


def _require_settings(answers: Mapping[str, str]) -> None:
    """Raise `UsageProblem` for a setting that the document decides, and for a wrong value."""
    questions = {question.name: question for question in KINDS["http"].questions}
    for given, answer in answers.items():
        if given not in _SETTINGS:
            raise UsageProblem(
                f"With --openapi, --set takes {', '.join(_SETTINGS)}, but not {given!r}; correct the rest in "
                "the file that is written."
            )
        questions[given].check(answer)
