"""The LanceDB adapter against the real LanceDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.adapters.lancedb import LanceDb, open_memory
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings
from meta_tests.asking import keys

pytest.importorskip("lancedb", reason="lancedb is not installed")


@pytest.fixture(scope="module")
def memory() -> Iterator[LanceDb]:
    with open_memory() as opened:
        yield opened


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


@pytest.mark.parametrize("user", ["it's", "a' OR '1'='1", "a\\' OR 1=1 --", 'a"b', "a`b", "a\nb", "a\0b"])
def test_a_user_is_text_whatever_it_contains(memory: LanceDb, user: str) -> None:
    name = f"{uuid4().hex}{user}"
    memory.add(name, "mine")
    assert texts(memory.get_all(name)) == {"mine"}
    assert [each.text for each in memory.search(name, "mine", limit=9)] == ["mine"]


def test_a_column_that_does_not_exist_is_refused(memory: LanceDb, alice: str) -> None:
    with pytest.raises(Refused):
        memory.get_all(alice, filters={"topic` = 'x' OR `id": "hobby"})


@pytest.mark.system
def test_only_empty_and_blank_users_are_let_in() -> None:
    results = examine(Settings(target="lancedb", profile="quick", seed="1"))

    assert keys(results) == (set(), {"S3-get_all-empty", "S3-get_all-blank"})
    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
