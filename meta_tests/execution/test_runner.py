"""The runner, in front of small adapters that are right or wrong on purpose."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from isolation_tests.adapter import Memory, Refused
from isolation_tests.judges.judging import judge
from isolation_tests.model import (
    Outcome,
)
from meta_tests.execution.small import STRANGER, TWO, Store, run, runner_of, session_of


def test_cleans_up_after_every_plan() -> None:
    store = Store({"stranger": {"s1": STRANGER}})
    run(store)
    assert store.users() == ["stranger"]


class Interrupted(Store):
    """Its search is where the user presses Control-C."""

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        raise KeyboardInterrupt


def test_cleans_up_after_an_exception_in_a_step() -> None:
    store = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(store)
    assert store.users() == []


class Failing(Store):
    """Every read fails in the adapter."""

    def get_all(self, user: Any) -> list[Memory]:
        raise KeyError(user)


def test_an_adapter_that_raises_is_an_error_and_is_cleaned_up() -> None:
    store = Failing()
    judged = judge(run(store))
    assert not judged.findings
    assert judged.errors
    assert store.users() == []


class Mute(Exception):  # noqa: N818 - named by what it does
    """An exception whose message can't be made."""

    def __str__(self) -> str:
        raise RuntimeError


class Speechless(Store):
    def get_all(self, user: Any) -> list[Memory]:
        raise Mute


def test_an_error_without_a_message_is_recorded_too() -> None:
    history = run(Speechless())
    assert {event.error_kind for event in history.events if event.outcome is Outcome.ERROR} == {"Mute"}


class Keeping(Store):
    """Stores what it is given, answers nothing for it and deletes nothing."""

    def add(self, user: Any, text: str) -> list[Memory]:
        super().add(user, text)
        return []

    def delete_all(self, user: Any) -> None:
        raise Refused("Deleting is switched off.")


def test_tells_what_could_not_be_deleted() -> None:
    with closing(session_of(Keeping)) as session:
        runner = runner_of(session)
        history = runner.run(TWO)
    assert runner.leftovers == [f"'{user.name}'" for user in history.users]


class Closed(Store):
    """Refuses everything."""

    def add(self, user: Any, text: str) -> list[Memory]:
        raise Refused("No.")

    delete_all = get_all = add  # type: ignore[assignment]


def test_what_was_refused_is_not_left_over() -> None:
    with closing(session_of(Closed)) as session:
        runner = runner_of(session)
        runner.run(TWO)
    assert runner.leftovers == []
