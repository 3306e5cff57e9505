"""The tables of the documents that are made from the code.

    python -m meta_tests.docs.tables            write them all into README.md and docs/

Each stands between `<!-- table: NAME -->` and `<!-- end of table -->`. A test fails if one is out of date.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from isolation_tests.adapter import CORE_METHODS, INTRUSIONS, OPTIONAL_METHODS, MemoryAdapter, OptionalMethods
from isolation_tests.adapters.described import http_tables, mcp_options
from isolation_tests.adapters.process.memory import BridgeOptions
from isolation_tests.catalogue import CATALOGUE
from isolation_tests.cli import main as command_line
from isolation_tests.core.errors import ExitStatus
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.execution.contract import KEYWORDS
from isolation_tests.faults import FAULTS
from isolation_tests.model import Budget, Level, Verdict, Volatile
from isolation_tests.plugin import OPTIONS
from isolation_tests.reporting.formats.registry import FORMATS
from isolation_tests.targets.budget import REMOTE
from isolation_tests.targets.config import DeclaredHazard, NameRules, TargetConfig
from isolation_tests.targets.known import Known
from isolation_tests.targets.settings import NAMES, PREFIX, Settings
from isolation_tests.targets.shipped import shipped
from isolation_tests.testdata.relations import HOSTILE_VALUES, RELATIONS
from meta_tests.docs.commands import every_command, explained, plugin_options
from meta_tests.docs.pages import DOCUMENTS, ROOT, named, read

WRITE = "python -m meta_tests.docs.tables"
MARKED = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
_CODE = re.compile(r"(`[^`]*`)")
Rows = Iterable[tuple[str, ...]]


def plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line; what stands between backticks is left as code."""
    parts = _CODE.split(" ".join(text.split()))
    for place, part in enumerate(parts):
        shown = part.replace("|", "\\|")
        if place % 2 == 0:
            shown = re.sub(r"\\(?!\|)", r"\\\\", shown).replace("<", "&lt;")
            shown = re.sub(r"\*|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\\g<0>", shown)
        parts[place] = shown
    return "".join(parts)


def code(text: str) -> str:
    """A text as code; nothing for an empty one."""
    return f"`{text}`" if text else ""


def listed(names: Iterable[str]) -> str:
    """Several names as code, with commas."""
    return ", ".join(code(name) for name in names)


def table(head: tuple[str, ...], rows: Rows) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), "|".join(["---"] * len(head)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"|{line}|" if line.startswith("---") else f"| {line} |" for line in lines)


def meanings(kind: type[Enum]) -> dict[str, str]:
    """The string below each member of an enumeration."""
    [definition] = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    found, member = {}, ""
    for line in definition.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            member = line.targets[0].id
        elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and member:
            found[member], member = str(line.value.value), ""
    return found


def exit_statuses() -> str:
    told = meanings(ExitStatus)
    return table(("status", "meaning"), ((str(int(one)), plain(told[one.name])) for one in ExitStatus))


def verdicts() -> str:
    told = meanings(Verdict)
    return table(("verdict", "meaning"), ((code(one.value), plain(told[one.name])) for one in Verdict))


def version() -> str:
    project: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["version"]


def levels() -> str:
    told = meanings(Level)
    reachable = {Level.SAFE, *(law.level for law in all_laws().values())}
    rows = (
        (code(one.value), plain(told[one.name]), "yes" if one in reachable else "not yet") for one in Level
    )
    return table(("level", "what it takes", f"reachable in {version()}"), rows)


def profiles() -> str:
    rows = (
        (
            code(name),
            "whole" if each.whole else "part",
            str(each.examples),
            str(each.crowd),
            str(each.replays),
            {2: "every two", 3: "every three"}[each.ways],
            f"{each.volume:,}" if each.volume else "none",
        )
        for name, each in PROFILES.items()
    )
    head = (
        "profile",
        "matrix",
        "drawn sequences",
        "users in the crowd",
        "replays of a finding",
        "calls that meet",
        "memories at once",
    )
    return table(head, rows)


