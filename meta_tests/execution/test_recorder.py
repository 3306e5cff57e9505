"""What is written down of an answer: no stranger's text, and no name but another user's."""

from __future__ import annotations

import re
from typing import Any

import pytest

from isolation_tests.adapter import Memory, Refused
from isolation_tests.model import (
    Operation,
    Outcome,
    Plan,
    Step,
    UserSpec,
)
from meta_tests.execution.small import STRANGER, TWO, Store, add, plan, run, settle


class Leaking(Store):
    """Everybody reads the stranger's memory too, in the text, in a field and in refusals."""

    def get_all(self, user: Any) -> list[Memory]:
        own = [Memory(row.id, row.text, {"beside": STRANGER}) for row in super().get_all(user)]
        return [*own, Memory(f"id of {STRANGER}", STRANGER, {"owner": STRANGER})]

    def get(self, user: Any, id: str) -> Memory | None:
        raise Refused(f"No {id}; did you mean: {STRANGER}")

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return self.get_all(user)[-limit:]


GETTING = plan(add(0), add(1), settle(0), settle(1), Step(op=Operation.GET, user=1, fact=0))


COMPARED = TWO.model_copy(update={"viewer": 0})
"""Keeps the fields of the viewer's own rows, to compare them with those of another run."""


@pytest.mark.parametrize("asked", [TWO, GETTING, COMPARED], ids=["lists", "refusals", "fields"])
def test_a_strangers_text_is_in_no_history(asked: Plan) -> None:
    dump = run(Leaking(), asked, disposable=False).model_dump_json()
    assert "recipe" not in dump
    assert f"[{len(STRANGER)} characters that this run did not write, digest " in dump


class Appending(Store):
    """Adds the stranger's words to everybody's own."""

    def get_all(self, user: Any) -> list[Memory]:
        return [Memory(row.id, f"{STRANGER} {row.text}; {STRANGER}") for row in super().get_all(user)]


def test_of_a_row_that_is_the_runs_own_in_part_the_rest_is_withheld() -> None:
    history = run(Appending(), TWO, disposable=False)
    row = history.events[-1].rows[0]
    note = rf"\[{len(STRANGER) + 1} characters that this run did not write, digest [0-9a-f]{{12}}\]"
    assert re.fullmatch(
        rf"{note}My card number is \S+\.{note.replace(str(len(STRANGER) + 1), '47')}", row.text
    )
    assert "recipe" not in history.model_dump_json()


class Failing(Store):
    def get(self, user: Any, id: str) -> Memory | None:
        raise ConnectionError(f"lost while reading {STRANGER}")


def test_an_error_is_told_by_its_class_and_where_the_adapter_raised_it() -> None:
    event = run(Failing(), GETTING, disposable=False).events[-1]
    line = Failing.get.__code__.co_firstlineno + 1
    assert event.error_kind == "ConnectionError"
    assert re.fullmatch(
        rf"\[text withheld, \d+ characters, digest [0-9a-f]{{12}}\] at test_recorder\.py:{line}",
        event.error or "",
    )


def test_refusals_are_withheld_where_strangers_are() -> None:
    shown, withheld = (run(Leaking(), GETTING, disposable=d).events[-1] for d in (True, False))
    assert shown.outcome is withheld.outcome is Outcome.REFUSED
    assert STRANGER in (shown.error or "")
    assert re.fullmatch(r"\[text withheld, \d+ characters, digest [0-9a-f]{12}\]", withheld.error or "")


def test_a_withheld_text_still_tells_equal_from_unequal() -> None:
    absent = Step(op=Operation.GET, user=1, fact=0, absent=True)
    foreign = Step(op=Operation.GET, user=1, fact=0)
    events = run(Leaking(), plan(add(0), add(1), absent, foreign, absent), disposable=False).events[-3:]
    assert len({event.error for event in events}) == 1


class Naming(Store):
    """Its refusals name the caller in small letters, or the user who wrote first."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self._first = first

    def get(self, user: Any, id: str) -> Memory | None:
        who = next(iter(self.rows)) if self._first else user.lower()
        raise Refused(f"{who} has no {id}")


@pytest.mark.parametrize(("first", "told"), [(True, (0,)), (False, ())])
def test_only_another_users_name_is_told(first: bool, told: tuple[int, ...]) -> None:  # noqa: FBT001
    event = run(Naming(first=first), GETTING).events[-1]
    assert event.names == told
    assert event.error == ("<user 0> has no <id>" if first else "<user 1> has no <id>")


def test_the_callers_own_name_folded_is_no_other_users() -> None:
    related = (UserSpec(template="{base}-foo"), UserSpec(template="{base}-FOO"))
    asked = plan(add(0), add(1), Step(op=Operation.GET, user=1, fact=0), users=related)
    assert run(Naming(first=False), asked).events[-1].names == ()
