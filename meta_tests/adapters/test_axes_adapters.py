"""Adapters of systems with more axes than the user, on the systems themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.core.errors import ExitStatus
from isolation_tests.engine.replay import replayed
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, only

REPLAY = Path(__file__).parents[2] / "fixtures/replays/google-adk-1.27.0/S9-search-app-user-joined.json"
OF_AXES = ("axes-", "axis-", "joined-axes-", "omitted-axes-")


def open_or_skip(target: str) -> Any:
    if resolve(target).config.lacking():
        pytest.skip(f"{target} is not installed here")
    return resolve(target).open()


@pytest.fixture
def mem0() -> Any:
    session = open_or_skip("mem0-axes")
    yield session
    session.close()


def texts(rows: Any) -> set[str]:
    return {row.text for row in rows}


def test_mem0_narrows_by_every_identifier_that_is_given(mem0: Any) -> None:
    both = {"agent": "planner", "run": "r1"}
    mem0.call("add", "iso-ann", "in r1", scope=both)
    mem0.call("add", "iso-ann", "in r2", scope={**both, "run": "r2"})
    mem0.call("add", "iso-bob", "bob's", scope=both)
    list_all: Callable[..., Any] = lambda scope: texts(mem0.call("get_all", "iso-ann", scope=scope))  # noqa: E731
    assert list_all(both) == {"in r1"}
    assert list_all({"agent": "planner"}) == {"in r1", "in r2"}
    assert list_all({"agent": "critic"}) == set()
    assert texts(mem0.call("search", "iso-ann", "r1", limit=5, scope=both)) == {"in r1"}
    mem0.call("delete_all", "iso-ann", scope={"run": "r1"})
    assert list_all({}) == {"in r2"}
    assert texts(mem0.call("get_all", "iso-bob", scope=both)) == {"bob's"}


@pytest.mark.system
def test_mem0_keeps_agents_and_runs_apart_but_for_calls_by_id() -> None:
    open_or_skip("mem0-axes").close()
    results = ask(
        Settings(target="mem0-axes", profile="quick", seed="1"), lambda check, _: check.startswith(OF_AXES)
    )
    by_id = {result.check for result in results if result.check.startswith("axes-hold-by-id")}
    violated = {result.check for result in results if result.verdict is Verdict.VIOLATED}
    assert violated == by_id
    left = {result.verdict for result in results if result.check not in by_id}
    assert left == {Verdict.HELD, Verdict.NOT_SUPPORTED}


def joined(target: str) -> CheckResult:
    [result] = ask(
        Settings(target=target, profile="quick", seed="1"),
        only("joined-axes-stay-apart[S9-axis-1-joined-slash]"),
    )
    return result


def test_google_adk_joined_application_and_user_until_it_took_a_pair() -> None:
    """1.27.0 has a key `app/user`; a later release has the pair as its key."""
    open_or_skip("google-adk").close()
    bad = resolve("google-adk").versions()["google-adk"].startswith("1.27.")
    result = joined("google-adk")
    if bad:
        assert {case.finding.key for case in result.cases} == {"S9-search-app-user-joined"}
    else:
        assert result.verdict is Verdict.HELD, result.reason


@pytest.mark.replay
def test_google_adk_shows_the_finding_on_the_bad_release_alone() -> None:
    open_or_skip("google-adk").close()
    bad = resolve("google-adk").versions()["google-adk"].startswith("1.27.")
    answer = replayed(REPLAY, Settings(target="google-adk"), times=2)
    assert answer.text.startswith("reproduced: " if bad else "not reproduced: ")


@pytest.mark.parametrize("target", ["reference", "reference-axes"])
def test_a_finding_of_other_axes_is_not_replayed(target: str) -> None:
    answer = replayed(REPLAY, Settings(target=target), times=2)
    assert answer.status == ExitStatus.INCONCLUSIVE
    assert "the plan is for the axes app, user, as its target declared them; here: " in answer.text


def test_google_adk_refuses_a_call_without_an_application() -> None:
    session = open_or_skip("google-adk")
    for method, arguments in (("add", ["text"]), ("search", ["text"])):
        limit = {"limit": 5} if method == "search" else {}
        with pytest.raises(Refused):
            session.call(method, "iso-ann", *arguments, scope={}, **limit)
    session.close()