def anomalies() -> str:
    """Every anomaly, and whether some law asks for it."""
    covered = {name for law in all_laws().values() for cell in law.cells for name in law.covers(cell)}

    def tested(name: str) -> str:
        return "yes" if name in covered else "not yet" if CATALOGUE[name].visible else "no"

    rows = ((each.id, each.name, plain(each.law), tested(each.id)) for each in CATALOGUE.values())
    return table(("id", "name", "law", f"tested in {version()}"), rows)


def relations() -> str:
    rows = (
        (
            f"{name} {CATALOGUE[name].name}",
            code(each.name),
            plain(each.description),
            "yes" if each.quick else "",
        )
        for name in CATALOGUE
        for each in RELATIONS
        if each.anomaly == name
    )
    return table(("anomaly", "relation", "how b differs from a", "`quick`"), rows)


def hostile_values() -> str:
    rows = (
        (
            f"{each.anomaly} {CATALOGUE[each.anomaly].name}",
            code(each.name),
            code(json.dumps(each.value)),
            plain(each.description),
            "yes" if each.quick else "",
        )
        for each in HOSTILE_VALUES
    )
    return table(("anomaly", "name", "value, as JSON", "what it is", "`quick`"), rows)


def faults() -> str:
    rows = (
        (code(each.name), each.anomaly, plain(each.summary), listed(each.needs)) for each in FAULTS.values()
    )
    return table(("fault", "anomaly", "what is planted", "needs"), rows)


def targets() -> str:
    """Every target that is shipped: those without an extra first."""
    files = {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in shipped().items()}
    rows = (
        (
            code(name),
            code(file.get("extra", "")) or "none",
            plain(file["title"]),
            plain(file.get("tenancy", "")),
            listed(
                (
                    *file.get("requires", ()),
                    *file.get("npm", ()),
                    *file.get("programs", ()),
                    *file.get("variables", ()),
                )
            ),
        )
        for name, file in sorted(files.items(), key=lambda one: (not one[0].startswith("reference"), one[0]))
    )
    return table(("name", "extra", "what it is", "users kept apart by", "also needs"), rows)


def settings() -> str:
    """Every setting of a run, and the four places where it can stand."""
    run = {parameter.name: parameter for parameter in command_line.commands["run"].params}
    plugin = plugin_options()

    def row(name: str) -> tuple[str, ...]:
        parameter = run[name]
        flag = f"--isolation-{name.replace('_', '-').removesuffix('s' if name == 'options' else '')}"
        said = parameter.help if isinstance(parameter, click.Option) else f"{OPTIONS[name].capitalize()}."
        return (
            name,
            code(typed(parameter)),
            code(f"{flag} {plugin[flag]}".strip()),
            code(f"{PREFIX}{name.upper()}") if name in NAMES else "none",
            code(name) if name in NAMES else "none",
            plain(re.sub(r"\s*\[default: .*\]", "", said or "")),
        )

    head = ("setting", "`isolation-tests run`", "pytest", "environment", "pyproject key", "meaning")
    return table(head, (row(field.name) for field in fields(Settings)))


def typed(parameter: click.Parameter) -> str:
    """A parameter as it is typed: its shortest flag and the name of its value."""
    if isinstance(parameter, click.Argument):
        return str(parameter.name).upper()
    metavar = "" if isinstance(parameter, click.Option) and parameter.is_flag else parameter.metavar or ""
    return f"{min(parameter.opts, key=len)} {metavar}".strip()


def commands() -> str:
    """Every command, as its own help explains it."""
    return "\n\n".join(part for name, command in every_command() for part in _command(name, command))


def _command(name: str, command: click.Command) -> Iterator[str]:
    yield f"## {name}"
    for part in filter(None, explained(name, command)):
        if "\t" in part:
            rows = (re.sub(r"\s{2}\[([^]]*)\]", r" (\1)", line).split("\t") for line in part.splitlines())
            yield table(("option", "meaning"), ((code(flag), plain(said)) for flag, said in rows))
        else:
            yield plain(part)


