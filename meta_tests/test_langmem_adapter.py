"""The LangMem adapter against the real tools."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from isolation_tests.adapter import BadOption, Refused
from isolation_tests.adapters.langmem import LangMem, open_memory
from isolation_tests.calibration import certify
from isolation_tests.settings import Settings

pytest.importorskip("langmem", reason="langmem is not installed")

MANY = 130


@pytest.fixture(scope="module")
def memory() -> Iterator[LangMem]:
    with open_memory() as opened:
        yield opened


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"


def texts(memories: Any) -> set[str]:
    return {memory.text for memory in memories}


def test_what_was_added_is_found_by_its_owner_alone(memory: LangMem, alice: str, bob: str) -> None:
    (stored,) = memory.add(alice, "Alice keeps bees")
    memory.add(bob, "Bob sails")

    for found in (memory.search(alice, "bees", limit=10), memory.get_all(alice)):
        assert [(each.id, each.text) for each in found] == [(stored.id, "Alice keeps bees")]
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_get_all_is_complete_and_delete_all_keeps_others(memory: LangMem, alice: str, bob: str) -> None:
    for number in range(MANY):
        memory.add(alice, f"fact {number}")
    memory.add(bob, "Bob sails")
    assert len(texts(memory.get_all(alice))) == MANY

    memory.delete_all(alice)
    assert memory.get_all(alice) == []
    assert texts(memory.get_all(bob)) == {"Bob sails"}


def test_calls_by_id(memory: LangMem, alice: str, bob: str) -> None:
    (stored,) = memory.add(alice, "Alice keeps bees")
    assert stored.id is not None

    memory.update(alice, stored.id, "Alice kept bees")
    memory.delete(bob, stored.id)
    assert texts(memory.get_all(alice)) == {"Alice kept bees"}

    memory.delete(alice, stored.id)
    assert memory.get_all(alice) == []


@pytest.mark.parametrize("user", [None, "", 0, "a.b"], ids=repr)
def test_what_is_no_label_is_refused(memory: LangMem, user: object) -> None:
    calls = (
        lambda: memory.add(user, "text"),
        lambda: memory.search(user, "text", limit=5),
        lambda: memory.get_all(user),
        lambda: memory.delete_all(user),
    )
    for call in calls:
        with pytest.raises(Refused):
            call()


def test_an_id_that_is_none_is_refused(memory: LangMem, alice: str) -> None:
    with pytest.raises(Refused):
        memory.delete(alice, "no-uuid")


def test_a_bad_option_says_what_to_write() -> None:
    with pytest.raises(BadOption, match="choose one of memory, sqlite, postgres"), open_memory(store="redis"):
        pass


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langmem", None)
    with (
        pytest.raises(ModuleNotFoundError, match=r'pip install "isolation-tests\[langmem\]"'),
        open_memory(),
    ):
        pass


def test_the_verdict_is_held_but_for_the_known() -> None:
    results = certify(Settings(target="langmem", profile="quick", seed="1"))
    assert {case.finding.key for result in results for case in result.cases} == {"S3-get_all-blank"}
