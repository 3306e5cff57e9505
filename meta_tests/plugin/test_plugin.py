"""Certifying pytest runs: statuses, narrowing, workers, crashes, hangs; and the sleep in all other runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isolation_tests.core.errors import ExitStatus
from isolation_tests.model import Verdict
from isolation_tests.plugin.controller import Controller
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.reader import read

pytest_plugins = ["pytester"]

ADAPTER = '''
import os, pathlib, time
from isolation_tests.adapters.reference import ReferenceStore

class Core:
    """The four methods and nothing else; `calls` counts them."""
    def __init__(self): self._store, self.calls = ReferenceStore(), 0
    def _called(self, method, user): self.calls += 1
    def add(self, user, text): self._called("add", user); return self._store.add(user, text)
    def search(self, user, query, *, limit):
        self._called("search", user)
        return self._store.search(user, query, limit=limit)
    def get_all(self, user): self._called("get_all", user); return self._store.get_all(user)
    def delete_all(self, user): self._called("delete_all", user); self._store.delete_all(user)

class Mute(Core):
    def search(self, user, query, *, limit): return []

class Raising(Core):
    def add(self, user, text): raise RuntimeError("no space, password=hunter2")

class Wrong(Core):
    def get_all(self, user): return "all of them"

class Leaving(Core):
    def search(self, user, query, *, limit): raise SystemExit(0)

class Ending(Core):
    def search(self, user, query, *, limit): os._exit(0)

class Skipping(Core):
    def search(self, user, query, *, limit):
        import pytest
        pytest.skip("not today")

class Leaky(Core):
    """Lists everybody's memories."""
    def __init__(self): super().__init__(); self._users = []
    def add(self, user, text):
        rows = super().add(user, text)
        self._users.append(user)
        return rows
    def get_all(self, user):
        return [row for name in dict.fromkeys(self._users) for row in self._store.get_all(name)]

def unchecked():
    from isolation_tests.faults import plant
    return plant("O1-get-unchecked", ReferenceStore())

class LateEnding(Core):
    """Ends its process once, in the middle of a run."""
    def _called(self, method, user):
        super()._called(method, user)
        flag = pathlib.Path(os.environ["FLAG"])
        if self.calls == 60 and not flag.exists():
            flag.touch()
            os._exit(0)

class Hanging(Core):
    def search(self, user, query, *, limit): time.sleep(600)

class LateHanging(Core):
    """One call in the middle of a run never comes back."""
    hung = False
    def _called(self, method, user):
        super()._called(method, user)
        if self.calls >= 60 and method == "get_all" and not LateHanging.hung:
            LateHanging.hung = True
            time.sleep(600)

class BadClose(Core):
    def close(self): raise OSError("the socket is gone")

class OnlyHere(Core):
    """Can be opened by the first process only."""
    def __init__(self):
        if "PYTEST_XDIST_WORKER" in os.environ: raise ConnectionError("too many clients")
        super().__init__()
