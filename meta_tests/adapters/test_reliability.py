"""Each row of docs/reference/reliability.md: trouble with a real service, and what a run makes of it.

With a right service no trouble may look like a violation. With a leaky one no trouble may turn what is found
without it into a HELD.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapters.resources import local_server
from isolation_tests.core.errors import Problem
from isolation_tests.engine.examination import examine
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.settings import Settings

pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("jmespath", reason="jmespath is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip("starlette", reason="starlette is not installed")

ROOT = Path(__file__).parents[2]
STAGING = ROOT / "fixtures" / "staging"
NOTES = Path(__file__).with_name("notes.toml")
TABLE = ROOT / "docs" / "reference" / "reliability.md"
CHECKS = 9
SECONDS = 90
pytestmark = pytest.mark.process


def _load(name: str) -> Any:
    found = importlib.util.spec_from_file_location(name, STAGING / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


made = _load("trouble_proxy")


def _pages(_request: Any, forward: Any) -> Any:
    own = forward()
    try:
        rows = json.loads(own.body)
    except ValueError:
        return own
    return made.Answer(
        own.status, json.dumps({**rows, "next": f"n{time.monotonic_ns()}"}).encode(), own.headers
    )


def _rows(change: Any) -> Any:
    def changed(body: bytes) -> bytes:
        answer = json.loads(body) if body else {}
        if answer.get("notes"):
            answer["notes"] = [change(number, row) for number, row in enumerate(answer["notes"])]
        return json.dumps(answer).encode()

    return made.reading(made.changed(changed))


def _plain(body: bytes, *headers: tuple[str, str], status: int = 200) -> Any:
    return made.always(lambda: made.Answer(status, body, headers))


def _large() -> Any:
    return made.Answer(200, (b" " * 1_000_000 for _ in range(100)))


START = 40
LATER = 120
"""A request after the smoke test, without which a run ends."""
FAILED = _plain(b'{"error": "failed"}', status=500)
# The row of the table, the trouble, and whether a run still proves something about every check.
ROWS: dict[str, Any] = {
    "restart in mid-run": made.after(START, lambda _request, _forward: None, until=START + 12),
    "5 % of answers are 5xx": made.after(START, made.sometimes(0.05, FAILED)),
    "50 % of answers are 5xx": made.after(START, made.sometimes(0.5, FAILED)),
    "all answers are 5xx": made.after(START, FAILED),
    "5 % are 5xx, although the call took effect": made.after(
        START, made.sometimes(0.05, made.failed_after_all)
    ),
    "2 seconds for an answer": made.after(START, made.late(2)),
    "no answer": made.after(START, made.sometimes(0.1, made.late(5))),
    "connections end in the middle of an answer": made.after(START, made.sometimes(0.2, made.half)),
    "truncated JSON": made.after(START, made.reading(made.changed(lambda body: body[:-3]))),
    "HTML": made.after(
        START, made.sometimes(0.2, _plain(b"<html>login</html>", ("content-type", "text/html")))
    ),
    "wrong types": made.after(START, _rows(lambda _n, row: {**row, "text": 5})),
    "NaN": made.after(
        START, made.reading(made.changed(lambda body: body.replace(b'"next":null', b'"next":NaN')))
    ),
    "deep nesting": made.after(START, made.reading(_plain(b"[" * 100_000 + b"]" * 100_000))),
    "100 MB": made.after(START, made.sometimes(0.1, made.always(_large))),
    "a gzip bomb": made.after(
        START, made.sometimes(0.2, _plain(made.bomb(300), ("content-encoding", "gzip")))
    ),
    "endless pages": made.after(START, made.reading(_pages)),
    "a cursor that repeats": made.after(
        START,
        made.reading(
            made.changed(lambda body: re.sub(rb'"next":\s*(null|"[^"]*")', b'"next":"again"', body))
        ),
    ),
    "one id twice": made.after(START, _rows(lambda _n, row: {**row, "id": "same"})),
    "credentials end in mid-run": made.after(START, _plain(b'{"error": "expired"}', status=401)),
    "429 with a pause": made.after(
        START, made.sometimes(0.05, _plain(b"", ("retry-after", "1"), status=429)), until=START + 100
    ),
    "a pause of an hour": made.after(START, _plain(b"", ("retry-after", "3600"), status=429)),
}
LIMITS = ("seconds=20", "requests=4000")
HOLDS = ("restart in mid-run", "5 % of answers are 5xx", "429 with a pause")
"""Rows in which some checks meet no trouble, or get over it."""


def run(url: str, *limits: str) -> list[CheckResult]:
    """The results of a run's first checks on the service at this address, for its leak before others."""
    options = (f"base_url={url}", "timeout_seconds=2", "retries=3")
    settings = Settings(target=str(NOTES), profile="quick", seed="5", options=options, budget=limits)
    counter = itertools.count(1)
    try:
        return examine(settings, until="A1", enough=lambda _result: next(counter) >= CHECKS)
    except Problem:
        return []


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("NOTES_KEY", "of-the-test")
        script = STAGING / "notes_service.py"
        with (
            local_server(script, ("--port", "0")) as right,
            local_server(script, ("--port", "0", "--fault", "prefix-match")) as leaky,
        ):
            yield {"right": right, "leaky": leaky}


