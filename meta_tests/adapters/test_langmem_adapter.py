"""The LangMem adapter against the real tools."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from isolation_tests.adapter import BadOption, Refused
from isolation_tests.adapters.langmem import LangMem, open_memory
from isolation_tests.engine.examination import examine
from isolation_tests.targets.settings import Settings
from meta_tests.asking import keys

pytest.importorskip("langmem", reason="langmem is not installed")


@pytest.fixture(scope="module")
def memory() -> Iterator[LangMem]:
    with open_memory() as opened:
        yield opened


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


@pytest.mark.system
def test_the_verdict_is_held_but_for_the_known() -> None:
    results = examine(Settings(target="langmem", profile="quick", seed="1"))
    assert keys(results) == (set(), {"S3-get_all-blank"})
