"""The Qdrant adapter against the real Qdrant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.adapters.qdrant import Qdrant, open_memory
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings
from meta_tests.asking import keys

pytest.importorskip("qdrant_client", reason="qdrant_client is not installed")


@pytest.fixture(scope="module")
def memory() -> Iterator[Qdrant]:
    with open_memory() as opened:
        yield opened


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_a_field_that_is_no_path_is_refused(memory: Qdrant, alice: str) -> None:
    memory.add(alice, "Alice keeps bees")
    with pytest.raises(Refused):
        memory.get_all(alice, filters={"topic' OR '1'='1": "hobby"})


def test_it_can_be_kept_on_disk(alice: str) -> None:
    with open_memory(on_disk=True) as memory:
        memory.add(alice, "Alice keeps bees")
        assert texts(memory.get_all(alice)) == {"Alice keeps bees"}


@pytest.mark.system
def test_only_empty_and_blank_users_are_let_in() -> None:
    results = examine(Settings(target="qdrant", profile="quick", seed="1"))

    assert keys(results) == (set(), {"S3-get_all-empty", "S3-get_all-blank"})
    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