@pytest.fixture(scope="module")
def untroubled(services: dict[str, str]) -> dict[str, dict[str, Verdict]]:
    found = {name: {one.check: one.verdict for one in run(url)} for name, url in services.items()}
    assert set(found["right"].values()) <= {Verdict.HELD, Verdict.NOT_SUPPORTED}
    assert Verdict.VIOLATED in found["leaky"].values()
    return found


class Killable:
    """A notes service with a file, in a process of its own that is killed and started again."""

    def __init__(self, file: Path, *more: str) -> None:
        self._command = [sys.executable, str(STAGING / "notes_service.py"), "--file", str(file), *more]
        self.kills = 0
        self._process, self.url = self._start("0")

    def _start(self, port: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen([*self._command, "--port", port], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def kill(self) -> None:
        """SIGKILL it, and start it again while calls come in."""
        self.kills += 1
        self._process.kill()
        self._process.wait()
        threading.Thread(target=self._again, daemon=True).start()

    def _again(self) -> None:
        self._process, self.url = self._start(self.url.rpartition(":")[2])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.mark.parametrize("fault", [None, "prefix-match"])
def test_a_server_that_is_killed_and_starts_again(
    tmp_path: Path, fault: str | None, services: dict[str, str], untroubled: dict[str, dict[str, Verdict]]
) -> None:
    """Its process gets SIGKILL in mid-run; what it has kept is there again, sessions too."""
    before = untroubled["right" if fault is None else "leaky"]
    server = Killable(tmp_path / "notes.json", *([] if fault is None else ["--fault", fault]))
    answered: list[int] = []

    def killed(request: Any, forward: Any) -> Any:
        if request.number == LATER:
            server.kill()
        try:
            answer = forward()
        except OSError:
            return None
        answered.append(request.number)
        return answer

    try:
        with made.proxy(server.url) as between:
            between.trouble = killed
            results = run(between.url, "seconds=60", LIMITS[1])
    finally:
        server.end()
    assert server.kills == 1
    assert len([number for number in answered if number > LATER]) > START, "it never came back"
    verdicts = {one.check: one.verdict for one in results}
    assert len(verdicts) == CHECKS
    for check, verdict in verdicts.items():
        if before[check] is not Verdict.VIOLATED:
            assert verdict is not Verdict.VIOLATED, check
        else:
            assert verdict is not Verdict.HELD, check


def test_every_row_of_the_table_is_tested_and_every_test_has_a_row() -> None:
    rows = re.findall(r"^\| ([^|]+?) +\|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    mine = ["the server's process is killed and starts again", *ROWS, "an answer for somebody else"]
    assert [row for row in rows if row in mine] == mine


@pytest.mark.parametrize("row", ROWS)
def test_trouble_is_neither_a_violation_nor_a_pass(
    row: str, services: dict[str, str], untroubled: dict[str, dict[str, Verdict]]
) -> None:
    for name, url in services.items():
        with made.proxy(url) as between:
            between.trouble = ROWS[row]
            began = time.monotonic()
            results = run(between.url, *LIMITS)
            assert time.monotonic() - began < SECONDS
        assert len(between.asked) >= START, "the trouble never began"
        for result in results:
            before = untroubled[name].get(result.check)
            if before is not Verdict.VIOLATED:
                assert result.verdict is not Verdict.VIOLATED, result.reason
            else:
                assert result.verdict is not Verdict.HELD, f"{result.check} hides what it had found"
        verdicts = [result.verdict for result in results]
        if row not in HOLDS:
            assert {*verdicts} & {Verdict.INCONCLUSIVE, Verdict.ERROR}, verdicts


def test_an_answer_for_somebody_else_is_a_violation(services: dict[str, str]) -> None:
    with made.proxy(services["right"]) as between:
        between.trouble = made.after(START, made.swapped())
        assert Verdict.VIOLATED in {result.verdict for result in run(between.url)}


def test_a_dead_service_costs_few_requests_and_seconds(services: dict[str, str]) -> None:
    with made.proxy(services["right"]) as between:
        between.trouble = made.after(START, lambda _request, _forward: None)
        began = time.monotonic()
        results = run(between.url)
        assert time.monotonic() - began < 10
        assert len(between.asked) - START < 50
        assert all("the target is down" in one.reason for one in results[-3:])


def test_a_storm_of_503_ends_a_run_as_soon(services: dict[str, str]) -> None:
    with made.proxy(services["right"]) as between:
        between.trouble = made.after(START, _plain(b"", status=503))
        run(between.url)
        assert len(between.asked) - START < 50


def test_a_pause_is_obeyed(services: dict[str, str]) -> None:
    with made.proxy(services["right"]) as between:
        between.trouble = made.after(START, _plain(b"", ("retry-after", "1"), status=429), until=START + 1)
        results = run(between.url)
    gap = between.times[START] - between.times[START - 1]
    assert 1 <= gap < 1.5
    assert {one.verdict for one in results} <= {Verdict.HELD, Verdict.NOT_SUPPORTED}


def test_large_answers_do_not_fill_the_memory(services: dict[str, str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with made.proxy(services["right"]) as between:
        between.trouble = made.after(2, _plain(made.bomb(900), ("content-encoding", "gzip")))
        run(between.url)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000, f"{grown} kB"