'''
LIMITED = 'name = "limited"\nadapter = "adapter.py:{}"\ndisposable = true\ncall_limit_seconds = 0.5\n'
UNCHECKED = 'name = "unchecked"\nadapter = "adapter.py:unchecked"\ndisposable = true\n'
KNOWN = """
[[known]]
finding = "{}-*"
reason = "ids are not checked yet"
owner = "the team"
expires = 2999-01-01
"""
PROPERTIES = ("--pyargs", "isolation_tests", "--isolation-profile=quick", "-p", "no:cacheprovider")


@pytest.fixture(autouse=True)
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with an adapter in it, and no settings around."""
    for name in ("ISOLATION_TARGET", "ISOLATION_PROFILE", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    (pytester.path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    return pytester.path


def run(pytester: pytest.Pytester, *arguments: str, target: str = "adapter.py:Core") -> pytest.RunResult:
    """A certifying run in a process of its own."""
    return pytester.runpytest_subprocess(*PROPERTIES, f"--isolation-target={target}", *arguments, timeout=120)


def within(pytester: pytest.Pytester, *arguments: str, target: str = "adapter.py:Core") -> pytest.RunResult:
    """A certifying run in this process: quicker, without workers."""
    quiet = ("-p", "no:xdist", "-p", "no:randomly")
    return pytester.runpytest_inprocess(*PROPERTIES, *quiet, f"--isolation-target={target}", *arguments)


def evidence(folder: Path) -> Evidence:
    return read(folder / "reports" / "local")


def verdict(result: pytest.RunResult) -> str:
    return next(line for line in reversed(result.outlines) if " of " in line and " checks held" in line)


# --- held, violated, known -------------------------------------------------------------------------------


@pytest.mark.process
def test_a_clean_target_holds_with_two_workers_and_in_random_order(
    pytester: pytest.Pytester, folder: Path
) -> None:
    result = run(pytester, "-n", "2", "--junitxml=junit.xml")
    assert result.ret == 0, result.stdout.str()
    assert verdict(result).startswith("HELD, no level")
    assert evidence(folder).header.workers == 2
    assert not evidence(folder).footer.not_run
    junit = (folder / "junit.xml").read_text(encoding="utf-8")
    assert "search_stays_own" in junit
    assert "isolation-result" not in junit


@pytest.mark.process
@pytest.mark.parametrize("dist", ["each", "loadscope"])
def test_every_distribution_takes_every_result(pytester: pytest.Pytester, folder: Path, dist: str) -> None:
    result = run(pytester, "-n", "2", "--dist", dist, "-k", "get_all")
    assert result.ret == 2, result.stdout.str()
    held = [row for row in evidence(folder).results if row.verdict is Verdict.HELD]
    asked = {row.check for row in held}
    assert len(asked) > 3
    assert len(held) == (2 * len(asked) - 1 if dist == "each" else len(asked))


@pytest.mark.process
def test_a_leak_is_violated_with_all_it_takes_to_see_it(pytester: pytest.Pytester, folder: Path) -> None:
    result = within(pytester, "-k", "get_all", target="adapter.py:Leaky")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*law: *",
            "*story: *",
            "*user a*",
            "*user b*",
            "*memory.get_all(*",
            "*replay: *isolation-tests replay*",
        ]
    )
    assert verdict(result).startswith("VIOLATED")
    assert list((folder / "reports/local/findings").glob("S1-get_all-*.json"))


@pytest.mark.process
def test_a_known_finding_keeps_the_run_green_and_denies_the_level(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "known.toml").write_text(UNCHECKED + KNOWN.format("O1"), encoding="utf-8")
    result = within(pytester, target="known.toml")
    found = evidence(folder)
    assert {case.known for row in found.results for case in row.cases} == {"ids are not checked yet"}
    assert result.ret == 0, result.stdout.str()
    assert verdict(result).startswith("VIOLATED, known, no level")
    assert "known finding: O1-get-" in result.stdout.str()
    news = within(pytester, "--isolation-known=none", "-k", "O1", target="known.toml")
    assert news.ret == 1


def test_the_header_says_what_is_tested(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOLATION_OPTIONS", "token=hunter2")
    pytester.path.joinpath("adapter.py").write_text(
        f"{ADAPTER}\ndef opened(token): return Core()\n", encoding="utf-8"
    )
    result = within(pytester, "--isolation-seed=7", "-k", "nothing", target="adapter.py:opened")
    result.stdout.fnmatch_lines(
        [
            "isolation-tests *, run ??????, started *",
            "target: adapter.py:opened, adapter.py sha256 *",
            "adapter: adapter.py:opened",
            "options: token=[*][*][*]",
            "disposable: no: hostile user names only read*",
            "capabilities: overlap",
            "seed 7, profile quick, 1 worker, *",
            "known findings: none",
            "ISOLATION_[*] variables: ISOLATION_OPTIONS=token=[*][*][*]",
            "expected checks: *",
            "narrowed by -k nothing: *",
        ]
    )
    assert "hunter2" not in result.stdout.str()


# --- narrowing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "narrowing",
    [
        ("-k", "no_such_property"),
        ("-m", "not isolation_law"),
    ],
)
def test_what_is_left_out_is_shown_and_never_held(
    pytester: pytest.Pytester, folder: Path, narrowing: tuple[str, str]
) -> None:
    result = within(pytester, *narrowing)
    assert evidence(folder).header.selection == (" ".join(narrowing),)
    assert evidence(folder).footer.not_run
    assert result.ret == 2
    assert "not run: " in result.stdout.str()
    assert verdict(result).startswith("INCONCLUSIVE")


def test_a_single_deselected_check_is_missed(pytester: pytest.Pytester, folder: Path) -> None:
    first = within(pytester, "--collect-only", "-q", "-k", "get_all")
    left_out = first.outlines[0]
    result = within(pytester, "-k", "get_all", f"--deselect={left_out}")
    assert result.ret == 2
    asked = [line for line in first.outlines if "::" in line]
    assert left_out in asked
    beside = {"smoke[alice-and-bob]", "witnesses[whole-run]"}
    reported = {result.check for result in evidence(folder).results}
    assert beside <= reported
    assert len(reported - beside) == len(asked) - 1


def test_one_module_alone_is_never_held(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "--pyargs", "isolation_tests.properties.test_search", *PROPERTIES[2:], "--isolation-target=reference"
    )
    assert result.ret == 2
    assert "narrowed by isolation_tests.properties.test_search" in result.stdout.str()


def test_skipping_by_a_conftest_is_shown_and_never_held(pytester: pytest.Pytester, folder: Path) -> None:
    pytester.makeconftest(
        """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if "search" in item.name: item.add_marker(pytest.mark.skip(reason="flaky"))
        """
    )
    result = within(pytester, ".", "-k", "search_stays_own or get_all_stays_own")
    assert result.ret == 2
    reasons = {row.reason for row in evidence(folder).results if row.verdict is Verdict.INCONCLUSIVE}
    assert reasons == {"Skipped: flaky"}


def test_stopping_at_the_first_failure_is_violated(pytester: pytest.Pytester, folder: Path) -> None:
    result = within(pytester, "-x", "-k", "get_all", target="adapter.py:Leaky")
    assert result.ret == 1
    assert evidence(folder).footer.not_run


@pytest.mark.process
def test_the_last_failures_alone_are_never_held(pytester: pytest.Pytester, folder: Path) -> None:
    arguments = (
        "--pyargs",
        "isolation_tests",
        "--isolation-profile=quick",
        "-p",
        "no:xdist",
        "-k",
        "get_all",
    )
    first = pytester.runpytest_inprocess(*arguments, "--isolation-target=adapter.py:Leaky")
    assert first.ret == 1
    again = pytester.runpytest_inprocess(*arguments, "--lf", "--isolation-target=adapter.py:Core")
    assert again.ret == 2
    assert "--lf" in again.stdout.str()


def test_listing_asks_nothing(pytester: pytest.Pytester, folder: Path) -> None:
    result = within(pytester, "--collect-only", "-q", target="adapter.py:Ending")
    assert result.ret == 0
    assert "test_search_stays_own[" in result.stdout.str()
    assert not (folder / "reports").exists()
    assert "run " not in result.outlines[0]


@pytest.mark.parametrize("asked", ["--help", "--version", "--markers", "--fixtures"])
def test_questions_about_pytest_itself_open_no_target(
    pytester: pytest.Pytester, folder: Path, asked: str
) -> None:
    assert within(pytester, asked, target="adapter.py:Ending").ret == 0
    assert not (folder / "reports").exists()


# --- targets that are at fault ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Mute", "INCONCLUSIVE"),
        ("Raising", "RuntimeError"),
        ("Wrong", "the adapter's get_all() returned a str"),
        ("Leaving", "SystemExit(0)"),
        ("Skipping", "raised Skipped [text withheld, 9 characters"),
        ("Ending2", "did you mean 'Ending'"),
    ],
)
def test_a_target_that_proves_nothing_never_holds(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    status = pytest.main([*PROPERTIES, "-p", "no:xdist", f"--isolation-target=adapter.py:{name}"])
    captured = capsys.readouterr()
    output = captured.out + captured.err
    assert status == (3 if name == "Ending2" else 2)
    assert told in output
    assert "hunter2" not in output
    assert "Traceback" not in output


@pytest.mark.process
def test_a_target_that_ends_the_process_never_holds(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-n", "0", target="adapter.py:Ending")
    assert result.ret == 2
    assert "the target ended the process" in result.stderr.str() + result.stdout.str()


@pytest.mark.process
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_target_that_ends_the_process_later_never_holds(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("FLAG", str(folder / "flag"))
    result = run(pytester, "-n", workers, "-k", "get_all_stays_own", target="adapter.py:LateEnding")
    assert (folder / "flag").exists()
    assert result.ret == 2, result.stdout.str()
    if workers == "2":
        listed = [check for check in evidence(folder).footer.not_run if check.startswith("get-all-stays-own")]
        assert len(listed) == 1


@pytest.mark.process
def test_a_target_that_hangs_is_given_up(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "limited.toml").write_text(LIMITED.format("Hanging"), encoding="utf-8")
    result = run(pytester, "-n", "0", target="limited.toml")
    assert result.ret == 2
    assert "did not answer within 0.5 seconds" in result.stdout.str()
    assert result.duration < 30


@pytest.mark.process
def test_one_call_that_hangs_is_told_and_the_rest_goes_on(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "limited.toml").write_text(LIMITED.format("LateHanging"), encoding="utf-8")
    result = within(pytester, "-k", "get_all_stays_own", target="limited.toml")
    assert result.ret == 2, result.stdout.str()
    found = evidence(folder)
    assert [row.verdict for row in found.results].count(Verdict.HELD) == len(found.results) - 1
    assert [row.verdict for row in found.results].count(Verdict.ERROR) == 1
    assert "did not answer within 0.5 seconds" in result.stdout.str()


@pytest.mark.process
def test_a_target_that_only_the_first_process_can_open_is_an_error(
    pytester: pytest.Pytester, folder: Path
) -> None:
    result = run(pytester, "-n", "2", "-k", "get_all", target="adapter.py:OnlyHere")
    assert result.ret == 2
    assert "too many clients" in result.stdout.str()
    assert {row.verdict for row in evidence(folder).results[1:]} == {Verdict.ERROR}


def test_a_failing_close_is_told(pytester: pytest.Pytester, folder: Path) -> None:
    result = within(pytester, "-k", "get_all", target="adapter.py:BadClose")
    assert "note: closing the target failed with OSError [text withheld, 18 characters" in result.stdout.str()
    assert evidence(folder).footer.notes


def test_a_run_that_held_is_not_green_while_users_are_left() -> None:
    campaign: Any = SimpleNamespace(finish=lambda: 0, leftovers=["iso-c0ffee-00000001"])
    controller = Controller(cast("Any", None), "in-test", campaign, cast("Any", None))
    assert controller._judge(pytest.ExitCode.OK) == ExitStatus.INCONCLUSIVE
    campaign.leftovers.clear()
    assert controller._judge(pytest.ExitCode.OK) == ExitStatus.HELD


@pytest.mark.process
def test_other_tests_that_fail_are_not_hidden(pytester: pytest.Pytester, folder: Path) -> None:
    pytester.makepyfile(test_mine="def test_mine(): assert False")
    result = within(pytester, "test_mine.py")
    assert result.ret == 2
    assert verdict(result).startswith("HELD")
    assert "other tests in this pytest run failed" in result.stdout.str()


# --- sleeping --------------------------------------------------------------------------------------------


def test_the_plugin_sleeps_in_other_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOLATION_TARGET", "reference")
    pytester.makepyfile(
        """
        import sys
        def test_asleep():
            mine = sorted(name for name in sys.modules if name.startswith("isolation_tests"))
            assert mine == ["isolation_tests", "isolation_tests.plugin"]
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--strict-markers")
    assert result.ret == 0, result.stdout.str()
    assert "isolation-tests" not in "\n".join(
        line for line in result.outlines if not line.startswith(("plugins:", "rootdir:"))
    )


@pytest.mark.process
def test_the_fixture_outside_a_certifying_run_says_what_to_do(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(
        "--pyargs", "isolation_tests", "-p", "no:isolation_tests", "-n", "0", "-x"
    )
    assert result.ret != 0
    assert "isolation-tests run TARGET" in result.stdout.str()


def test_evidence_is_plain_json(pytester: pytest.Pytester, folder: Path) -> None:
    within(pytester, "-k", "get_all")
    lines = (folder / "reports/local/evidence.jsonl").read_text(encoding="ascii").splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds[0] == "header"
    assert kinds[-1] == "footer"


LOUD = """
from adapter import Core
class Loud(Core):
    def _called(self, method, user):
        super()._called(method, user)
        if self.calls > 40:
            print("\\x1b[2J\\x07 password=hunter2hunter2")
            raise RuntimeError("not now")
"""


@pytest.mark.process
def test_what_a_target_prints_is_shown_without_secrets_and_without_steering(
    pytester: pytest.Pytester, folder: Path
) -> None:
    (folder / "loud.py").write_text(LOUD, encoding="utf-8")
    shown = within(pytester, "-v", "-k", "get_all", target="loud.py:Loud").stdout.str()
    assert "Captured stdout" in shown
    assert "password=***" in shown
    assert "hunter2" not in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
