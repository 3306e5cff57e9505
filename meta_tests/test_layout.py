"""The layout: the contracts of pyproject.toml hold, ARCHITECTURE.md draws them, and the plugin sleeps."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "isolation_tests"
SOURCES = sorted((ROOT / PACKAGE).rglob("*.py"))
MOST_LINES, MOST_FILES = 400, 18
# The path of an adapter's file is public, so it stays where it is.
FULLER = ROOT / PACKAGE / "adapters"
LAYERS, REPORTING, VENDORS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
# A law names no system, whether its library is imported or not.
SYSTEMS = {*VENDORS["forbidden_modules"], "agno", "cognee", "crewai", "graphiti", "haystack", "hindsight"}
SYSTEMS |= {"chroma", "langchain", "llama_index", "milvus", "openai", "pgvector", "postgres", "qdrant"}
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
ASLEEP = ("hypothesis", "pydantic", "faker", "rich", "jinja2", "anyio")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the project in a folder."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_the_contracts_hold() -> None:
    ran = lint(ROOT)

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("file", "source", "broken"),
    [
        ("core/rogue.py", "from isolation_tests.engine import run", LAYERS["name"]),
        ("attic/__init__.py", "", LAYERS["name"]),
        ("reporting/evidence/rogue.py", "from isolation_tests.reporting.html import page", REPORTING["name"]),
        ("judges/rogue.py", "def judge():\n    import mem0", VENDORS["name"]),
    ],
)
def test_a_module_in_the_wrong_place_breaks_a_contract(
    tmp_path: Path, file: str, source: str, broken: str
) -> None:
    shutil.copytree(ROOT / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    place = tmp_path / PACKAGE / file
    place.parent.mkdir(exist_ok=True)
    place.write_text(source, encoding="utf-8")
    ran = lint(tmp_path)

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(rf"{re.escape(broken)} BROKEN", ran.stdout)


def purpose(module: str) -> str:
    """The first line of a module's docstring."""
    folder = ROOT / PACKAGE / module
    source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]


def rooms(layers: list[str], within: str = "") -> Iterator[str]:
    """Every module or folder of these layers, and the folders in it, from the top."""
    for name in (f"{within}{name}" for layer in layers for name in layer.split(" | ")):
        yield name
        inner = (path.parent for path in sorted((ROOT / PACKAGE / name).glob("*/__init__.py")))
        below = REPORTING["layers"] if name == "reporting" else [path.name for path in inner]
        yield from rooms(below, f"{name}/")


def test_the_architecture_draws_the_layers_of_the_contracts() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = "\n".join(f"| `{name}` | {purpose(name)} |" for name in rooms(LAYERS["layers"]))

    assert table in text, f"put this table into ARCHITECTURE.md:\n{table}"


def test_every_import_names_its_module_in_full() -> None:
    relative = [
        source.relative_to(ROOT).as_posix()
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert not relative


def test_files_and_folders_stay_small() -> None:
    lines = {source: len(source.read_text(encoding="utf-8").splitlines()) for source in SOURCES}
    files = Counter(source.parent for source in SOURCES if source.name != "__init__.py")

    assert not {str(source) for source, count in lines.items() if count > MOST_LINES}
    assert not {str(folder) for folder, count in files.items() if count > MOST_FILES and folder != FULLER}


def test_no_two_files_of_tests_have_one_name() -> None:
    """Without an `__init__.py` beside it, pytest imports a file of tests by its bare name."""
    names = Counter(source.name for source in (ROOT / "meta_tests").rglob("test_*.py"))

    assert not {name for name, count in names.items() if count > 1}


def test_the_top_of_the_package_holds_folders_and_what_authors_import() -> None:
    top = {source.name for source in SOURCES if source.parent == ROOT / PACKAGE}

    assert top == {"__init__.py", "__main__.py", "adapter.py"}


@pytest.mark.parametrize("folder", ["judges", "properties"])
def test_no_law_names_a_system(folder: str) -> None:
    for source in (ROOT / PACKAGE / folder).rglob("*.py"):
        found = re.findall("|".join(sorted(SYSTEMS)), source.read_text(encoding="utf-8"), flags=re.IGNORECASE)
        assert not found, source


def loaded_by(script: str) -> set[str]:
    """The names of all modules that are loaded when a script has run."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{script}\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_importing_every_module_loads_no_vendors_library() -> None:
    script = f"""
import importlib, pkgutil, {PACKAGE}
for module in pkgutil.walk_packages({PACKAGE}.__path__, "{PACKAGE}."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)"""
    loaded = loaded_by(script)

    assert f"{PACKAGE}.adapters.mem0" in loaded
    assert not loaded & set(VENDORS["forbidden_modules"])


def test_the_plugin_loads_nothing_into_other_peoples_runs() -> None:
    loaded = loaded_by(f"import {PACKAGE}.plugin")

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
