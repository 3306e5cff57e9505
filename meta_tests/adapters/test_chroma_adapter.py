"""The Chroma adapter against the real Chroma."""

from __future__ import annotations

from typing import Any

import pytest

from isolation_tests.adapter import BadOption, Refused
from isolation_tests.adapters.chroma import ChromaApart, open_memory
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings
from meta_tests.asking import keys

pytest.importorskip("chromadb", reason="chromadb is not installed")


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_a_user_that_chroma_cannot_compare_is_refused() -> None:
    with open_memory() as memory:
        for call in (memory.get_all, memory.delete_all, lambda user: memory.search(user, "bees", limit=5)):
            with pytest.raises(Refused):
                call(None)


def test_reading_makes_nobody_known(alice: str) -> None:
    with open_memory(style="collections") as memory:
        assert memory.get_all(alice) == []
        memory.delete_all(alice)
        assert isinstance(memory, ChromaApart)
        assert memory.count(alice) == 0


def test_a_name_that_chroma_does_not_take_for_a_collection_is_refused(bob: str) -> None:
    with open_memory(style="collections") as memory:
        for name in ("", f"{bob} ", f"{bob}/x"):
            with pytest.raises(Refused):
                memory.add(name, "text")


def test_two_opened_at_once_know_nothing_of_each_other(alice: str) -> None:
    with open_memory() as one, open_memory() as other:
        one.add(alice, "Alice keeps bees")
        assert other.get_all(alice) == []


@pytest.mark.parametrize(
    ("options", "name"), [({"style": "none"}, "style"), ({"style": "tenants", "server": "true"}, "server")]
)
def test_an_option_that_is_wrong_is_named(options: dict[str, Any], name: str) -> None:
    with pytest.raises(BadOption, match=f"^{name}"), open_memory(**options):
        pass


@pytest.mark.system
@pytest.mark.parametrize(
    ("target", "findings"),
    [
        ("chroma", {"S3-get_all-empty", "S3-get_all-blank"}),
        ("chroma-collections", set()),
    ],
)
def test_it_shows_what_the_target_lists(target: str, findings: set[str]) -> None:
    results = examine(Settings(target=target, profile="quick", seed="1"))

    assert set.union(*keys(results)) == findings
    assert Verdict.ERROR not in {result.verdict for result in results}
    assert Verdict.INCONCLUSIVE not in {result.verdict for result in results}
