"""Cleaning up by the names that a target lists: a run's own alone, and no word of the target's errors."""

from __future__ import annotations

import traceback
from functools import partial
from typing import Any

import pytest

from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.core.errors import TargetProblem
from isolation_tests.engine.run import blaming
from isolation_tests.engine.safety.cleaning import listed_users
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.resolve import Target

OURS = ("iso-ab12cd-00000001", "iso-ab12cd-0a00000f-corp", "iso-ab12cd-00000001%")
OTHERS = (
    *("iso-ab12ce-00000001", "iso-ab12cd-0000001", "iso-ab12cd-", "iso-", "xiso-ab12cd-00000001"),
    *("ISO-AB12CD-00000001", "admin", "", None, 17, ["iso-ab12cd-00000001"]),
)


class Listing(ReferenceStore):
    def users(self) -> list[Any]:
        return [*OTHERS, *OURS]


class Failing(ReferenceStore):
    def users(self) -> list[Any]:
        raise ConnectionError("Grandmother's recipe")


def target(store: type[ReferenceStore]) -> Target:
    return Target(TargetConfig(name="t", adapter="m:f"), partial(store), "a test")


def test_only_names_that_begin_with_the_whole_id_and_a_users_digits_are_the_runs() -> None:
    found = listed_users("ab12cd", target(Listing))
    assert found is not None
    assert tuple(each.name for each in found) == OURS
    assert [each.worker for each in found] == [0, 10, 0]


def test_a_target_that_can_not_list_its_users_is_told_without_its_words() -> None:
    with pytest.raises(TargetProblem, match="could not list its users: ConnectionError") as told:
        listed_users("ab12cd", target(Failing))
    assert "recipe" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize(
    ("raised", "kind"), [(SystemExit(0), "SystemExit"), (SystemExit("recipe"), "SystemExit")]
)
def test_an_adapter_that_ends_the_process_is_told_without_its_words(raised: SystemExit, kind: str) -> None:
    with pytest.raises(TargetProblem, match=f"the adapter raised {kind}") as told, blaming("t"):
        raise raised
    assert "recipe" not in str(told.value)
