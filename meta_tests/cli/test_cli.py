"""The command line: its commands, its exit statuses, and one clear sentence for whatever is wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from isolation_tests.cli import main
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import expected_checks
from isolation_tests.plans.cells import axis_need
from isolation_tests.reporting.evidence.replay_file import write_replay
from meta_tests.builders import make_case

Invoke = Callable[..., tuple[int, str, str]]

ADAPTER = '''
from isolation_tests.adapters.reference import ReferenceStore

class Leaky:
    """Lists everybody's memories where it was told to."""
    def __init__(self, leak): self._store, self._users, self._leak = ReferenceStore(), [], leak
    def add(self, user, text):
        rows = self._store.add(user, text)
        self._users.append(user)
        return rows
    def search(self, user, query, *, limit): return self._store.search(user, query, limit=limit)
    def delete_all(self, user): return self._store.delete_all(user)
    def get_all(self, user):
        names = dict.fromkeys(self._users) if self._leak == "yes" else [user]
        return [row for name in names for row in self._store.get_all(name)]

def opened(leak="no", api_key=""): return Leaky(leak)
def refusing(): raise ConnectionError("connection refused: postgres://app:hunter2@db.invalid:5432/x")
'''
KNOWN = (
    '[[known]]\nfinding = "A1-search-prefix-dash"\nreason = "a reason of length"\nowner = "x"\nexpires = {}\n'
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder with an adapter in it, and no settings around."""
    for name in [name for name in os.environ if name.startswith(("ISOLATION_", "PYTEST_XDIST"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("isolation_target_adapter", None)


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Call the command line in this process: (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(list(arguments))
        except SystemExit as left:
            status = left.code
        captured = capsys.readouterr()
        return int(status or 0), captured.out, captured.err

    return call


def command(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call the command line as users do, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "isolation_tests", *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# --- run, replay, report ---------------------------------------------------------------------------------


@pytest.mark.process
def test_the_reference_holds_in_a_repository_with_its_own_pytest_setup(folder: Path) -> None:
    (folder / "pytest.ini").write_text(
        "[pytest]\npython_files = check_*.py\naddopts = --no-such-flag\n", encoding="utf-8"
    )
    (folder / "conftest.py").write_text("raise RuntimeError('not mine')\n", encoding="utf-8")
    done = command(
        "run", "reference", "--profile", "quick", "-n", "0", cwd=folder, PYTEST_ADDOPTS="--no-such-flag -x"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert re.match(r"isolation-tests \S+, run [0-9a-f]{6}, started ", lines[0])
    assert any(re.match(r"HELD, no level[^:]*: \d+ of \d+ checks held", line) for line in lines)
    table = [line for line in lines if re.match(r" [A-Z]\d ", line)]
    assert len(table) > 20
    assert max(map(len, table)) <= 80
    assert all(re.search(r"held|not supported", line) for line in table)
    assert (folder / "reports/local/report.html").is_file()


@pytest.mark.process
def test_a_finding_is_violated_replayed_and_reported(folder: Path, invoke: Invoke) -> None:
    target = ("adapter.py:opened", "-O", "leak=yes", "-O", "api_key=hunter2")
    done = command("run", *target, "--profile", "quick", "-n", "0", "--seed", "5", cwd=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "hunter2" not in done.stdout
    replay = min(folder.glob("reports/local/findings/S1-get_all-*.json"))
    shown = f"isolation-tests replay {replay.relative_to(folder)} --target adapter.py:opened -O leak=yes"
    assert f"replay:   {shown}\n" in done.stdout
    record = json.loads(replay.read_text(encoding="ascii"))
    assert record["options"] == {"leak": "yes", "api_key": "***"}

    status, _, told = invoke("replay", str(replay))
    assert (status, "name it yourself with --target" in told) == (3, True)
    named = shlex.split(shown)[1:]
    status, _, told = invoke(*named)
    assert (status, "does not contain the secret option 'api_key' of the run" in told) == (3, True)
    status, said, _ = invoke(*named, "-O", "api_key=x")
    assert (status, said.startswith("reproduced: S1-get_all-")) == (1, True)
    status, said, _ = invoke(*named, "-O", "api_key=x", "-O", "leak=no", "--times", "2")
    assert (status, said.startswith("not reproduced: ")) == (0, True)
    status, said, _ = invoke("replay", str(replay), "--target", "reference", "--times", "2")
    assert (status, said.startswith("not reproduced: ")) == (0, True)
    status, _, told = invoke("replay", str(replay), "--target", "refrence")
    assert (status, "did you mean 'reference'?" in told) == (3, True)

    status, said, _ = invoke("report", "page", str(folder / "reports/local"))
    assert status == 1
    assert "VIOLATED, no level" in said
    (folder / "reports/local/evidence.jsonl.partial").touch()
    status, _, told = invoke("report", "page", str(folder / "reports/local"))
    assert (status, "has no footer" in told) == (3, True)


@pytest.mark.process
def test_without_a_target_the_environment_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOLATION_TARGET", "adapter.py:nothing")
    done = command("run", cwd=folder)
    assert done.returncode == 3
    assert "adapter.py has no 'nothing'" in done.stderr


# --- one clear sentence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("run",), 3, "No target is given; try `isolation-tests run reference`"),
        (("run", "refrence"), 3, "did you mean 'reference'?"),
        (("run", "fault:A1-lik"), 3, "did you mean 'fault:A1-like'?"),
        (("run", "reference", "--profile", "quik"), 3, "did you mean 'quick'?"),
        (("run", "reference", "--seed", "x"), 3, "The seed must be a whole number"),
        (("run", "reference", "-O", "mode"), 3, "KEY=VALUE"),
        (("run", "reference", "-O", "mode=x"), 3, "has no option 'mode'"),
        (("run", "reference", "-n", "many"), 3, "--workers must be a number or auto"),
        (("run", "reference", "--known", "missing.toml"), 3, "There is no file missing.toml"),
        (("run", "reference", "--report", "adapter.py/x"), 3, "choose another folder"),
        (("run", "reference", "--nonsense"), 3, "No such option"),
        (("run", "adapter.py:refusing"), 2, "connection refused: postgres://***@db.invalid:5432/x"),
        (("rnu", "reference"), 3, "did you mean 'run'?"),
        (("report", "page", "."), 3, "contains no evidence.jsonl"),
        (("report", "page", "nowhere"), 3, "contains no evidence.jsonl"),
        (("replay", "missing.json"), 3, "can't be replayed"),
        (("replay", "adapter.py"), 3, "it is not JSON"),
        (("replay", "adapter.py", "--times", "0"), 3, "--times"),
        (("explain", "A99"), 3, "did you mean A"),
        (("calibrate", "reference", "--fault", "nonsense"), 3, "There is no seeded fault 'nonsense'"),
        (("calibrate", "refrence"), 3, "did you mean 'reference'?"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    folder: Path, invoke: Invoke, arguments: tuple[str, ...], status: int, told: str
) -> None:
    before = sorted(folder.rglob("*"))
    got, said, complaint = invoke(*arguments)
    assert got == status, complaint
    assert told in complaint
    assert "Traceback" not in complaint
    assert "hunter2" not in complaint
    assert said == ""
    after = [path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts]
    assert after == before


def test_a_traceback_comes_with_v_only(invoke: Invoke) -> None:
    status, _, complaint = invoke("run", "adapter.py:refusing", "-v")
    assert status == 2
    assert "Traceback" in complaint


def test_two_runs_do_not_share_a_folder(folder: Path, invoke: Invoke) -> None:
    (folder / "out").mkdir()
    with FileLock(folder / "out/.evidence.lock"):
        status, _, complaint = invoke("run", "reference", "--report", "out")
    assert status == 3
    assert "is in use by another run; choose another folder" in complaint


@pytest.mark.parametrize(
    ("change", "told"),
    [({"schema_version": 9}, "schema version"), ({"target": None}, "target: "), ({"plan": {}}, "plan.")],
)
def test_a_corrupt_replay_file_is_refused(
    folder: Path, invoke: Invoke, change: dict[str, object], told: str
) -> None:
    replay = write_replay(folder, make_case(), target="reference", suite_version="0.1.0", versions={})
    record = json.loads(replay.read_text(encoding="utf-8"))
    replay.write_text(json.dumps({**record, **change}), encoding="utf-8")
    status, _, complaint = invoke("replay", str(replay))
    assert status == 3
    assert "can't be replayed" in complaint
    assert told in complaint


@pytest.mark.process
@pytest.mark.parametrize(
    ("expires", "told"),
    [
        ("2020-01-01", "expired on 2020-01-01"),
        ("2999-01-01", "no longer shows; remove or correct the entry"),
    ],
)
def test_a_known_finding_out_of_date_fails_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke, expires: str, told: str
) -> None:
    from isolation_tests.engine import profiles
    from isolation_tests.engine.campaign import Campaign
    from isolation_tests.model import Verdict
    from isolation_tests.targets.settings import Settings

    (folder / "known.toml").write_text(KNOWN.format(expires), encoding="utf-8")
    campaign = Campaign(Settings(target="reference", profile="ci", known="known.toml"))
    assert campaign.profile is profiles.PROFILES["ci"]
    campaign.take(first := campaign.smoke())
    for check in campaign.header.expected[1:]:
        changes = {"check": check.check, "anomalies": check.anomalies, "level": check.level, "histories": ()}
        campaign.take(first.model_copy(update=changes))
    assert campaign.finish() == 2
    assert campaign.summary is not None
    assert campaign.summary.verdict is Verdict.HELD
    assert any(told in note for note in campaign.summary.stale_known)


def test_an_unmatched_entry_says_nothing_where_its_checks_did_not_run(folder: Path) -> None:
    from isolation_tests.engine.campaign import Campaign
    from isolation_tests.targets.settings import Settings

    (folder / "known.toml").write_text(KNOWN.format("2999-01-01"), encoding="utf-8")
    campaign = Campaign(Settings(target="reference", profile="ci", known="known.toml", report="none"))
    campaign.take(campaign.smoke())
    assert campaign.finish() == 2
    assert campaign.summary is not None
    assert not campaign.summary.stale_known
    assert not (folder / "reports").exists()


# --- telling ---------------------------------------------------------------------------------------------


def test_every_command_explains_itself(invoke: Invoke) -> None:
    status, said, _ = invoke("--help")
    assert status == 0
    assert "Exit status: 0 held, 1 violated" in said
    for name in main.commands:
        assert name in said
        status, text, _ = invoke(name, "--help")
        assert status == 0
        for option in re.findall(r"^ +(-\S.*?)(?:  |$)", text, re.MULTILINE):
            assert re.search(re.escape(option) + r"\s+\S", text), f"{name} {option} has no help"


def test_targets_lists_targets_and_faults_with_their_status(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolation_tests.faults import FAULTS
    from isolation_tests.targets import config

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(config, "version", lambda name: None if name == "chromadb" else "1.0")
    status, said, _ = invoke("targets")
    assert status == 0
    assert re.search(r"reference .* ready", said)
    assert "needs extra mem0-chroma" in " ".join(said.split())
    assert all(f"fault:{name}" in said for name in FAULTS)


def test_explain_tells_an_anomaly(invoke: Invoke) -> None:
    status, said, _ = invoke("explain", "a1-search-prefix-dash")
    assert status == 0
    assert "A1 prefix" in said
    assert "usual fix: " in said


@pytest.mark.process
def test_calibrate_prints_the_kill_matrix(invoke: Invoke) -> None:
    status, said, told = invoke(
        "calibrate", "reference", "--profile", "quick", "--fault", "S1-global", "-n", "1"
    )
    assert status == 0
    assert told.splitlines() == ["the clean run", "1 of 1 faults planted, 1 caught; last S1-global"]
    assert re.search(r"clean run +- +\(nothing planted\) +no findings", said)
    assert re.search(r"caught +1 +S1-global", said)
    assert "The checks catch 1 of 1 seeded faults planted in front of reference; no blind spots." in said


@pytest.mark.process
def test_a_dry_run_counts_what_is_asked_of_the_targets_axes(invoke: Invoke) -> None:
    status, out, _ = invoke("run", "reference-axes", "--dry-run", "--profile", "quick")

    assert status == 0
    checks = re.search(r"dry run of reference-axes: (\d+) checks of profile quick", out)
    assert checks is not None
    offered = [axis_need(number) for number in (1, 2, 3)]
    assert int(checks[1]) == len(expected_checks(PROFILES["quick"], offered))
