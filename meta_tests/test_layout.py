"""The layout is as ARCHITECTURE.md draws it: imports point downwards, vendors stay out, the plugin sleeps."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "isolation_tests"
# Lowest first. A module imports from its own group or from groups before it; a folder stands for all in it.
LAYERS = (
    ("adapter", "core", "model"),
    ("catalogue", "testdata"),
    ("execution", "faults", "judges", "plans", "scoped"),
    ("adapters", "reporting"),
    ("targets",),
    ("engine",),
    ("properties",),
    ("calibration",),
    ("cli", "plugin"),
    ("__main__",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
# The fixture of the properties asks the plugin of the running pytest for its check.
UPWARDS = {("properties.conftest", "plugin")}
OUTSIDERS = {
    "adapters": {"adapter", "core", "model", "adapters"},
    "faults": {"adapter", "model", "faults"},
    "scoped": {"adapter", "model", "scoped"},
    "judges": {"model", "testdata", "judges"},
    "model": {"model"},
    "adapter": set[str](),
}
GENERAL = {
    "anyio",
    "click",
    "faker",
    "filelock",
    "hypothesis",
    "jinja2",
    "markupsafe",
    "packaging",
    "platformdirs",
    "pydantic",
    "pytest",
    "rich",
}
VENDORS = (
    "agno",
    "chroma",
    "cognee",
    "crewai",
    "duckdb",
    "faiss",
    "graphiti",
    "haystack",
    "hindsight",
    "lancedb",
    "langchain",
    "langgraph",
    "langmem",
    "llama_index",
    "llamaindex",
    "mem0",
    "milvus",
    "openai",
    "pgvector",
    "postgres",
    "psycopg",
    "qdrant",
    "redis",
    "sqlite",
)
ASLEEP = ("hypothesis", "pydantic", "faker", "rich", "jinja2", "anyio")
SOURCES = sorted((ROOT / PACKAGE).rglob("*.py"))
NAMES = [source.relative_to(ROOT / PACKAGE).as_posix() for source in SOURCES]
TREES = dict(zip(NAMES, (ast.parse(source.read_text(encoding="utf-8")) for source in SOURCES), strict=True))


def module(name: str) -> str:
    """A file's dotted name within the package."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def top(dotted: str) -> str:
    return dotted.split(".", maxsplit=1)[0]


def rank(dotted: str) -> int:
    """The layer of a module, by its own name or by that of its folder."""
    own = (RANK[name] for name in RANK if "." in name and f"{dotted}.".startswith(f"{name}."))
    return next(own, RANK[top(dotted)])


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all that a tree imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(tree: ast.AST) -> Iterator[str]:
    """What a tree imports of the package, without the package's own name."""
    for name in imported(tree):
        if name.startswith(f"{PACKAGE}."):
            yield name.removeprefix(f"{PACKAGE}.")


def at_import_time(tree: ast.AST) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported: all but those in functions and for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.stmt):
            yield node
        yield from at_import_time(node)


@pytest.mark.parametrize("name", NAMES)
def test_imports_point_downwards(name: str) -> None:
    mine = module(name)
    if mine == "__init__":
        assert not list(inside(TREES[name])), "importing the package imports nothing of it"
        return
    assert top(mine) in RANK, f"say in LAYERS where {mine} belongs"
    for other in inside(TREES[name]):
        assert top(other) in RANK, f"{mine} imports {other}, which LAYERS does not know"
        below = rank(other) <= rank(mine)
        assert below or (mine, top(other)) in UPWARDS, f"{mine} imports {other} from a layer above"


@pytest.mark.parametrize("name", NAMES)
def test_outsiders_import_what_an_author_outside_could(name: str) -> None:
    part = top(module(name))
    allowed = OUTSIDERS.get(part)

    assert allowed is None or {top(other) for other in inside(TREES[name])} <= allowed


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_the_declared_libraries_is_imported_at_import_time(name: str) -> None:
    known = GENERAL | set(sys.stdlib_module_names) | {PACKAGE, "__future__"}

    for statement in at_import_time(TREES[name]):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            found = {top(other) for other in imported(statement)}
            assert found <= known, f"line {statement.lineno}: import {found - known} inside the function"


@pytest.mark.parametrize("name", [name for name in NAMES if top(module(name)) in {"judges", "properties"}])
def test_no_vendor_is_named_where_the_laws_are(name: str) -> None:
    text = (ROOT / PACKAGE / name).read_text(encoding="utf-8")

    assert not re.findall(rf"{'|'.join(VENDORS)}|\bmemori\b", text, flags=re.IGNORECASE)


def test_every_layer_exists() -> None:
    there = {top(module(name)) for name in NAMES}

    assert {name for name in RANK if "." not in name} == there - {"__init__"}


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

    assert not [name for name in RANK if f"`{name}`" not in text and f"`{name}/`" not in text]


def test_the_plugin_loads_nothing_into_other_peoples_runs() -> None:
    script = "import json, sys; import isolation_tests.plugin; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    loaded = set(json.loads(ran.stdout))

    assert not loaded & set(ASLEEP)
    assert {name for name in loaded if name.startswith(PACKAGE)} == {PACKAGE, f"{PACKAGE}.plugin"}


def test_another_pytest_run_with_the_plugin_stays_asleep(tmp_path: Path) -> None:
    asleep = ", ".join(map(repr, (f"{PACKAGE}.model", f"{PACKAGE}.engine.campaign", "faker", "jinja2")))
    (tmp_path / "test_other.py").write_text(
        f"import sys\n\ndef test_nothing_is_loaded():\n    assert not {{{asleep}}} & set(sys.modules)\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:faker"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
