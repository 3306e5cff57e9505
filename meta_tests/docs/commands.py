"""What can be typed: every command of the suite with its options, and every option of its pytest plugin."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click

from isolation_tests.cli import main
from isolation_tests.plugin import pytest_addoption

PROGRAM = "isolation-tests"


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, by what is typed for it, in the order of the help."""
    pending: list[tuple[str, click.Command]] = [(PROGRAM, main)]
    while pending:
        typed, command = pending.pop(0)
        if isinstance(command, click.Group):
            inner = [(f"{typed} {name}", each) for name, each in command.commands.items()]
            pending[:0] = inner
        else:
            yield typed, command


def flags(command: click.Command) -> set[str]:
    """The options that a command has."""
    return {option for parameter in command.params for option in parameter.opts if option.startswith("-")}


class _Recorder:
    """Stands in for pytest's parser and keeps what it is told."""

    def __init__(self) -> None:
        self.metavars: dict[str, str] = {}

    def getgroup(self, *_: str) -> _Recorder:
        return self

    def addoption(self, flag: str, **attributes: Any) -> None:
        self.metavars[flag] = attributes.get("metavar") or ""


def plugin_options() -> dict[str, str]:
    """The options of the pytest plugin, each with the name of its value; empty if it takes none."""
    recorder: Any = _Recorder()
    pytest_addoption(recorder)
    found: dict[str, str] = recorder.metavars
    return found


def explained(typed: str, command: click.Command) -> Iterator[str]:
    """A command as it explains itself: the paragraphs of its help, and its options in pairs with a tab."""
    context = click.Context(command, info_name=typed)
    yield f"`{' '.join([typed, *command.collect_usage_pieces(context)])}`"
    yield from inspect.cleandoc(command.help or "").split("\n\n")
    records = (
        parameter.get_help_record(context)
        for parameter in command.params
        if isinstance(parameter, click.Option)
    )
    yield "\n".join("\t".join(record) for record in records if record)
    yield from inspect.cleandoc(command.epilog or "").split("\n\n")
