"""A replay file as a test to be checked in: readable, whole in one file, and with nothing but its data.

A replay file may come from anybody. What it holds gets into the test as literals and as comments of plain
ASCII, so that it can't become code, and it chooses neither what is tested nor with which options.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.execution.binding import Lease, bind
from isolation_tests.model import Case, History, Plan
from isolation_tests.reporting.evidence.replay_file import Replay
from isolation_tests.reporting.narrative.reproduction import happened, reproduction
from isolation_tests.testdata.canaries import Mint

__all__ = ["Asked", "quoted", "written_test"]

_HEAD = '''"""A leak that was fixed, and stays fixed. Written by `isolation-tests replay FILE --as-test`.

The test performs the plan below with new users, and deletes all that they store. It fails if one of them
sees or loses what is another's, and if the memory does not show users their own facts. In the plan, users and
facts are numbers: 0 is the first of its list. {base} and {canary} stand for what is new in every try.

It needs pytest with the package isolation-tests installed, and no option.
"""
'''
_WIDTH = 110
_LONGEST_COMMENT = 400
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test asks, as the command line said.

    target: a Python expression for the target's name, or empty. fixture: the name of a fixture that gives the
    memory, or empty; without both, the fixture isolation_memory says what is tested. options: of the target;
    None for a secret. tries: how often to ask at most.
    """

    tries: int
    target: str = ""
    fixture: str = ""
    options: Mapping[str, str | None] = field(default_factory=dict)


def written_test(replay: Replay, asked: Asked) -> str:
    """The source of a test that fails as long as the finding, or any other violation, shows in its plan."""
    key = replay.finding.key
    with_path = "from pathlib import Path\n\nHERE = Path(__file__).parent\n" if "HERE" in asked.target else ""
    constants = [
        f"FINDING = {quoted(key)}",
        *([f"TARGET = {asked.target}"] if asked.target else []),
        *([f"OPTIONS = {_literal(dict(asked.options))}"] if asked.options else []),
        f"TRIES = {asked.tries}",
        f"PLAN = {_plan(replay.plan)}",
    ]
    source = "\n".join(
        [
            _HEAD,
            *([with_path] if with_path else []),
            *_comments(replay),
            *constants,
            "",
            "",
            *_test(key, asked),
            "",
        ]
    )
    if Plan.model_validate(ast.literal_eval(_assigned(source, "PLAN"))) != replay.plan:
        raise RuntimeError("the written plan is not the plan that was read")
    return source


def _assigned(source: str, name: str) -> ast.expr:
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
        ):
            return node.value
    raise LookupError(name)


def _test(key: str, asked: Asked) -> list[str]:
    fixtures = ", ".join(["isolation_replay", *([asked.fixture] if asked.fixture else [])])
    more = "".join(
        [
            ", target=TARGET" if asked.target else "",
            f", memory={asked.fixture}" if asked.fixture else "",
            ", options=OPTIONS" if asked.options else "",
        ]
    )
    name = _NOT_IN_A_NAME.sub("_", key.lower()).strip("_")[:80]
    return [
        f"def test_{name}_stays_fixed({fixtures}):",
        f"    isolation_replay(PLAN, finding=FINDING, tries=TRIES{more})",
    ]


def _comments(replay: Replay) -> list[str]:
    """What was found, in words and as calls, with names such as a run gives."""
    finding, entry = replay.finding, CATALOGUE.get(replay.finding.anomaly)
    case = Case(finding=finding, history=_history(replay.plan), seen=1, tried=1)
    often = f"isolation-tests {replay.suite_version} saw it in {replay.seen} of {replay.tried} tries"
    lines = [
        f"{finding.key}: {often}.",
        *([f"Law: {entry.law}"] if entry else []),
        f"What was seen: {happened(case)}.",
        *([f"Usual fix: {entry.fix}"] if entry else []),
        "As calls:",
        *(f"    {line}" for line in reproduction(case, rest="in the plan below").split("\n")),
    ]
    return [_comment(part) for line in lines for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    """A sentence in lines of a comment; code stays in one."""
    return [line] if line.startswith(" ") else textwrap.wrap(line, _WIDTH - 2, subsequent_indent="  ")


def _history(plan: Plan) -> History:
    """The plan's users with names as in a run, and no answers."""
    return History(plan=plan, users=bind(plan, Lease("000000", 0, Mint(bytes(32)))).users, events=())


def _comment(line: str) -> str:
    """One line of comment: whatever could end it, or steer a screen, is spelled out."""
    told = "".join(char if char.isascii() and char.isprintable() else ascii(char)[1:-1] for char in line)
    return f"# {told[:_LONGEST_COMMENT]}"


def _plan(plan: Plan) -> str:
    """The plan as a dictionary, with a line for each user, fact and step; users and facts are numbered."""
    data = plan.model_dump(exclude_defaults=True)
    # Who has the plainest name has it by default, and a reader should see it all the same.
    data["users"] = [
        {"template": user.template, **told} for user, told in zip(plan.users, data["users"], strict=True)
    ]
    lines = ["{"]
    for name, value in data.items():
        if name in ("users", "facts", "steps"):
            lines += [f"    {quoted(name)}: [", *_rows(value, numbered=name != "steps"), "    ],"]
        else:
            lines.append(f"    {quoted(name)}: {_literal(value)},")
    return "\n".join([*lines, "}"])


def _rows(rows: Sequence[Mapping[str, object]], *, numbered: bool) -> Iterator[str]:
    """A line for each row; a row that is too long for one line has a line for each of its values."""
    for number, row in enumerate(rows):
        comment = f"  # {number}" if numbered else ""
        whole = f"        {_literal(row)},{comment}"
        if len(whole) <= _WIDTH:
            yield whole
        else:
            yield f"        {{{comment}"
            for key, value in row.items():
                yield f"            {quoted(key)}: {_literal(value)},"
            yield "        },"


def _literal(value: object) -> str:
    """A Python literal in ASCII."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return quoted(value) if isinstance(value, str) else ascii(value)


def quoted(text: str) -> str:
    """A text as a Python literal in ASCII, in double quotes where nothing in it speaks against them."""
    written = ascii(str(text))
    plain = written.startswith("'") and '"' not in written
    return f'"{written[1:-1]}"' if plain else written
