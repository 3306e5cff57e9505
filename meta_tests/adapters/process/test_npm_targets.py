"""Systems from npm behind a bridge: each is opened for real, and the known-bad one is found."""

from __future__ import annotations

import shutil

import pytest

from isolation_tests.engine.run import SMOKE
from isolation_tests.model import Verdict
from isolation_tests.targets import npm
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, covering, named, only

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]


def installed(name: str) -> str:
    """The target's name, with its packages installed; that takes half a minute, once."""
    npm.install(resolve(name).config.npm, name)
    return name


@pytest.mark.parametrize("name", ["langgraphjs-memory", "langgraphjs-postgres", "mem0ai-js"])
def test_its_verdict_is_green_and_can_go_red(name: str) -> None:
    target = installed(name)

    [clean] = ask(Settings(target=target), only(SMOKE.check))
    [broken] = ask(Settings(target=f"fault:S1-global@{target}"), only(SMOKE.check))

    assert clean.verdict is Verdict.HELD, clean.reason
    assert "S1" in named([broken])
    assert all(found.startswith("npm ") for found in resolve(target).versions().values() if " " in found)


def test_the_postgres_store_reads_the_namespaces_of_siblings() -> None:
    found = named(ask(Settings(target=installed("langgraphjs-postgres")), covering("A1")))

    assert "A1" in found, "https://github.com/langchain-ai/langgraphjs/issues/2721"


def test_the_memory_store_does_not() -> None:
    results = ask(Settings(target=installed("langgraphjs-memory")), covering("A1"))

    assert len(results) > 5
    assert "A1" not in named(results)
