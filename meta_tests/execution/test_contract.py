"""The contract: an answer of the wrong shape is told to the adapter's author."""

from __future__ import annotations

from typing import Any

import pytest

from isolation_tests.adapter import Memory, Page
from isolation_tests.execution.contract import BrokenContract, claimed, police
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    Operation,
    Step,
)
from meta_tests.execution.small import TWO, AsyncStore, Store, add, plan, run, settle

MEMORY = Memory("1", "a")


@pytest.mark.parametrize(
    ("op", "answer", "says"),
    [
        (Operation.SEARCH, None, r"search\(\) returned None; it must return a sequence"),
        (Operation.GET_ALL, {"results": []}, r"get_all\(\) returned a dict; it must return a sequence"),
        (Operation.GET_ALL, "text", r"returned a str"),
        (Operation.EXPORT, iter([]), r"export\(\) returned a list_iterator"),
        (Operation.ADD, [{"id": "1"}], r"add\(\) returned a dict; it must return .*Memory objects"),
        (Operation.ADD, [Memory("", "a")], r"whose id is a str; it must be a non-empty str, or None"),
        (Operation.ADD, [Memory(7, "a")], r"whose id is a int"),  # type: ignore[arg-type]
        (Operation.ADD, [Memory("1", None)], r"text is None; it must be a str"),  # type: ignore[arg-type]
        (Operation.GET_ALL, [MEMORY, MEMORY], r"two memories with one id"),
        (Operation.SEARCH, [Memory(f"{n}", "a") for n in range(4)], r"returned 4 memories for limit=3"),
        (Operation.GET, [MEMORY], r"get\(\) returned a list"),
        (Operation.DELETE_ALL, {"deleted": 3}, r"delete_all\(\) returned a dict; it must return nothing"),
        (
            Operation.DELETE,
            3,
            r"delete\(\) returned a int; it must return nothing, a boolean",
        ),
        (Operation.UPDATE, {"ok": True}, r"update\(\) returned a dict; it must return nothing, a boolean"),
        (Operation.UPDATE, ["1"], r"update\(\) returned a str; it must return .*Memory objects"),
        (Operation.MAINTAIN, 0, r"maintain\(\) returned a int; it must return nothing"),
        (Operation.COUNT, "3", r"count\(\) returned a str; it must return a whole number"),
        (Operation.COUNT, True, r"count\(\) returned a bool"),
        (Operation.COUNT, -1, r"whole number of memories"),
        (Operation.PAGE, [MEMORY], r"page\(\) returned a list; it must return an .*Page"),
        (Operation.PAGE, Page([MEMORY], ""), r"whose cursor is a non-empty str, or None"),
        (Operation.PAGE, Page([MEMORY, MEMORY]), r"two memories with one id"),
    ],
)
def test_a_wrong_shape_is_told_to_the_adapters_author(op: Operation, answer: object, says: str) -> None:
    with pytest.raises(BrokenContract, match=says):
        police(op, answer, limit=3)


@pytest.mark.parametrize(
    ("op", "answer"),
    [
        (Operation.ADD, []),
        (Operation.GET_ALL, (MEMORY, Memory(None, "b"), Memory(None, "c"))),
        (Operation.HISTORY, [MEMORY, MEMORY]),
        (Operation.GET, None),
        (Operation.GET, MEMORY),
        (Operation.COUNT, 0),
        (Operation.PAGE, Page([MEMORY], "next")),
        (Operation.DELETE_ALL, None),
        *((Operation.UPDATE, said) for said in (None, False, MEMORY, [MEMORY])),
        *((Operation.DELETE, said) for said in (None, True, MEMORY, [MEMORY])),
    ],
)
def test_a_right_shape_passes(op: Operation, answer: object) -> None:
    police(op, answer, limit=3)


class Talkative(Store):
    """Deletes as it should, but says how many."""

    def delete_all(self, user: Any) -> None:
        count = len(self.rows.pop(user, {}))
        return {"deleted": count}  # type: ignore[return-value]


def test_a_delete_that_says_too_much_is_an_error_and_no_loss() -> None:
    asked = plan(add(0), add(1), settle(0), settle(1), Step(op=Operation.DELETE_ALL, user=0), *TWO.steps[-2:])
    judged = judge(run(Talkative(), asked))
    assert not judged.findings
    assert any("must return nothing" in error for error in judged.errors)


def test_capabilities_are_found_by_presence() -> None:
    assert claimed(Store()) == ("get", "users")
    assert claimed(AsyncStore()) == ("async",)