def methods(names: Iterable[str], owner: type) -> str:
    rows = []
    for name in names:
        method = getattr(owner, name)
        said = (inspect.getdoc(method) or "").partition("\n\n")[0]
        rows.append(
            (code(f"{name}({', '.join(list(inspect.signature(method).parameters)[1:])})"), plain(said))
        )
    return table(("method", "what it does"), rows)


def keywords() -> str:
    rows = ((code(word), listed(methods)) for word, methods in _places().items())
    return table(("keyword", "methods"), rows)


def _places() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for places in KEYWORDS.values():
        for method, keyword in places:
            found.setdefault(keyword, []).append(method)
    return found


def intrusions() -> str:
    return table(
        ("`how`", "what the intruder does"), ((code(how), plain(what)) for how, what in INTRUSIONS.items())
    )


def formats() -> str:
    rows = ((code(each.ending), code(name), plain(each.purpose)) for name, each in FORMATS.items())
    return table(("ending", "`--format`", "what it is for"), rows)


def keys(model: type[BaseModel]) -> str:
    """Every key of a table in a file, with its default and its description."""
    rows = (
        (code(field.alias or name), default(field), plain(f"{field.description}{choices(field.annotation)}"))
        for name, field in model.model_fields.items()
    )
    return table(("key", "default", "meaning"), rows)


def default(field: FieldInfo) -> str:
    """A key's default: nothing if leaving the key out is all that it means."""
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, bool | int | float | str) and value != "":
        return code(json.dumps(value))
    return code(json.dumps(value)) if isinstance(value, tuple) and value else ""


def choices(annotation: Any) -> str:
    """The values that a key can have, if they are limited."""
    if get_origin(annotation) is Literal:
        return f" One of {listed(get_args(annotation))}."
    return "".join(choices(inner) for inner in get_args(annotation))


def budget_keys() -> str:
    rows = (
        (code(name), f"{getattr(REMOTE, name):,.0f}", plain(field.description or ""))
        for name, field in Budget.model_fields.items()
    )
    return table(("key", "on another machine", "meaning"), rows)


def _keys(model: type[BaseModel]) -> Callable[[], str]:
    return lambda: keys(model)


TABLES: dict[str, Callable[[], str]] = {
    "anomalies": anomalies,
    "budget-keys": budget_keys,
    "commands": commands,
    "core-methods": lambda: methods(CORE_METHODS, MemoryAdapter),
    "exit-statuses": exit_statuses,
    "faults": faults,
    "formats": formats,
    "hazards-keys": _keys(DeclaredHazard),
    "hostile-values": hostile_values,
    "http-answer-keys": _keys(http_tables.AnswerTable),
    "http-auth-keys": _keys(http_tables.AuthTable),
    "http-intrude-keys": _keys(http_tables.IntrudeTable),
    "http-keys": _keys(http_tables.HttpOptions),
    "http-paging-keys": _keys(http_tables.PagingTable),
    "http-request-keys": _keys(http_tables.RowsTable),
    "intrusions": intrusions,
    "keywords": keywords,
    "known-keys": _keys(Known),
    "levels": levels,
    "mcp-answer-keys": _keys(mcp_options._Answer),
    "mcp-call-keys": _keys(mcp_options._Call),
    "mcp-keys": _keys(mcp_options.McpOptions),
    "names-keys": _keys(NameRules),
    "optional-methods": lambda: methods(OPTIONAL_METHODS, OptionalMethods),
    "process-keys": _keys(BridgeOptions),
    "profiles": profiles,
    "relations": relations,
    "settings": settings,
    "target-keys": _keys(TargetConfig),
    "targets": targets,
    "verdicts": verdicts,
    "volatile-keys": _keys(Volatile),
}


def written(text: str) -> str:
    """A document's text with its tables as the code has them now; raises `KeyError` for an unknown one."""
    return MARKED.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n\n{match[3]}", text)


def main() -> int:
    """Write all tables."""
    for document in DOCUMENTS:
        text = read(document)
        new = written(text)
        if new != text:
            document.write_text(new, encoding="utf-8")
            click.echo(f"written: {named(document)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
