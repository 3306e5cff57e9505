"""Budgets: what the command line says wins over the target's file, and that over what is usual elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Budget
from isolation_tests.targets.budget import REMOTE, budget_of, is_remote
from isolation_tests.targets.config import TargetConfig, load
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings, gather

HERE: list[Any] = [
    {},
    {"url": "http://127.0.0.1:8000"},
    {"url": "http://localhost"},
    {"url": "redis://[::1]:6379/0"},
    {"path": "/var/lib/x", "text": "a: b"},
    {"host": "localhost", "port": "5432"},
    {"host": "127.0.0.1:6379"},
    {"hosts": ["::1"]},
    {"host": "stand-in"},
    {"dsn": "host=/var/run/postgresql dbname=x"},
    {"path": "memories.example.com"},
]
ELSEWHERE: list[Any] = [
    {"base_url": "https://staging.example.com/v1"},
    {"llm": {"config": {"dsn": "postgresql://user:secret@10.0.0.7/memories"}}},
    {"hosts": ["http://127.0.0.1", "http://10.1.2.3:9"]},
    {"url": "http://[broken"},
    {"url": "http://127.example.com"},
    {"host": "db.example.com", "port": "5432"},
    {"store": {"config": {"server": "10.0.0.7:6333"}}},
    {"hosts": ["localhost", "2001:db8::7"]},
    {"dsn": "host=db.example.com dbname=memories"},
    {"dsn": "dbname=memories hostaddr=10.0.0.7"},
]


def config(**fields: Any) -> TargetConfig:
    return TargetConfig(name="mine", adapter="m:f", **fields)


@pytest.mark.parametrize("options", HERE)
def test_a_target_on_this_machine_has_no_limits_by_default(options: dict[str, Any]) -> None:
    assert budget_of(config(options=options), {}) == Budget()


@pytest.mark.parametrize("options", ELSEWHERE)
def test_a_target_on_another_machine_has_limits_by_default(options: dict[str, Any]) -> None:
    assert is_remote(config(options=options))
    assert budget_of(config(options=options), {}).figures() == REMOTE.figures()


def test_the_command_line_wins_over_the_file_and_that_over_the_defaults() -> None:
    target = config(options=ELSEWHERE[0], budget={"requests": 700, "seconds": 60})
    budget = budget_of(target, {"requests": "500", "bytes": "none"})
    assert (budget.requests, budget.seconds, budget.bytes) == (500, 60, None)
    assert budget.concurrency == REMOTE.concurrency


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"request": "5"}, "There is no budget 'request'; did you mean 'requests'?"),
        ({"xyz": "5"}, "there are requests, requests_per_second, concurrency, seconds, bytes."),
        ({"requests": "0"}, "The budget requests must be a whole number of at least 1, or none, not '0'"),
        ({"requests": "many"}, "write --budget requests=N"),
        ({"requests_per_second": "nan"}, "The budget requests_per_second must be a number"),
        ({"seconds": "-1"}, "The budget seconds must be a number"),
    ],
)
def test_a_wrong_limit_is_one_sentence(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageProblem) as told:
        budget_of(config(), given)
    assert said in str(told.value)


def test_a_file_with_a_wrong_limit_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text('name = "t"\nadapter = "m:f"\n[budget]\nrequest = 5\n', encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"no key 'budget.request'; did you mean 'requests'\?"):
        load(path, TargetConfig)


def test_limits_come_from_everywhere_a_setting_may(tmp_path: Path) -> None:
    text = "[tool.isolation_tests.budget]\nrequests = 900\nbytes = 5\n"
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    found = gather(
        Settings(budget=("requests=100",)),
        folder=tmp_path,
        environment={"ISOLATION_BUDGET": "requests=300 seconds=60"},
    )
    assert found.limits() == {"requests": "100", "bytes": "5", "seconds": "60"}
    with pytest.raises(UsageProblem, match="'requests' is not a limit; write KEY=VALUE"):
        Settings(budget=("requests",)).limits()


def test_the_hosted_platform_has_limits() -> None:
    for name in ("mem0-platform", "mem0-platform-async"):
        assert set(budget_of(resolve(name).config, {}).figures()) == set(REMOTE.figures())
